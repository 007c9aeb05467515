"""Settings for every test: hypothesis draws the same examples each time."""

import hypothesis

hypothesis.settings.register_profile(
    "rnnbench", derandomize=True, deadline=None, max_examples=40, print_blob=False, database=None
)
hypothesis.settings.load_profile("rnnbench")

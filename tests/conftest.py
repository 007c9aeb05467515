"""Settings for every test: hypothesis draws the same examples each time; kernels are compiled once."""

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "rnnbench", derandomize=True, deadline=None, max_examples=40, print_blob=False, database=None
)
hypothesis.settings.load_profile("rnnbench")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """Compile before there are several processes: two that fill one cache of Numba's may mix it up."""
    from rnnbench.network import warm_up

    warm_up("float32")
    warm_up("float64")

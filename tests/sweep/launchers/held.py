"""The adding problem, whose training crawls while there is a file `hold`; a plugin of the tests' folders."""

import time
from dataclasses import dataclass
from pathlib import Path

from rnnbench.tasks.adding import Adding


@dataclass
class Held(Adding):
    """Adding; a run of thousands of updates cannot end while it is held, however quick the machine."""

    def training(self, rng, size):
        if Path("hold").exists():
            time.sleep(0.02)
        return super().training(rng, size)

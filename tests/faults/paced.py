"""The adding problem, drawn at a pace that no machine exceeds: a plugin of the folders of `Folder`."""

import time
from dataclasses import dataclass

from rnnbench.tasks.adding import Adding

#: Seconds before each batch: 4,000 updates take two seconds at least, however quick the processor.
PAUSE = 0.0005


@dataclass
class Paced(Adding):
    """Adding whose batches take their time, so that a sweep is not over before its faults have happened."""

    def training(self, rng, size):
        time.sleep(PAUSE)
        return super().training(rng, size)

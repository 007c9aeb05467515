"""The adding problem, drawn at a pace that no machine exceeds; copied into the folders of `Folder`."""

import time
from dataclasses import dataclass

from rnnbench.tasks.adding import Adding

#: Seconds before each batch: 2,000 updates take a second at least, however quick the processor.
PAUSE = 0.0005


@dataclass
class Paced(Adding):
    """Adding whose batches take their time, so that a sweep is not over before its faults have happened.

    A line is added to the file `begun` for each training.
    """

    def training(self, rng, size):
        time.sleep(PAUSE)
        return super().training(rng, size)

    def validation(self, rng):
        with open("begun", "a") as file:
            file.write(f"{self.length} {rng.bit_generator.seed_seq.entropy}\n")
        return super().validation(rng)

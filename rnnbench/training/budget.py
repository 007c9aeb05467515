"""How long a training lasts: in updates, in sequences, or in seconds of compiled time."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Where a training ends; infinite is without end.

    Attributes
    ----------
    updates : float
        After so many updates.
    sequences : float
        With the update at which so many training sequences were seen.
    seconds : float
        At the first border between two blocks at which losses, gradients and updates took so many seconds of
        compiled processor time; drawing data and evaluation do not count.
    """

    updates: float = math.inf
    sequences: float = math.inf
    seconds: float = math.inf

    def spent(self, updates: int, sequences: int, seconds: float) -> bool:
        """Whether what has been done is enough."""
        return updates >= self.updates or sequences >= self.sequences or seconds >= self.seconds

    def left(self, updates: int, sequences: int) -> tuple[float, float]:
        """Return the updates and the sequences that remain."""
        return self.updates - updates, self.sequences - sequences


UNLIMITED = Budget()

"""How long a training lasts: in updates, in sequences, or in seconds of compiled time."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """When a training ends; infinity is no limit.

    Attributes
    ----------
    updates : float
        After this many updates.
    sequences : float
        With the update at which this many training sequences have been seen.
    seconds : float
        Between two blocks of updates, once losses, gradients and updates have taken this many seconds of
        processor time in compiled code; drawing data and evaluation do not count.
    """

    updates: float = math.inf
    sequences: float = math.inf
    seconds: float = math.inf

    def spent(self, updates: int, sequences: int, seconds: float) -> bool:
        """Whether the budget is used up."""
        return updates >= self.updates or sequences >= self.sequences or seconds >= self.seconds

    def left(self, updates: int, sequences: int) -> tuple[float, float]:
        """Return the updates and the sequences that remain."""
        return self.updates - updates, self.sequences - sequences


UNLIMITED = Budget()

"""Sizes that do not fit into memory, said in one line instead of a traceback."""

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnnbench.base.arguments import is_whole
from rnnbench.base.refusals import Refused

if TYPE_CHECKING:
    from rnnbench.config.configuration import Configuration

#: How NumPy refuses, as a ValueError, arrays larger than any memory could be.
_NUMPY = ("array is too big", "Maximum allowed dimension exceeded", "Maximum allowed size exceeded")


def check_memory(configuration: "Configuration") -> None:
    """Refuse a network or a batch that cannot fit into this machine's memory, before anything is allocated.

    Counted are parameters, gradient and two moments of the optimiser, and the values of all boxes for one
    training batch (with `train.memory=recompute` those of the root of the length): less than what training
    takes.

    Raises
    ------
    Refused
        They alone need more than there is.
    """
    network, train = configuration.network, configuration.train
    length = getattr(configuration.task, "length", None)
    steps = length if isinstance(length, int) and length > 0 else 1
    kept = math.isqrt(steps) if train.memory == "recompute" else steps
    values = train.batch * (steps * network.n_in + kept * sum(box.size for box in network.boxes))
    needed = (4 * network.n_parameters + values) * (8 if train.dtype == "float64" else 4)
    if needed > _memory():
        raise too_large(configuration.as_plain())


def _memory() -> float:
    """Return the bytes of memory of this machine; infinite where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return float("inf")


def is_too_large(error: object) -> bool:
    """Whether an exception says that memory could not be had."""
    if isinstance(error, ValueError):
        return any(text in str(error) for text in _NUMPY)
    return isinstance(error, MemoryError)


def too_large(plain: Mapping[str, Any]) -> Refused:
    """Return the refusal of a configuration, given as plain data, which names its three largest sizes."""
    fields = {f"{part}.{name}": value for part in ("model", "task") for name, value in plain[part].items()}
    fields["train.batch"] = plain["train"]["batch"]
    sizes = {key: value for key, value in fields.items() if is_whole(value)}
    largest = sorted(sizes, key=lambda key: -sizes[key])[:3]
    listed = ", ".join(f"{key}={sizes[key]}" for key in largest)
    return Refused(f"{listed}: does not fit into memory; must be smaller")

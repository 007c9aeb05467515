"""Sizes that do not fit into memory, said in one line instead of a traceback."""

from dataclasses import asdict

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.refusals import Refused

#: How NumPy refuses, as a ValueError, arrays larger than any memory could be.
_NUMPY = ("array is too big", "Maximum allowed dimension exceeded", "Maximum allowed size exceeded")
#: From here on a number is worth naming.
LARGE = 10_000


class TooLarge(Refused):
    """A configuration that does not fit into memory; none of its runs is stored."""


def is_too_large(error: object) -> bool:
    """Whether an exception says that memory could not be had."""
    if isinstance(error, ValueError):
        return any(text in str(error) for text in _NUMPY)
    return isinstance(error, MemoryError)


def too_large(configuration: Configuration) -> TooLarge:
    """Return the refusal of a configuration, which names its large sizes (or its three largest)."""
    fields = {f"model.{k}": v for k, v in asdict(configuration.model).items()}
    fields |= {f"task.{k}": v for k, v in asdict(configuration.task).items()}
    fields["train.batch"] = configuration.train.batch
    sizes = {k: v for k, v in fields.items() if isinstance(v, int) and not isinstance(v, bool)}
    largest = sorted(sizes, key=lambda key: -sizes[key])
    named = [key for key in largest if sizes[key] >= LARGE] or largest[:3]
    listed = ", ".join(f"{key}={sizes[key]}" for key in named)
    return TooLarge(f"{listed}: does not fit into memory; must be smaller")

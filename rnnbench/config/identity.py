"""The identity of a run: 16 hexadecimal digits over everything that decides its trained weights.

In: the names of model and task with their versions, their fields that differ from the defaults, the settings
of training, the optimiser and the initial weights that differ from theirs, one seed, the numerics version.
Out: threads, checkpoints, evaluation at further spans, launcher, tracking, study, processor, and how a width
was found (a solved width is the width). A field
that is new, with a default, changes no key; a default that changes must raise its class's `VERSION` (a test
holds it).
"""

import hashlib
import json
from dataclasses import MISSING, Field, fields
from typing import Any

from rnnbench.config import schema
from rnnbench.config.configuration import NOT_OF_FIT, Configuration
from rnnbench.kernels import NUMERICS_VERSION


def run_key(configuration: Configuration, seed: int) -> str:
    """Return the key of one run: 16 hexadecimal digits.

    Parameters
    ----------
    configuration : Configuration
        All seeds of it share what is hashed beside the seed.
    seed : int
        The seed of this run.
    """
    text = json.dumps(identity(configuration, seed), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def identity(configuration: Configuration, seed: int) -> dict[str, Any]:
    """Return what is hashed, as plain data."""
    train = {k: v for k, v in differing(configuration.train).items() if k not in NOT_OF_FIT}
    return {
        "model": [configuration.model_name, configuration.model.VERSION, differing(configuration.model)],
        "task": [configuration.task_name, configuration.task.VERSION, differing(configuration.task)],
        "train": [
            schema.Train.VERSION,
            train,
            differing(configuration.optimizer),
            differing(configuration.init),
        ],
        "seed": seed,
        "numerics": NUMERICS_VERSION,
    }


def differing(part: Any) -> dict[str, Any]:
    """Return the fields of a dataclass instance whose values are not their defaults."""
    values = {f: getattr(part, f.name) for f in fields(part)}
    return {f.name: value for f, value in values.items() if value != default_of(f)}


def default_of(part: Field[Any]) -> Any:
    """Return the default of a dataclass field, or MISSING if it has none."""
    return part.default_factory() if part.default_factory is not MISSING else part.default

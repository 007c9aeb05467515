"""Training: `fit` yields plain records and returns a result; it needs no configuration and no store."""

from importlib import import_module
from typing import Any

_WHERE = {
    "Adam": "optimisers",
    "AdamW": "optimisers",
    "Checkpoint": "checkpoint",
    "Evaluation": "evaluation",
    "RMSprop": "optimisers",
    "Result": "result",
    "Rprop": "optimisers",
    "SGD": "optimisers",
    "drain": "fitting",
    "evaluate": "evaluation",
    "fit": "fitting",
    "forecast": "forecasts",
    "generalise": "generalisation",
    "optimiser": "optimisers",
    "refusal": "evaluation",
    "stream": "streams",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    # Lazy: checking a configuration needs the options of optimisers, but not Numba.
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

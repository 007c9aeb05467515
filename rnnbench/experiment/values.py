"""Values of a configuration that a type cannot check: read, or refused in plain words."""

import math
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from rnnbench.experiment import schema
from rnnbench.experiment.refusals import Refused, unknown
from rnnbench.network.initialise import SCHEMES, parse_scheme
from rnnbench.training.generalisation import check_spans
from rnnbench.training.optimisers import OPTIMISERS

_STUDY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
#: So many runs of one configuration at most.
MOST_SEEDS = 10_000
CHOICES = {
    "reduction": ("mean", "sum"),
    "dtype": ("float32", "float64"),
    "memory": ("full", "recompute"),
    "select": ("best_validation", "last", "first_solved"),
}


def read_train(given: Mapping[str, Any]) -> tuple[schema.Train, Any]:
    """Split the keys of `train` into the settings that all optimisers share and the optimiser itself.

    Raises
    ------
    Refused
        Unknown optimiser, an option that it does not have, or a value out of range.
    """
    common = [f.name for f in fields(schema.Train)]
    train = schema.Train(**{name: given[name] for name in common})
    for name in ("updates", "batch", "evaluate_every"):
        _require(getattr(train, name) >= 1, f"train.{name}", getattr(train, name), "at least 1")
    _require(
        train.threads is None or train.threads >= 1,
        "train.threads",
        train.threads,
        "at least 1, or null for all cores",
    )
    for name, none in (("seconds", "train.updates"), ("checkpoint_every", "none but on Ctrl-C")):
        limit = getattr(train, name)
        _require(
            limit is None or 0 < limit < math.inf, f"train.{name}", limit, f"above 0, or null for {none}"
        )
    for name in ("clip_norm", "clip_value"):
        limit = getattr(train, name)
        _require(
            limit is None or 0 < limit < math.inf, f"train.{name}", limit, "above 0, or null for no clipping"
        )
    for name, allowed in CHOICES.items():
        if getattr(train, name) not in allowed:
            raise unknown(name, f"train.{name}={getattr(train, name)}", getattr(train, name), allowed)
    if train.optimizer not in OPTIMISERS:
        raise unknown("optimizer", f"train.optimizer={train.optimizer}", train.optimizer, OPTIMISERS)
    kind = OPTIMISERS[train.optimizer]
    options = {k: v for k, v in given.items() if k not in common and v is not None}
    own = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    for name, value in options.items():
        if name not in own:
            raise Refused(
                f"train.{name}={value}: {train.optimizer} has no such option\nits options: {', '.join(own)}"
            )
    try:
        return train, kind(**options)
    except ValueError as error:
        raise Refused(str(error).replace("optimizer.", "train.", 1)) from error


def read_seeds(given: Any) -> tuple[int, ...]:
    """Return the seeds that `seeds=N` (0 to N - 1) or a list of different whole numbers stand for."""
    many = len(given) if isinstance(given, list) else given
    if isinstance(many, int) and many > MOST_SEEDS:
        shown = f"[{many} values]" if isinstance(given, list) else given
        raise Refused(f"seeds={shown}: must be between 1 and {MOST_SEEDS}, or a list of so many numbers")
    if isinstance(given, int) and not isinstance(given, bool) and given >= 1:
        return tuple(range(given))
    whole = isinstance(given, list) and all(
        isinstance(s, int) and not isinstance(s, bool) and s >= 0 for s in given
    )
    if whole and given and len(set(given)) == len(given):
        return tuple(given)
    raise Refused(
        f"seeds={given}: must be how many (5 means 0 to 4) or a list of different whole numbers such as [0,3]"
    )


def read_spans(given: Any, task: Any) -> tuple[int, ...]:
    """Return the spans of `evaluate.spans`, ascending; ValueError for one that the task cannot have."""
    return () if given is None else tuple(sorted(check_spans(task, given)))


def read_study_name(given: str | None, experiment: str | None) -> str:
    """Return the study's name: as given, else the study file's, else "default"."""
    name = given or experiment or "default"
    if not _STUDY_NAME.fullmatch(name):
        raise Refused(
            f"study.name={name}: must be letters, digits, '_', '-' and '.', a letter or digit first, "
            "100 at most"
        )
    return name


def check_init(init: schema.Init) -> None:
    """Check the schemes, each a name with an optional number after a colon."""
    for name in ("input", "recurrent", "output"):
        text = getattr(init, name)
        scheme = text.partition(":")[0]
        if scheme not in SCHEMES:
            raise unknown("scheme", f"init.{name}={text}", scheme, SCHEMES)
        parse_scheme(f"init.{name}", text)
    _require(math.isfinite(init.bias), "init.bias", init.bias, "a finite number")


def _require(met: bool, key: str, value: Any, allowed: str) -> None:
    if not met:
        raise Refused(f"{key}={value}: must be {allowed}")

"""What there is: models, tasks and studies, and what models cost, as text for `rnnbench list`."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path

from omegaconf import OmegaConf

from rnnbench.experiment import available, folders
from rnnbench.models.sizes import sizes as computed_sizes
from rnnbench.plugins import source_of
from rnnbench.plugins.loading import summary


def models() -> str:
    """Every model with the first line of its documentation and its fields with their defaults.

    A plugin says where it comes from.
    """
    return _classes("model", available.models())


def tasks() -> str:
    """Every task, as `models`."""
    return _classes("task", available.tasks())


def experiments() -> str:
    """Every study file with its question."""
    found = {name: _question(path) for name, path in folders.studies().items()}
    width = max(map(len, found), default=0)
    return "\n".join(f"{name:<{width}}  {question}" for name, question in found.items())


def sizes() -> str:
    """Parameters, operations and state of TDNN, NARX and RNN against the span of memory."""
    found = computed_sizes()
    names = list(dict.fromkeys(size.model for size in found))
    parts = ("parameters", "operations a step", "numbers of state")
    lines = [
        "span: steps of the past that are to count; 2 inputs, 32 hidden units, 1 output; tdnn: window=span,",
        "narx: output_taps=span, rnn: the same network for every span",
        "",
        " " * 5 + "".join(f"{part:>{9 * len(names)}}" for part in parts),
        f"{'span':>5}" + "".join(f"{name:>9}" for name in names) * len(parts),
    ]
    for span in dict.fromkeys(size.span for size in found):
        here = [size for size in found if size.span == span]
        kinds = (
            [s.n_parameters for s in here],
            [s.macs_per_step for s in here],
            [s.state_size for s in here],
        )
        lines.append(f"{span:>5}" + "".join(f"{number:>9}" for kind in kinds for number in kind))
    return "\n".join(lines)


def _classes(group: str, classes: Mapping[str, type]) -> str:
    lines = []
    for name, kind in classes.items():
        source = source_of(kind)
        origin = f"  [{source.origin}]" if source else ""
        lines.append(f"{name}: {summary(kind)}{origin}")
        settings = "  ".join(f"{group}.{f.name}={_default(f)}" for f in fields(kind))
        lines.append(f"    {settings}")
    return "\n".join(lines)


def _default(part: Field[object]) -> str:
    if part.default is MISSING and part.default_factory is MISSING:
        return "?"
    value = part.default if part.default_factory is MISSING else part.default_factory()
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _question(path: Path) -> str:
    try:
        return str(OmegaConf.select(OmegaConf.load(path), "study.question", default="(no question)"))
    except Exception:
        return f"({path} cannot be read)"

"""gallery: a page about every model, with pictures, equations, counts, influence and names elsewhere."""

import inspect
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from rnnbench import models
from rnnbench.diagnostics import effective_memory, influence, spectral_radius
from rnnbench.network.diagram import folded, unfolded
from rnnbench.network.equations import equations, parameter_formula
from rnnbench.reporting.curves import png as figure_png
from rnnbench.reporting.drawing import svg
from rnnbench.reporting.gallery import write_gallery
from rnnbench.reporting.seen import influence_curve

#: Width of every layer, inputs, outputs, and columns of the unfolded picture.
HIDDEN, INPUTS, OUTPUTS, COLUMNS = 8, 2, 1, 4
#: Widths for which parameters are counted.
WIDTHS = (8, 32, 128)
#: Steps and sequences of the input on which influence is measured.
STEPS, SEQUENCES = 51, 8
#: What is described first, in the order of the lecture notes; models that are not named here follow.
ORDER = ("mlp", "tdnn", "narx", "jordan", "elman", "memory", "rnn", "brnn")
#: A model whose network is what the user writes down.
WITHOUT_NETWORK = ("custom",)
#: What the lecture notes call a model.
NOTES = {
    "mlp": "“one to one”: the conventional network, applied to each step",
    "tdnn": "“Time-Delay neural network”, a “finite response system” that considers “N days of history”",
    "narx": "“NARX network”: “nonlinear autoregressive network with exogenous inputs”; the memory of the "
    "past is “in the output itself, and not in the network”",
    "jordan": "“Jordan network”: a memory unit keeps “a running average of past outputs”; "
    "does not “learn” to remember; the gradient is “blocked at the memory units”",
    "elman": "“Elman network”: context units; “no gradient is backpropagated over the “1” link”. What other "
    "notes call “Elman type” is trained through time: see rnn",
    "memory": "“make memory more explicit”: a variable “whose job it is to remember”",
    "rnn": "“state-space model”, “fully recurrent neural network”; “RNN with hidden recurrence (Elman "
    "type)”, “vanilla RNN”",
    "brnn": "“bidirectional RNN”: a forward net and a backward net whose states are combined in a “block”",
}


@dataclass(frozen=True)
class Variant:
    """A named setting of a model; left out where the model has no such fields."""

    model: str
    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)


VARIANTS = (
    Variant(
        "tdnn", "several layers, each with its window, pooled over time", {"windows": [2, 4], "pool": "sum"}
    ),
    Variant("narx", "windows of inputs and of outputs", {"input_taps": 2, "output_taps": 3}),
    Variant("narx", "lags of one's own choice", {"input_taps": [0, 4], "output_taps": [2, 5]}),
    Variant("jordan", "average of the outputs' own scale, a long one", {"mu": 0.9, "average": True}),
    Variant("jordan", "top down: y at t−1 over learned weights", {"kind": "top_down", "gradient": "full"}),
    Variant("jordan", "top down through two layers", {"kind": "top_down", "layers": 2, "gradient": "full"}),
    Variant("elman", "truncated: the gradient stays within chunks of 5 steps", {"gradient": 5}),
    Variant("elman", "learned initial context", {"initial": "learned"}),
    Variant("rnn", "three layers", {"layers": 3}),
    Variant("rnn", "three layers with skips", {"layers": 3, "skip": "all"}),
    Variant("rnn", "deeper recurrence: order 2, learned initial states", {"order": 2, "initial": "learned"}),
    Variant("rnn", "output recurrence too: shades of NARX", {"output_taps": 1}),
    Variant("brnn", "two blocks, each net two layers deep", {"blocks": 2, "depth": 2}),
)


def gallery(folder: str | os.PathLike[str] = "reports/models") -> Path:
    """Write the gallery of all models; the folder appears whole or not at all.

    Parameters
    ----------
    folder : path
        What is there is replaced.

    Returns
    -------
    Path
        The page, `folder`/index.html; index.md says the same.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    sections: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    found = models.found()
    names = sorted(set(found) - set(WITHOUT_NETWORK), key=lambda name: (_place(name), name))
    for name in names:
        section = _about(name, found[name])
        for title, settings in _settings(name, found[name]):
            entry, drawn = _entry(found[name], name, title, settings)
            section["entries"].append(entry)
            files |= drawn
        sections.append(section)
    left_out = [name for name in WITHOUT_NETWORK if name in found]
    facts = {"hidden": HIDDEN, "inputs": INPUTS, "outputs": OUTPUTS, "steps": STEPS, "widths": WIDTHS}
    return write_gallery(sections, left_out, facts, files, Path(folder))


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _settings(name: str, kind: type[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "as it is by default", {}
    own = {field.name for field in fields(kind)}
    for variant in VARIANTS:
        if variant.model == name and set(variant.settings) <= own:
            yield variant.title, dict(variant.settings)


def _about(name: str, kind: type[Any]) -> dict[str, Any]:
    """Return what the model's docstring says: its first line, its names elsewhere, its sources."""
    text = inspect.getdoc(kind) or name
    bullets = re.findall(r"^- (MATLAB|SNNS|PyTorch): (.*(?:\n  .*)*)", text, flags=re.MULTILINE)
    names = [(system, " ".join(words.split())) for system, words in bullets]
    sources = text.partition("References\n----------\n")[2].strip()
    notes = [("lecture notes", NOTES[name])] if name in NOTES else []
    return {
        "name": name,
        "summary": text.splitlines()[0],
        "names": names + notes,
        "sources": " ".join(sources.split()),
        "entries": [],
    }


def _entry(
    kind: type[Any], name: str, title: str, settings: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the facts about one network, and its pictures by file name."""

    def build(hidden: int, n_in: int, n_out: int) -> Any:
        width = {"hidden": hidden} if any(f.name == "hidden" for f in fields(kind)) else {}
        return kind(**{**width, **settings}).build(n_in, n_out)

    net = build(HIDDEN, INPUTS, OUTPUTS)
    curve, facts = _seen(net)
    stem = "_".join(
        [name, *(re.sub(r"\W+", "-", f"{k}-{_shown(v)}").strip("-") for k, v in settings.items())]
    )
    shown = " ".join([f"model={name}", *(f"model.{key}={_shown(value)}" for key, value in settings.items())])
    files = {
        f"{stem}_folded.svg": svg(folded(net, name)),
        f"{stem}_unfolded.svg": svg(unfolded(net, name, steps=COLUMNS)),
        f"{stem}_influence.png": figure_png(curve),
    }
    entry = {
        "title": title,
        "settings": shown,
        "equations": equations(net),
        "formula": parameter_formula(net, _symbols(build)),
        "counts": [build(width, INPUTS, OUTPUTS).n_parameters for width in WIDTHS],
        "operations": net.macs_per_step,
        "stem": stem,
        **facts,
    }
    return entry, files


def _shown(value: Any) -> str:
    return str(value).replace(" ", "").replace("True", "true").replace("False", "false")


def _symbols(build: Any) -> dict[str, str]:
    """Return what each box's size is called: the I, H or O that it follows in two networks of odd sizes."""
    letters = ("H", "I", "O")
    tries = [(101, 103, 107), (211, 223, 227)]
    found = []
    for hidden, n_in, n_out in tries:
        net = build(hidden, n_in, n_out)
        known = dict(zip((hidden, n_in, n_out), letters, strict=True))
        known |= {2 * hidden: "2H"}
        sizes = {"x": n_in} | {box.name: box.size for box in net.boxes}
        found.append({name: known.get(size) for name, size in sizes.items()})
    first, second = found
    return {name: letter for name, letter in first.items() if letter is not None and second[name] == letter}


def _seen(net: Any) -> tuple[Any, dict[str, Any]]:
    """Return the influence curve of initial weights and what it says, on random input."""
    params = net.init(0, np.float64)
    # A learned initial value starts at 0, like one that is not learned.
    x = np.random.default_rng(0).normal(0, 1, (STEPS, SEQUENCES, net.n_in))
    at = None if net.causal else STEPS // 2
    true, trained = (influence(net, params, x, at=at, gates=gates) for gates in ("open", "declared"))
    field_of_view, radii = net.receptive_field, spectral_radius(net, params)
    facts = {
        "receptive_field": "without end" if np.isinf(field_of_view) else f"{field_of_view} steps",
        "causal": net.causal,
        "true_recurrence": net.true_recurrence,
        "reach": (effective_memory(true, 0), effective_memory(trained, 0)),
        "memory": (effective_memory(true), effective_memory(trained)),
        "radius": radii["all"],
        "loops": len(radii) - 1,
    }
    return influence_curve(true.lags.tolist(), true.mean.tolist(), trained.mean.tolist()), facts

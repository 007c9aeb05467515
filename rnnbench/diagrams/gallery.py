"""The gallery: every model with diagrams, equations, sizes, influence, and its names elsewhere."""

import inspect
import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from rnnbench import models
from rnnbench.base.figures import png
from rnnbench.diagnostics import effective_memory, influence, spectral_radius
from rnnbench.diagrams import folded, unfolded
from rnnbench.diagrams.gallery_page import write_gallery
from rnnbench.diagrams.influence import influence_curve
from rnnbench.diagrams.rendering import svg
from rnnbench.network.equations import equations, parameter_formula

#: Width of every layer, number of inputs and outputs, and columns of the unfolded diagram.
HIDDEN, INPUTS, OUTPUTS, COLUMNS = 8, 2, 1, 4
#: Widths for which the page gives the number of parameters.
WIDTHS = (8, 32, 128)
#: Steps and sequences of the input on which influence is measured.
STEPS, SEQUENCES = 51, 8
#: Models described first, in the order of the lecture notes; all others follow by name.
ORDER = ("mlp", "tdnn", "narx", "jordan", "elman", "memory", "rnn", "brnn")
#: Models without a network of their own: the user writes it down.
WITHOUT_NETWORK = ("custom",)
#: What the lecture notes say about a model.
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


#: Settings of a model that are shown besides the default ones, with their titles.
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "tdnn": {
        "several layers, each with its window, pooled over time": {"windows": [2, 4], "pool": "sum"},
    },
    "narx": {
        "windows of inputs and of outputs": {"input_taps": 2, "output_taps": 3},
        "a list of lags": {"input_taps": [0, 4], "output_taps": [2, 5]},
    },
    "jordan": {
        "a long average on the scale of the outputs": {"mu": 0.9, "average": True},
        "top down: y at t−1 over learned weights": {"kind": "top_down", "gradient": "full"},
        "top down through two layers": {"kind": "top_down", "layers": 2, "gradient": "full"},
    },
    "elman": {
        "truncated: the gradient stays within chunks of 5 steps": {"gradient": 5},
        "learned initial context": {"initial": "learned"},
    },
    "rnn": {
        "three layers": {"layers": 3},
        "three layers with skips": {"layers": 3, "skip": "all"},
        "deeper recurrence: order 2, learned initial states": {"order": 2, "initial": "learned"},
        "output recurrence too: shades of NARX": {"output_taps": 1},
    },
    "brnn": {
        "two blocks, each net two layers deep": {"blocks": 2, "depth": 2},
    },
}


def gallery(folder: str | os.PathLike[str] = "reports/models") -> Path:
    """Write the gallery of all models; the folder appears whole or not at all.

    Parameters
    ----------
    folder : path
        Whatever it holds is replaced.

    Returns
    -------
    Path
        The page, `folder`/index.html; index.md has the same content.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    sections: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    found = models.found()
    for name in [*ORDER, *sorted(set(found) - {*ORDER, *WITHOUT_NETWORK})]:
        section = _about(name, found[name])
        for title, settings in {"default": {}, **VARIANTS.get(name, {})}.items():
            entry, drawn = _entry(found[name], name, title, settings)
            section["entries"].append(entry)
            files |= drawn
        sections.append(section)
    facts = {"hidden": HIDDEN, "inputs": INPUTS, "outputs": OUTPUTS, "steps": STEPS, "widths": WIDTHS}
    return write_gallery(sections, WITHOUT_NETWORK, facts, files, Path(folder))


def _about(name: str, kind: type[Any]) -> dict[str, Any]:
    """Return facts from the docstring of a model: its first line, names elsewhere, sources."""
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
    """Return facts about one network, and its pictures by file name."""

    def build(hidden: int, n_in: int, n_out: int) -> Any:
        width = {"hidden": hidden} if any(f.name == "hidden" for f in fields(kind)) else {}
        return kind(**{**width, **settings}).build(n_in, n_out)

    net = build(HIDDEN, INPUTS, OUTPUTS)
    curve, facts = _measured(net)
    stem = "_".join(
        [name, *(re.sub(r"\W+", "-", f"{k}-{_shown(v)}").strip("-") for k, v in settings.items())]
    )
    shown = " ".join([f"model={name}", *(f"model.{key}={_shown(value)}" for key, value in settings.items())])
    files = {
        f"{stem}_folded.svg": svg(folded(net, name)),
        f"{stem}_unfolded.svg": svg(unfolded(net, name, steps=COLUMNS)),
        f"{stem}_influence.png": png(curve),
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
    """Return the letter for the size of each box that has one: sizes no two of which can be mixed up."""
    letters = {211: "H", 422: "2H", 307: "I", 503: "O"}
    net = build(211, 307, 503)
    sizes = {"x": net.n_in} | {box.name: box.size for box in net.boxes}
    return {name: letters[size] for name, size in sizes.items() if size in letters}


def _measured(net: Any) -> tuple[Any, dict[str, Any]]:
    """Return the influence curve of the initial weights on random input, and the facts read from it."""
    params = net.init(0, np.float64)
    # A learned initial value starts at 0, like one that is not learned.
    x = np.random.default_rng(0).normal(0, 1, (STEPS, SEQUENCES, net.n_in))
    at = None if net.causal else STEPS // 2
    true, trained = (influence(net, params, x, at=at, gates=gates) for gates in ("open", "declared"))
    field_of_view, radii = net.receptive_field, spectral_radius(net, params)
    facts = {
        "receptive_field": "infinite" if np.isinf(field_of_view) else f"{field_of_view} steps",
        "causal": net.causal,
        "true_recurrence": net.true_recurrence,
        "reach": (effective_memory(true, 0), effective_memory(trained, 0)),
        "memory": (effective_memory(true), effective_memory(trained)),
        "radius": radii["all"],
        "loops": len(radii) - 1,
    }
    return influence_curve(true.lags.tolist(), true.mean.tolist(), trained.mean.tolist()), facts

"""Reading boxes and arrows from YAML, JSON or the command line."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnbench.models.fields import gate
from rnnbench.network import Arrow, Box

_ARROW = re.compile(r"\s*(\w+)\s*->\s*(\w+)\s*(?:@\s*([+-]?\d+)\s*)?")
BOX_KEYS = ("name", "size", "activation", "bias")
ARROW_KEYS = ("source", "target", "lag", "cut_every", "weight", "gradient")


def read_boxes(
    given: Any, words: Mapping[str, int], activation: str, own: Mapping[str, tuple[int, str]]
) -> list[Box]:
    """Return the boxes of a list of names and mappings.

    Parameters
    ----------
    given : list
        As in a field `boxes`.
    words : mapping of str to int
        Sizes that have a name; "hidden" is that of a box that says none.
    activation : str
        That of a box that says none.
    own : mapping of str to (int, str)
        Boxes with a size and an activation of their own where they say none.

    Raises
    ------
    ValueError
        In one line: the entry and what is allowed.
    """
    boxes = []
    for entry in _listed("model.boxes", given, "names or mappings such as {name: h, size: 8}"):
        named: Any = {"name": entry} if isinstance(entry, str) else entry
        _check_keys("model.boxes", entry, named, BOX_KEYS, ("name",))
        usual_size, usual = own.get(named["name"], (words["hidden"], activation))
        size = named.get("size", usual_size)
        if isinstance(size, str):
            if size not in words:
                raise ValueError(
                    f"model.boxes: {named['name']} has size={size}; must be a whole number of at least 1, or "
                    f"one of {', '.join(words)}"
                )
            size = words[size]
        boxes.append(Box(named["name"], size, named.get("activation", usual), named.get("bias", True)))
    return boxes


def read_arrows(given: Any) -> list[Arrow]:
    """Return the arrows of a list of texts ("h->h@1") and mappings; a list of lags stands for several.

    Raises
    ------
    ValueError
        In one line: the entry and what is allowed.
    """
    arrows = []
    for entry in _listed("model.arrows", given, 'texts such as "h->h@1" or mappings {source: h, target: h}'):
        named: Any = _parsed(entry) if isinstance(entry, str) else entry
        _check_keys("model.arrows", entry, named, ARROW_KEYS, ("source", "target"))
        cut = named.get("cut_every", 0)
        if "gradient" in named:
            if "cut_every" in named:
                raise ValueError(f"model.arrows: {_shown(entry)} has both gradient and cut_every")
            cut = gate(f"model.arrows: {named['source']}->{named['target']} has gradient", named["gradient"])
        lags = named.get("lag", 0)
        for lag in lags if isinstance(lags, list | tuple) else [lags]:
            weight = named.get("weight", "learned")
            arrows.append(Arrow(named["source"], named["target"], lag, cut, weight))
    return arrows


def read_json(path: str, key: str) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : str
        The file.
    key : str
        The key that names it on the command line.

    Raises
    ------
    ValueError
        In one line: it cannot be read, or is no JSON in UTF-8.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{key}={path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise ValueError(f"{key}={path}: is no JSON in UTF-8 ({error})") from error
    except RecursionError as error:
        raise ValueError(f"{key}={path}: is nested too deep") from error


def read_file(path: str) -> dict[str, Any]:
    """Read a network from a JSON file of the form of `Network.to_dict`.

    Raises
    ------
    ValueError
        The file cannot be read, is no JSON in UTF-8, or holds no boxes and arrows.
    """
    described = read_json(path, "model.file")
    if not isinstance(described, dict) or not {"boxes", "arrows"} <= set(described):
        raise ValueError(f"model.file={path}: must hold boxes and arrows, as Network.to_dict describes them")
    return described


def _parsed(text: str) -> dict[str, Any]:
    found = _ARROW.fullmatch(text)
    if found is None:
        raise ValueError(f'model.arrows: "{text}" must be written source->target, or source->target@lag')
    return {"source": found[1], "target": found[2], "lag": int(found[3] or 0)}


def _listed(key: str, given: Any, form: str) -> Sequence[Any]:
    if isinstance(given, Sequence) and not isinstance(given, str):
        return given
    raise ValueError(f"{key}={_shown(given)}: must be a list of {form}")


def _check_keys(key: str, entry: Any, named: Any, allowed: Sequence[str], needed: Sequence[str]) -> None:
    """Refuse an entry that is not a mapping, has unknown keys, or lacks a name."""
    if not isinstance(named, Mapping):
        raise ValueError(f"{key}: {_shown(entry)} must be text or a mapping of {', '.join(allowed)}")
    for name in named:
        if name not in allowed:
            raise ValueError(
                f"{key}: {_shown(entry)} has the unknown key {name}; known: {', '.join(allowed)}"
            )
    for name in needed:
        if not isinstance(named.get(name), str):
            raise ValueError(f"{key}: {_shown(entry)} needs a text as its {name}")


def _shown(entry: Any) -> str:
    return " ".join(str(entry).split())[:80]

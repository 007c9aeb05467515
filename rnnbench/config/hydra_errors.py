"""Errors of Hydra and OmegaConf in one or two lines: the key, the value, what is allowed."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.errors import MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    OmegaConfBaseException,
    ValidationError,
)
from omegaconf.nodes import BooleanNode, FloatNode, IntegerNode, StringNode

from rnnbench.base.refusals import Refused, unknown
from rnnbench.base.suggestions import nearest
from rnnbench.config.launcher import refuse_missing

FORMS = (
    (BooleanNode, "true or false"),
    (IntegerNode, "a whole number"),
    (FloatNode, "a number"),
    (StringNode, "text"),
)


def refusal_of(error: Exception, line: Sequence[str] = ()) -> Refused:
    """Return what a user should read of an error met while a configuration was composed.

    Parameters
    ----------
    error : exception
        From Hydra's `compose` or from resolving a configuration; its cause or context is looked at.
    line : sequence of str
        The overrides of the configuration, quoted where they are at fault.

    Returns
    -------
    Refused
        One or two lines. Errors that come from a study file begin with its name.
    """
    where = _study_of(str(error))
    chain = (error, error.__cause__, error.__context__)
    inner = next((e for e in chain if isinstance(e, OmegaConfBaseException)), None)
    if inner is not None:
        return Refused(where + _of_config(inner, () if where else line))
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        if group == "hydra/launcher":
            refuse_missing(name)
        return Refused(where + str(unknown(group or "config", f"{group}={name}", name, error.options or [])))
    return Refused(where + in_one_line(error))


def in_one_line(error: Exception) -> str:
    """Return what an error met while a file was read says, without what OmegaConf adds for programmers."""
    if isinstance(error, RecursionError) or "recursion depth" in str(error):
        return "it contains itself, or is nested too deep"
    said = str(error).partition("\n    full_key:")[0]
    if isinstance(error, OmegaConfBaseException) and error.full_key:
        said = f"{error.full_key}: {said}"
    return " ".join(said.split())[:300]


def unreadable(text: str, error: Exception, options: Mapping[str, Sequence[str]]) -> Refused:
    """Return the refusal of an argument that is no override at all.

    Parameters
    ----------
    text : str
        The argument as typed.
    error : exception
        What Hydra's parser says.
    options : mapping of str to sequence of str
        The groups and their options: a lone option's name is likely meant as a choice.
    """
    key, equals, _ = text.partition("=")
    if not key or not equals:
        meant = [f"{group}={near}" for group, names in options.items() if (near := nearest(text, names))]
        hint = f" (did you mean {meant[0]}?)" if meant else ", such as model=elman or train.updates=500"
        return Refused(f"{text}: expected key=value{hint}")
    if "extend_list(" in text:
        return Refused(f"{text}: lists cannot be extended; write the whole list, such as {key}=[0,1,2]")
    said = in_one_line(error).partition(";")[0]
    reason = "" if said.startswith("Error parsing") else f" ({said})"
    return Refused(
        f"{text}: the value of {key} cannot be read{reason}\n"
        f"lists are written [1,2]; quote text with special characters: {key}=\"'...'\""
    )


def unknown_key(key: str, given: str, siblings: Sequence[str]) -> Refused:
    """Return the refusal of a dotted key whose last part is none of `siblings`, which it is compared with."""
    prefix, dot, last = key.rpartition(".")
    near = nearest(last, siblings)
    hint = f" (did you mean {prefix}{dot}{near}?)" if near else ""
    listed = ", ".join(f"{prefix}{dot}{name}" for name in sorted(siblings))
    return Refused(f"{given}: unknown key{hint}\nallowed: {listed or 'none'}")


def allowed_for(node: Any) -> str:
    """Say in words what a typed node of a configuration accepts."""
    if isinstance(node, DictConfig):
        return f"a mapping of {', '.join(map(str, node))}"
    form = next((words for kind, words in FORMS if isinstance(node, kind)), "another kind of value")
    return f"{form}, or null" if node._is_optional() else form


def _of_config(error: OmegaConfBaseException, line: Sequence[str]) -> str:
    key = str(error.full_key or error.key)
    given = next((text for text in line if text.partition("=")[0] == key), None)
    if isinstance(error, ConfigAttributeError | ConfigKeyError):
        parent = error.parent_node
        siblings = parent if isinstance(parent, DictConfig) and not parent._is_none() else ()
        own = [str(s) for s in siblings if s not in ("hydra", "sweep") and not str(s).startswith("_")]
        return str(unknown_key(key, given or key, own if "." in key else [*own, "experiment"]))
    if isinstance(error, ValidationError) and error.child_node is not None:
        if isinstance(error.value, dict | DictConfig):
            return f"{key}: has no keys below it; must be {allowed_for(error.child_node)}"
        shown = "null" if error.value is None else error.value
        return f"{given or f'{key}={shown}'}: must be {allowed_for(error.child_node)}"
    # Of what a resolver raised, its own words.
    reason = str(error).splitlines()[0].rpartition("interpolation: ")[2].strip('"')
    return f"{given or key}: {reason}"


def _study_of(message: str) -> str:
    """Return "study NAME: " when Hydra says that a study file is at fault."""
    start = "In 'experiment/"
    return f"study {message[len(start) :].partition(chr(39))[0]}: " if message.startswith(start) else ""

"""One configuration as Hydra composes it, without composing the same choices of groups again and again.

Hydra reads the files and dataclasses of the groups anew for every configuration, 70 ms each time. Here that
is done once for each set of choices (`model=elman task=adding experiment=demo`); the values of keys are set
in a copy of the result, in the order and by the call with which Hydra sets them. What is out of the ordinary
(Hydra's own keys, references to them) is left to Hydra as a whole.
"""

import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from rnnbench.experiment import folders, schema
from rnnbench.experiment.messages import refusal_of

_KEY = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)
_HYDRA = "hydra"


class Composed(NamedTuple):
    """A configuration as Hydra composed it.

    Attributes
    ----------
    config : DictConfig
        Without Hydra's own part.
    choices : dict
        The option chosen for each group.
    launcher : dict
        Hydra's own part about the launcher.
    """

    config: DictConfig
    choices: dict[str, str]
    launcher: dict[str, Any]


class _Base(NamedTuple):
    """What a set of choices gives before any key is set.

    Attributes
    ----------
    typed : DictConfig
        Of the schema's type, which knows the types of the values at the root (`resume`).
    composed : Composed
        The same as it is wanted in the end.
    alone : bool
        Whether nothing in it can refer to Hydra's own part.
    """

    typed: DictConfig
    composed: Composed
    alone: bool


@contextmanager
def composing() -> Iterator[None]:
    """Let Hydra compose in the block, from `conf/` and all that is registered now."""
    schema.register()
    with initialize_config_dir(str(folders.conf()), version_base="1.3", job_name="rnnbench"):
        yield


def compose_one(line: Sequence[str]) -> Composed:
    """Compose one configuration.

    Parameters
    ----------
    line : sequence of str
        Its overrides. In a block of `composing`.

    Raises
    ------
    Refused
        An unknown key or a value of the wrong type, on the command line or in a study file.
    """
    try:
        overrides = [_parsed(text) for text in line]
        if all(map(_is_ordinary, overrides)):
            chosen = tuple(o.input_line or "" for o in overrides if _is_choice(o))
            base = _base(schema.generation(), chosen)
            if base.alone:
                return _with(base, [o for o in overrides if not _is_choice(o)])
        return _without_hydra(compose("config", overrides=list(line), return_hydra_config=True))
    except (HydraException, OmegaConfBaseException, ValueError, RecursionError) as error:
        raise refusal_of(error, line) from error


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Override:
    return OverridesParser.create().parse_overrides([text])[0]


def _is_choice(override: Override) -> bool:
    """Whether an override chooses an option of a group; a mapping sets keys of the group instead."""
    return override.key_or_group in schema.group_names() and not isinstance(override.value(), dict)


def _is_ordinary(override: Override) -> bool:
    """Whether an override does no more than choose an option or set a key of ours."""
    changes = override.type is OverrideType.CHANGE and override.package is None
    if not changes or override.is_sweep_override():
        return False
    if override.key_or_group in schema.group_names():
        return True
    return bool(_KEY.fullmatch(override.key_or_group)) and _HYDRA not in (override.input_line or _HYDRA)


@lru_cache(maxsize=64)
def _base(generation: int, chosen: tuple[str, ...]) -> _Base:
    """Compose a set of choices; `generation` is the state of what can be chosen."""
    typed = compose("config", overrides=list(chosen), return_hydra_config=True)
    composed = _without_hydra(typed)
    with open_dict(typed):
        del typed[_HYDRA]
    text = str(OmegaConf.to_container(typed))
    return _Base(typed, composed, alone="${" not in text or _HYDRA not in text)


def _with(base: _Base, values: Sequence[Override]) -> Composed:
    """Set the values of keys in a copy."""
    own = base.composed
    if any("." not in override.key_or_group for override in values):
        config = copy.deepcopy(base.typed)
        _set(config, values)
        config = OmegaConf.masked_copy(config, [str(key) for key in config])
    else:
        # All other values have their types below the root, and one copy is enough.
        config = copy.deepcopy(own.config)
        OmegaConf.set_struct(config, True)
        _set(config, values)
        OmegaConf.set_struct(config, None)
    return Composed(config, dict(own.choices), copy.deepcopy(own.launcher))


def _set(config: DictConfig, values: Sequence[Override]) -> None:
    for override in values:
        OmegaConf.update(config, override.key_or_group, override.value(), merge=True)


def _without_hydra(config: DictConfig) -> Composed:
    return Composed(
        OmegaConf.masked_copy(config, [str(key) for key in config if key != _HYDRA]),
        dict(config.hydra.runtime.choices),
        dict(OmegaConf.to_container(config.hydra.launcher, resolve=True)),  # type: ignore[arg-type]
    )

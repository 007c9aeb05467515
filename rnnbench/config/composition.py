"""One configuration as Hydra composes it, without composing the same choices of groups again and again.

Hydra reads the files and dataclasses of the groups anew for every configuration, 70 ms each time. Here that
is done once for each set of choices (`model=elman task=adding experiment=demo`); the values of keys below the
root are set in a copy of the result, in the order and by the call with which Hydra sets them.
"""

import copy
import re
import warnings
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from hydra import compose, initialize_config_dir
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from rnnbench.base.refusals import Refused
from rnnbench.config import folders, groups
from rnnbench.config.hydra_errors import refusal_of
from rnnbench.config.launcher import LauncherChoice
from rnnbench.config.overrides import parse

PRIMARY = "rnnbench"
SEARCH_PATH = "hydra.searchpath"
#: Hydra's part, and the grids of a study: no keys of a configuration.
_OUTSIDE = ("hydra", "sweep")
#: A value of a key below the root, in which nothing refers to Hydra's part.
_VALUE = re.compile(r"(?!.*hydra)[A-Za-z_]\w*(\.\w+)+=", re.ASCII | re.DOTALL)


class Composed(NamedTuple):
    """A configuration as Hydra composed it.

    Attributes
    ----------
    config : DictConfig
        Without Hydra's own part and without the grids of a study.
    choices : dict
        The option chosen for each group.
    launcher : dict
        Hydra's own part about the launcher.
    """

    config: DictConfig
    choices: dict[str, str]
    launcher: dict[str, Any]


class Sweep(NamedTuple):
    """What a study sweeps over: its key `sweep` or None, its `hydra.sweeper.params`, and whether by itself.

    The last is true where it sets `hydra.mode: MULTIRUN`.
    """

    grids: Any
    params: dict[str, Any]
    multirun: bool


@contextmanager
def composing(arguments: Sequence[str] = (), config_dir: str | None = None) -> Iterator[list[str]]:
    """Let Hydra compose in the block, from `conf/`, the user's folders and all that is registered now.

    The user's folders come first: `config_dir`, then `./conf`, then those of `hydra.searchpath`.

    Parameters
    ----------
    arguments : sequence of str
        A command line; its `hydra.searchpath=[...]` adds folders.
    config_dir : str, optional
        The folder of `--config-dir`.

    Yields
    ------
    list of str
        The arguments without `hydra.searchpath`.

    Raises
    ------
    Refused
        A folder does not exist.
    """
    own = [("--config-dir", config_dir)] if config_dir is not None else []
    own += [("./conf", str(folder))] if (folder := folders.own_conf()) else []
    mine = [text for text in arguments if text.partition("=")[0] == SEARCH_PATH]
    own += [(SEARCH_PATH, path) for text in mine for path in _search_path(text)]
    with initialize_config_dir(str(folders.conf()), version_base="1.3", job_name=PRIMARY):
        loader = GlobalHydra.instance().config_loader()
        for provider, path in own:
            loader.get_search_path().prepend(
                provider, _address(provider, path), SearchPathQuery(provider="main")
            )
        loader.repository.initialize_sources(loader.get_search_path())  # type: ignore[attr-defined]
        groups.register([entry.path for entry in loader.get_search_path().get_path()])
        yield [text for text in arguments if text not in mine]


def _search_path(text: str) -> list[str]:
    value = parse(OverridesParser.create(), text, {}).value()
    if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
        raise Refused(f"{text}: must be a list of folders, such as [file://folder,pkg://package.folder]")
    return value


def _address(provider: str, path: str) -> str:
    """Return a folder as it stands on Hydra's search path."""
    if "://" in path and not path.startswith("file://"):
        return path
    folder = Path(path.removeprefix("file://")).absolute()
    if not folder.is_dir():
        raise Refused(f"{provider}={path.removeprefix('file://')}: no such folder")
    return f"file://{folder}"


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
    values = [text for text in line if _VALUE.match(text)]
    found = _composed(groups.state(), tuple(text for text in line if text not in values))[0]
    config = copy.deepcopy(found.config)
    for text in values:
        try:
            OmegaConf.update(config, text.partition("=")[0], _parsed(text), merge=True)
        except Exception as error:
            raise refusal_of(error, line) from error
    return found._replace(config=config)


def sweep_of(study: str) -> Sweep:
    """Return what a study, or one that it inherits from, sweeps over; in a block of `composing`.

    Raises
    ------
    Refused
        The study cannot be composed.
    """
    groups.register_study(study)
    return _composed(groups.state(), (f"experiment={study}",))[1]


def compose_whole(line: Sequence[str]) -> DictConfig:
    """Return a configuration with Hydra's part, exactly as Hydra composes it."""
    with warnings.catch_warnings():
        # A file conf/model/elman.yaml gives defaults for the model of that name.
        warnings.filterwarnings("ignore", message=r"\s*'.*' is validated against ConfigStore schema")
        return compose(PRIMARY, overrides=list(line), return_hydra_config=True)


def hydra_config(launcher: LauncherChoice) -> DictConfig:
    """Return Hydra's own configuration for one of its published launchers; in a block of `composing`.

    It holds the node `hydra` alone: what such a launcher composes again for every job (with `+key=value` for
    what the job is told) is independent of models, tasks and studies.
    """
    overrides = [f"hydra/launcher={launcher.name}", "hydra/job_logging=none", "hydra/hydra_logging=none"]
    overrides += ["hydra.output_subdir=null", f"hydra.job.name={PRIMARY}", "hydra.job.chdir=false"]
    overrides += ["hydra.run.dir=runs", "hydra.sweep.dir=runs", "hydra.sweep.subdir=jobs"]
    config = compose(None, overrides=overrides, return_hydra_config=True)
    OmegaConf.update(config, "hydra.launcher", dict(launcher.settings), merge=True, force_add=True)
    return config


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Any:
    """Return the value of an override."""
    return OverridesParser.create().parse_overrides([text])[0].value()


@lru_cache(maxsize=64)
def _composed(state: Hashable, line: tuple[str, ...]) -> tuple[Composed, Sweep]:
    """Compose a set of choices; `state` is that of what can be chosen."""
    try:
        whole = compose_whole(line)
        hydra, choices = whole.hydra, dict(whole.hydra.runtime.choices)
        config = OmegaConf.masked_copy(whole, [str(key) for key in whole if key not in _OUTSIDE])
        OmegaConf.set_struct(config, True)
        swept = {"grids": whole.sweep, "params": hydra.sweeper.get("params") or {}}
        plain: Any = OmegaConf.to_container(OmegaConf.create(swept))
        settings: Any = OmegaConf.to_container(hydra.launcher, resolve=True)
    # Whatever the parsers of YAML files and of Hydra's notation raise.
    except Exception as error:
        raise refusal_of(error, line) from error
    if choices["hydra/sweeper"] != "basic" or hydra.callbacks:
        raise Refused(
            "hydra/sweeper and hydra.callbacks: rnnbench sweeps itself and calls no callbacks; write the key "
            "sweep, or tune.trials to search"
        )
    sweep = Sweep(plain["grids"], plain["params"], str(hydra.mode).endswith("MULTIRUN"))
    return Composed(config, choices, settings), sweep

"""The launcher of a configuration: the option of `hydra/launcher` and its settings `hydra.launcher.KEY`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from rnnbench.base.arguments import whole_number
from rnnbench.base.refusals import Refused

#: Launchers by the class that Hydra is told: ours, whose settings are files of `conf/hydra/launcher`, and
#: published ones.
TARGETS = {
    "rnnbench.threads": "threads",
    "rnnbench.dask": "dask",
    "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher": "joblib",
    "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher": "submitit_local",
    "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher": "submitit_slurm",
    "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher": "ray",
}
#: The distribution that a launcher needs, and the extra of rnnbench that brings it.
NEEDS = {
    "dask": ("distributed", "dask"),
    "joblib": ("hydra-joblib-launcher", "joblib"),
    "submitit_local": ("hydra-submitit-launcher", "slurm"),
    "submitit_slurm": ("hydra-submitit-launcher", "slurm"),
    "ray": ("hydra-ray-launcher", "ray"),
}


@dataclass(frozen=True)
class LauncherChoice:
    """Where runs are trained.

    Attributes
    ----------
    name : str
        threads, dask, basic, joblib, submitit_local, submitit_slurm or ray, also for a user's own option that
        inherits from one of these; else the option's name.
    settings : dict
        Plain data: the content of `hydra.launcher`, resolved, `_target_` included.
    """

    name: str = "threads"
    settings: Mapping[str, Any] = field(default_factory=dict)


def register() -> None:
    """Change one default of Hydra's published launchers, after Hydra has found its plugins.

    A run that reaches the time limit of its SLURM job goes on from its checkpoint in a job that is queued
    again, ten times at most.
    """
    options = ConfigStore.instance().repo.get("hydra", {}).get("launcher", {})
    published = options.get("submitit_slurm.yaml")
    if published is not None and published.provider != "rnnbench":
        node = OmegaConf.merge(published.node, {"max_num_timeout": 10})
        ConfigStore.instance().store("submitit_slurm", node, "hydra/launcher", published.package, "rnnbench")


def read_launcher(option: str, content: Mapping[str, Any]) -> LauncherChoice:
    """Return the checked launcher.

    Parameters
    ----------
    option : str
        The option chosen for `hydra/launcher`.
    content : mapping
        Plain data, what was composed as `hydra.launcher`.

    Raises
    ------
    ValueError
        A setting of `dask` is out of range.
    Refused
        A package is not installed.
    """
    name = TARGETS.get(str(content.get("_target_")), option)
    refuse_missing(name)
    if name == "dask" and content.get("workers") is not None:
        whole_number("hydra.launcher.workers", content["workers"], 1)
    return LauncherChoice(name, dict(content))


def refuse_missing(name: str) -> None:
    """Raise `Refused` with the line that installs it where a launcher's package is not installed."""
    if name not in NEEDS:
        return
    package, extra = NEEDS[name]
    try:
        version(package)
    except PackageNotFoundError as error:
        raise Refused(f"hydra/launcher={name}: needs {package}: pip install 'rnnbench[{extra}]'") from error

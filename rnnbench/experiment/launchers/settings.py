"""The settings of each launcher: `hydra/launcher=NAME` and its keys `hydra.launcher.KEY`."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hydra.core.config_store import ConfigStore

from rnnbench.experiment.refusals import Refused, did_you_mean, unknown


@dataclass
class Basic:
    """Threads of this process, `train.threads` of them."""


@dataclass
class Dask:
    """Processes of Dask's `distributed`.

    Parameters
    ----------
    address : str or None
        Of a running scheduler, "tcp://host:8786"; None starts workers on this machine.
    workers : int or None
        Runs at a time. None is one for each processor here, or for each thread the scheduler's workers have.
    """

    address: str | None = None
    workers: int | None = None


@dataclass
class SubmititLocal:
    """A process for each run, started by submitit on this machine: SLURM's launcher without SLURM.

    Parameters
    ----------
    timeout_min : int
        Minutes after which a run is ended.
    name : str
        Of the jobs.
    stderr_to_stdout : bool
        Whether both go into one log file.
    concurrency : int or None
        Runs at a time; None is one for each processor.
    """

    timeout_min: int = 1440
    name: str = "rnnbench"
    stderr_to_stdout: bool = False
    concurrency: int | None = None


@dataclass
class SubmititSlurm:
    """SLURM's queue: one job of one processor for each run, the runs of a configuration as an array.

    The names are those of `hydra-submitit-launcher`; None leaves it to SLURM.

    Parameters
    ----------
    timeout_min : int
        Time limit of a run in minutes.
    cpus_per_task : int
        Processors of a run, which trains on one thread.
    mem_gb, mem_per_cpu : float or None, str or None
        Memory of a run in GiB; memory for each processor as SLURM writes it.
    name : str
        Of the jobs.
    partition, qos, account, constraint, exclude, comment : str or None
        As of `sbatch`.
    signal_delay_s : int
        Seconds between SLURM's warning and the end of a job, at most half of its time.
    max_num_timeout : int
        So many times a run that reached its time limit goes on, from its checkpoint.
    array_parallelism : int
        Runs at a time.
    setup : list of str or None
        Shell lines before the run, such as "module load python".
    additional_parameters : dict or None
        Further options of `sbatch`.
    stderr_to_stdout : bool
        Whether both go into one log file.
    """

    timeout_min: int = 60
    cpus_per_task: int = 1
    mem_gb: float | None = None
    mem_per_cpu: str | None = None
    name: str = "rnnbench"
    partition: str | None = None
    qos: str | None = None
    account: str | None = None
    constraint: str | None = None
    exclude: str | None = None
    comment: str | None = None
    signal_delay_s: int = 120
    max_num_timeout: int = 0
    array_parallelism: int = 256
    setup: list[str] | None = None
    # A dict by its type could not be given on the command line: Hydra closes its own configuration.
    additional_parameters: Any = None
    stderr_to_stdout: bool = False


Settings = Basic | Dask | SubmititLocal | SubmititSlurm
#: Every launcher by the name that is chosen with `hydra/launcher`.
KINDS: dict[str, type[Settings]] = {
    "basic": Basic,
    "dask": Dask,
    "submitit_local": SubmititLocal,
    "submitit_slurm": SubmititSlurm,
}
#: The package a launcher needs, and the extra of rnnbench that brings it.
NEEDS = {"dask": ("distributed", "dask"), "submitit_local": ("submitit", "slurm")}
NEEDS["submitit_slurm"] = NEEDS["submitit_local"]
#: Hydra's own keys of a launcher; its `basic` has nothing else.
_HYDRA = ("_target_",)


def register(store: ConfigStore) -> None:
    """Give Hydra the launchers as options of `hydra/launcher`; `basic` is its own."""
    for name, kind in KINDS.items():
        if name != "basic":
            store.store(group="hydra/launcher", name=name, node=kind, provider="rnnbench")


def name_of(settings: Settings) -> str:
    """Return the name that chooses the launcher of these settings."""
    return next(name for name, kind in KINDS.items() if type(settings) is kind)


def read(name: str, given: Mapping[str, Any]) -> Settings:
    """Return the checked settings of a launcher.

    Parameters
    ----------
    name : str
        The option chosen for `hydra/launcher`.
    given : mapping
        Plain data, what was composed as `hydra.launcher`.

    Raises
    ------
    Refused
        An unknown launcher or key, a value out of range, or a launcher whose extra is not installed.
    """
    if name not in KINDS:
        raise unknown("launcher", f"hydra/launcher={name}", name, KINDS)
    kind, values = KINDS[name], {k: v for k, v in given.items() if k not in _HYDRA}
    known = [f.name for f in fields(kind)]
    for key, value in values.items():
        if key not in known:
            near = did_you_mean(key, known)
            raise Refused(
                f"hydra.launcher.{key}={value}: {name} has no such setting{near}\n"
                f"allowed: {', '.join(known) or 'none'}"
            )
    settings = kind(**values)
    _check(settings)
    if name in NEEDS and importlib.util.find_spec(NEEDS[name][0]) is None:
        package, extra = NEEDS[name]
        raise Refused(f"hydra/launcher={name}: needs {package}: pip install 'rnnbench[{extra}]'")
    return settings


def _check(settings: Settings) -> None:
    for key, least in (
        ("workers", 1),
        ("concurrency", 1),
        ("timeout_min", 1),
        ("cpus_per_task", 1),
        ("array_parallelism", 1),
        ("signal_delay_s", 1),
        ("max_num_timeout", 0),
    ):
        value = getattr(settings, key, None)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise Refused(f"hydra.launcher.{key}={value}: must be a whole number of at least {least}")
    memory = getattr(settings, "mem_gb", None)
    if memory is not None and not memory > 0:
        raise Refused(f"hydra.launcher.mem_gb={memory}: must be above 0, or null")
    further = getattr(settings, "additional_parameters", None)
    if further is not None and not isinstance(further, Mapping):
        raise Refused(f"hydra.launcher.additional_parameters={further}: must be such as {{nice: 5}}, or null")
    address = getattr(settings, "address", None)
    if address is not None and not str(address).strip():
        raise Refused("hydra.launcher.address: must be such as tcp://host:8786, or null")

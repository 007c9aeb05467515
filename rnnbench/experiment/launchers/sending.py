"""A configuration and what its runs give, as plain data that another process can read.

Networks and parameters stay where they are: a worker builds its network from the same configuration, and
sends back the vector of parameters.
"""

import os
import pickle
import traceback
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import rnnbench
from rnnbench.experiment import available, schema
from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.execution import Executed
from rnnbench.experiment.identity import run_key
from rnnbench.experiment.launchers.contract import LauncherError, Unlike
from rnnbench.experiment.provenance import provenance, sources
from rnnbench.experiment.refusals import Refused
from rnnbench.kernels import NUMERICS_VERSION
from rnnbench.training import Result
from rnnbench.training.optimisers import OPTIMISERS

#: Fields of `Result` that hold objects of the network; of `Configuration`, those that hold dataclasses.
_OBJECTS = ("network", "parameters")
_PARTS = ("model", "task", "train", "optimizer", "init")
#: What a configuration was made of.
_NOT_NEEDED = ("composed", "width", "launcher", "tune", "tuning")


class RunFailed(LauncherError):
    """An exception of a run whose class only the worker knows."""


class _Elsewhere(Exception):
    """Holds the traceback of another process as text; the cause of the exception it belongs to."""

    def __str__(self) -> str:
        """Return the traceback."""
        return f"\n{self.args[0]}"


@dataclass(frozen=True)
class Parcel:
    """One configuration, ready to be sent with any of its seeds.

    Attributes
    ----------
    configuration : Configuration
        What is sent.
    content : bytes
        Its pickled plain data.
    """

    configuration: Configuration
    content: bytes

    def order(self, seed: int, root: Path) -> dict[str, Any]:
        """Return what a worker needs for one run: numbers, texts and bytes."""
        return {
            "versions": versions(),
            "folder": str(Path.cwd()),
            "root": str(root),
            "configuration": self.content,
            "seed": seed,
            "key": run_key(self.configuration, seed),
        }


def versions() -> dict[str, Any]:
    """Return what must be the same here and there before anything else is compared."""
    return {"rnnbench": rnnbench.__version__, "numerics": NUMERICS_VERSION}


def parcel(configuration: Configuration) -> Parcel:
    """Return a configuration as it is sent.

    Raises
    ------
    Refused
        A field of the model or the task cannot be pickled.
    """
    plain = {
        "model": _own_fields(configuration.model),
        "task": _own_fields(configuration.task),
        "train": _own_fields(configuration.train),
        "optimizer": _own_fields(configuration.optimizer),
        "init": _own_fields(configuration.init),
        "sources": sources(configuration.model, configuration.task),
        "rest": {
            f.name: getattr(configuration, f.name)
            for f in fields(configuration)
            if f.name not in (*_PARTS, *_NOT_NEEDED)
        },
    }
    try:
        return Parcel(configuration, pickle.dumps(plain))
    except Exception as error:
        raise Refused(f"{configuration.name}: cannot be sent to another process: {error}") from error


def _own_fields(part: Any) -> dict[str, Any]:
    return {f.name: getattr(part, f.name) for f in fields(part) if f.init}


def received(order: dict[str, Any]) -> Configuration:
    """Return the configuration of an order, in the working folder of whoever sent it.

    Raises
    ------
    Unlike
        It is not the configuration that was sent: another version of rnnbench, a plugin that is not there or
        is another one.
    """
    if order["versions"] != versions():
        there, here = (_said(v) for v in (order["versions"], versions()))
        raise Unlike(f"a worker has {here}, the sweep runs {there}: install the same version on both")
    if Path(order["folder"]).is_dir():
        # Plugins and the files of tasks are found from the working folder.
        os.chdir(order["folder"])
    configuration = _built(order["configuration"], order["folder"])
    if run_key(configuration, order["seed"]) != order["key"]:
        raise Unlike(
            f"{configuration.name}: a worker makes another configuration of it than was sent: "
            "rnnbench or a plugin there is not the same"
        )
    return configuration


def _said(versions: dict[str, Any]) -> str:
    return f"rnnbench {versions['rnnbench']} (numerics {versions['numerics']})"


@lru_cache(maxsize=8)
def _built(content: bytes, folder: str) -> Configuration:
    """Build a configuration, once for all its seeds in this process."""
    plain = pickle.loads(content)
    rest = plain["rest"]
    found = available.found()
    for kind, name, classes in (
        ("model", rest["model_name"], found.models),
        ("task", rest["task_name"], found.tasks),
    ):
        if name not in classes:
            why = next((f" ({p})" for p in found.problems if p.name == name), "")
            raise Unlike(
                f"a worker has no {kind} {name}{why}: it must see the folder {folder}, or the same packages"
            )
    try:
        configuration = Configuration(
            model=found.models[rest["model_name"]](**plain["model"]),
            task=found.tasks[rest["task_name"]](**plain["task"]),
            train=schema.Train(**plain["train"]),
            optimizer=OPTIMISERS[plain["train"]["optimizer"]](**plain["optimizer"]),
            init=schema.Init(**plain["init"]),
            **rest,
        )
    except (TypeError, KeyError) as error:
        raise Unlike(
            f"a worker cannot read the configuration: rnnbench there is not the same ({error})"
        ) from error
    if sources(configuration.model, configuration.task) != plain["sources"]:
        raise Unlike(f"{configuration.name}: a plugin is not the same file at a worker; has it been edited?")
    return configuration


def packed(executed: Executed) -> bytes:
    """Return what a run gave, as a worker sends it."""
    result = executed.result
    return pickle.dumps(
        {
            "result": {f.name: getattr(result, f.name) for f in fields(result) if f.name not in _OBJECTS},
            "vector": result.parameters.vector,
            "seen": executed.seen,
            "generalisation": executed.generalisation,
            "provenance": provenance(),
        }
    )


def packed_error(error: BaseException) -> bytes:
    """Return an exception with its traceback, as a worker sends it."""
    text = "".join(traceback.format_exception(error))
    said = f"{type(error).__name__}: {error}"
    try:
        content = pickle.dumps(error)
        pickle.loads(content)
    except Exception:
        content = b""
    return pickle.dumps({"error": content, "traceback": text, "said": said})


def unpacked(content: bytes, configuration: Configuration) -> Executed:
    """Return what a run gave; its network is the configuration's.

    Raises
    ------
    Exception
        What ended the run, with the worker's traceback as its cause.
    """
    plain = pickle.loads(content)
    if "error" in plain:
        raise _error(plain)
    network = configuration.network
    result = Result(network=network, parameters=network.parameters(plain["vector"]), **plain["result"])
    return Executed(result, plain["seen"], plain["generalisation"], plain["provenance"])


def _error(plain: dict[str, Any]) -> Exception:
    error: Any = None
    if plain["error"]:
        try:
            error = pickle.loads(plain["error"])
        except Exception:
            error = None
    failure: Exception = error if isinstance(error, Exception) else RunFailed(plain["said"])
    failure.__cause__ = _Elsewhere(plain["traceback"])
    return failure

"""The run record: plain data about one configuration and one seed, and the files kept beside it."""

import io
import math
import secrets
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rnnbench.base.plain import as_json
from rnnbench.config.configuration import Configuration
from rnnbench.config.identity import run_key
from rnnbench.config.memory_limit import is_too_large, too_large
from rnnbench.store.history import history_csv
from rnnbench.store.study import HISTORY
from rnnbench.sweep.command import Command
from rnnbench.sweep.provenance import provenance, sources, versions
from rnnbench.tasks.contract import Floor
from rnnbench.training import Result
from rnnbench.training.threads import processors

Record = dict[str, Any]
Files = dict[str, bytes]


@dataclass
class Executed:
    """What one training gives.

    Attributes
    ----------
    result : Result
        What training returned.
    seen : dict or None
        What `Diagnostics.end` returned; None without diagnostics.
    generalisation : dict or None
        What the network scores at other spans; None where none were asked for.
    """

    result: Result
    seen: dict[str, Any] | None
    generalisation: dict[str, Any] | None = None


def common(configuration: Configuration, seed: int, command: Command) -> Record:
    """Return what is known of a run before its network is built: "n_parameters" is 0 until then."""
    width = configuration.width
    return {
        "key": run_key(configuration, seed),
        "run": secrets.token_hex(8),
        "study": configuration.study,
        "study_notes": configuration.notes,
        "model": configuration.model_name,
        "task": configuration.task_name,
        "task_label": str(configuration.task.label),
        "seed": seed,
        "model_fields": asdict(configuration.model),
        "task_fields": asdict(configuration.task),
        "train_fields": configuration.train_fields,
        "init_fields": asdict(configuration.init),
        "n_parameters": 0,
        "budget": configuration.budget,
        "budget_of": configuration.budget_of,
        "budget_deviation": None if width is None else width.deviation,
        "budget_allowed": None if width is None else width.allowed,
        "tuning": configuration.tuning,
        "launcher": command.launcher,
        "began": time.time(),
        "sweep": {"id": command.id, "began": command.began, "processors": processors()},
        "provenance": provenance()
        | {"threads": command.threads}
        | versions(configuration.model, configuration.task)
        | sources(configuration.model, configuration.task),
        **command.plan,
    }


def finished_run(
    configuration: Configuration, executed: Executed, floors: list[Floor], shared: Record
) -> tuple[Record, Files]:
    """Return the record and the files of a run that reached an outcome, "diverged" included.

    Parameters
    ----------
    configuration : Configuration
        What was run.
    executed : Executed
        What one seed gave.
    floors : list of Floor
        The task's floors for that seed's test data.
    shared : dict
        From `common`.
    """
    result, network = executed.result, configuration.network
    field = network.receptive_field
    record = _ended(shared) | {
        "outcome": result.outcome,
        "solved_at": result.solved_at,
        "sequences_to_solve": result.sequences_to_solve,
        "seconds_to_solve": result.seconds_to_solve,
        "updates": result.updates,
        "sequences": result.sequences,
        "compiled_seconds": result.compiled_seconds,
        "select": result.select,
        "selected_at": result.selected_at,
        "resumed": result.resumed,
        "generalisation": executed.generalisation,
        "scores": {name: float(score) for name, score in result.scores.items()},
        "floors": [floor._asdict() for floor in floors],
        "timings": dict(result.timings),
        "busy": dict(result.busy),
        "columns": configuration.task.columns(),
        "macs_per_step": network.macs_per_step,
        "receptive_field": "infinite" if math.isinf(field) else int(field),
        "causal": network.causal,
    }
    weights = {name: np.asarray(array) for name, array in result.parameters.items()}
    files = _config(configuration, shared["seed"]) | {
        "network.json": as_json(network.to_dict()),
        HISTORY: history_csv(result.history).encode(),
        "weights.npz": _npz(weights),
        "predictions.npz": _npz(result.predictions),
    }
    if executed.seen is not None:
        files["diagnostics.json"] = as_json(executed.seen)
    if "alphabet" in record["columns"]:
        samples = configuration.task.samples(result.network, result.parameters)
        files["samples.json"] = as_json(samples)
    return record, files


def failed_run(configuration: Configuration, error: BaseException, shared: Record) -> tuple[Record, Files]:
    """Return the record and the files of a run that an exception ended; asks model and task nothing.

    The last line of the exception is the record's "error"; the traceback is kept beside it, except of what
    explains itself.
    """
    explained = type(error) is RunDied
    if is_too_large(error):
        explained, error = True, too_large(configuration.as_plain())
    said = " ".join(str(error).split())
    record = _ended(shared) | {
        "outcome": "failed",
        "error": said if explained else f"{type(error).__name__}: {said}".removesuffix(": "),
        "solved_at": None,
        "updates": 0,
        "scores": {},
        "floors": [],
        "timings": {},
    }
    files = _config(configuration, shared["seed"])
    if not explained:
        files["traceback.txt"] = "".join(traceback.format_exception(error)).encode(errors="replace")
    return record, files


class RunDied(Exception):
    """The process that trained a run died."""


def _ended(shared: Record) -> Record:
    now = time.time()
    return {**shared, "ended": now, "sweep": {**shared["sweep"], "seconds": now - shared["sweep"]["began"]}}


def _config(configuration: Configuration, seed: int) -> Files:
    return {"config.yaml": f"{configuration.yaml}seeds:\n- {seed}\n".encode()}


def _npz(arrays: Mapping[str, Any]) -> bytes:
    """Arrays as an uncompressed .npz without pickled objects, its names as in the mapping."""
    target = io.BytesIO()
    np.savez(target, allow_pickle=False, **dict(arrays))
    return target.getvalue()

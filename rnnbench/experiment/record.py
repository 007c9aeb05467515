"""The run record: plain data about one configuration and one seed, and the files kept beside it."""

import io
import json
import math
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.execution import Executed
from rnnbench.experiment.identity import run_key
from rnnbench.experiment.launchers import settings as launchers
from rnnbench.experiment.provenance import provenance, sources, versions
from rnnbench.tasks.contract import Floor

Record = dict[str, Any]
Files = dict[str, bytes]


def finished_run(
    configuration: Configuration, executed: Executed, floors: list[Floor], threads: int
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
    threads : int
        Seeds that trained at the same time.
    """
    result = executed.result
    record = _common(configuration, result.seed, threads) | {
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
        "history": result.history,
    }
    # Of the process that trained, which may be on another machine.
    record["provenance"] |= executed.provenance or {}
    weights = {name: np.asarray(array) for name, array in result.parameters.items()}
    files = _common_files(configuration, result.seed) | {
        "history.json": as_json(result.history),
        "weights.npz": _npz(weights),
        "predictions.npz": _npz(result.predictions),
    }
    if "alphabet" in record["columns"]:
        samples = configuration.task.samples(result.network, result.parameters)
        files["samples.json"] = as_json(samples)
    return record, files


def failed_run(
    configuration: Configuration, seed: int, error: BaseException, threads: int
) -> tuple[Record, Files]:
    """Return the record and the files of a run that an unexpected exception ended; the traceback is kept."""
    text = "".join(traceback.format_exception(error))
    record = _common(configuration, seed, threads) | {
        "outcome": "failed",
        "solved_at": None,
        "updates": 0,
        "scores": {},
        "floors": [],
        "timings": {},
        "history": [],
    }
    return record, _common_files(configuration, seed) | {"traceback.txt": text.encode()}


def _common(configuration: Configuration, seed: int, threads: int) -> Record:
    network, count = configuration.network, configuration.network.n_parameters
    width = configuration.width
    field = network.receptive_field
    return {
        "key": run_key(configuration, seed),
        "study": configuration.study,
        "study_notes": configuration.notes,
        "model": configuration.model_name,
        "task": configuration.task_name,
        "task_label": configuration.task.label,
        "seed": seed,
        "model_fields": asdict(configuration.model),
        "task_fields": asdict(configuration.task),
        "train_fields": configuration.train_fields,
        "init_fields": asdict(configuration.init),
        "columns": configuration.task.columns(),
        "n_parameters": count,
        "budget": configuration.budget,
        "budget_of": configuration.budget_of,
        "budget_deviation": None if width is None else width.deviation,
        "budget_allowed": None if width is None else width.allowed,
        "tuning": configuration.tuning,
        "macs_per_step": network.macs_per_step,
        "receptive_field": "infinite" if math.isinf(field) else int(field),
        "causal": network.causal,
        "launcher": launchers.name_of(configuration.launcher),
        "provenance": provenance()
        | {"threads": threads}
        | versions(configuration.model, configuration.task)
        | sources(configuration.model, configuration.task),
    }


def _common_files(configuration: Configuration, seed: int) -> Files:
    return {
        "config.yaml": f"{configuration.yaml}seeds:\n- {seed}\n".encode(),
        "network.json": as_json(configuration.network.to_dict()),
    }


def as_json(value: Any) -> bytes:
    """Return JSON in which a number that is not finite is null."""
    return json.dumps(_finite(value), allow_nan=False, ensure_ascii=False, indent=1).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, np.generic):
        return _finite(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _npz(arrays: Mapping[str, Any]) -> bytes:
    """Arrays as an uncompressed .npz without pickled objects, its names as in the mapping."""
    target = io.BytesIO()
    np.savez(target, allow_pickle=False, **dict(arrays))
    return target.getvalue()

"""`rnnbench rerun RUN_KEY`: a stored run again, from its own configuration, and what came out differently."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rnnbench.experiment.execution import one_thread
from rnnbench.experiment.job import compile_kernels
from rnnbench.experiment.memory import is_too_large
from rnnbench.experiment.progress import Progress
from rnnbench.experiment.provenance import provenance
from rnnbench.experiment.refusals import Refused
from rnnbench.experiment.settings import read_settings
from rnnbench.experiment.stored.again import Again, set_up
from rnnbench.experiment.stored.comparison import (
    Part,
    agree_until,
    compare_histories,
    compare_numbers,
    compare_scores,
    compare_weights,
    plain,
)
from rnnbench.experiment.stored.lookup import find
from rnnbench.experiment.stored.weights import stored_weights
from rnnbench.tracking import Store
from rnnbench.training import Result, drain, fit
from rnnbench.training.fitting import prepare

#: Settings, with what stands for "as it comes".
DEFAULTS = {"study": "", "tolerance": ""}
#: Largest difference that another rounding may make, by type of number. Where training does not amplify it, a
#: change of 1e-8 in the first weights makes 3e-6 in the last (float32, 3,000 updates); where it does, as full
#: back-propagation through time near the solution of a task, scores differ by 0.01 to 0.5 in either type.
TOLERANCE = {"float32": 1e-3, "float64": 1e-6}


def rerun(store: Store, key: str, settings: Sequence[str] = ()) -> bool:
    """Train a stored run again, compare, print a verdict; returns whether it is the same.

    Where the processor is of the same type and the version of the numerics is the same, every bit of
    weights, scores and history must be, else all must agree within a tolerance. Nothing is stored.

    Parameters
    ----------
    store : Store
        Where the run is kept; it is only read.
    key : str
        Of the run, or the beginning of it, see `lookup.find`.
    settings : sequence of str
        `study=NAME`, where several studies have the key; `tolerance=1e-3`, in place of the usual one.

    Raises
    ------
    Refused
        No such run, one that failed and has nothing to compare with, or one that can no longer be set up.
    """
    given = read_settings(settings, DEFAULTS)
    tolerance = _tolerance(given["tolerance"])
    record = find(store, key, given["study"])
    again = set_up(record, store.read_file(record, "config.yaml").decode())
    weights = stored_weights(store, record)
    for sentence in again.changes:
        print(sentence)
    clock = time.perf_counter()
    result = _trained(again)
    seconds = time.perf_counter() - clock
    histories = record.get("history", []), plain(result.history)
    parts = [
        compare_weights(weights, dict(result.parameters.items())),
        compare_scores(record["scores"], plain(result.scores)),
        compare_histories(*histories),
        _compare_outcomes(record, result),
    ]
    if tolerance is None:
        tolerance = TOLERANCE[again.configuration.train.dtype]
    print(f"{again.name}, study {record['study']}: {result.updates:,} updates again in {seconds:.1f} s")
    if verdict(parts, again, tolerance):
        return True
    until = agree_until(*histories, tolerance)
    if until and parts[2].largest > tolerance:
        print(
            f"the histories agree within {tolerance:g} up to update {until:,}: so it looks where a training "
            "amplifies another rounding"
        )
    return False


def _tolerance(text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 <= number < math.inf:
        raise Refused(f"tolerance={text}: must be a finite number of at least 0")
    return number


def _trained(again: Again) -> Result:
    """Train with progress on the terminal; a run without test scores is not given any."""
    configuration, record = again.configuration, again.record
    one_thread()
    compile_kernels(configuration.train.dtype)
    everything: dict[str, Any] = {**(fit.__kwdefaults__ or {}), **configuration.fit_keywords}
    if "test_score" not in record["scores"]:
        everything["test"] = False
    seed = int(record["seed"])
    try:
        with Progress(1) as progress:
            progress.begin(0, configuration.name, seed, configuration.train.updates)
            records = prepare(configuration.network, configuration.task, **{**everything, "seed": seed})
            return drain(records, lambda entry: progress.show(0, seed, entry))
    except (MemoryError, ValueError) as error:
        if not is_too_large(error):
            raise
        raise Refused(f"{again.name}: does not fit into this machine's memory") from error


def _compare_outcomes(record: Mapping[str, Any], result: Result) -> Part:
    pairs = [
        ("outcome", record["outcome"], result.outcome),
        ("updates", record["updates"], result.updates),
        ("solved_at", record.get("solved_at"), result.solved_at),
    ]
    # As text: a difference in counts is no rounding, however small.
    return compare_numbers("outcome", ((what, str(a), str(b)) for what, a, b in pairs), record["outcome"])


def verdict(parts: Sequence[Part], again: Again, tolerance: float) -> bool:
    """Print what was compared and how it came out; returns whether the runs are the same."""
    exact = not again.reasons
    if exact:
        print("compared bit by bit: same type of processor, same version of the numerics")
    else:
        print(f"compared within {tolerance:g}, relative above 1: {'; '.join(again.reasons)}")
    width = max(len(part.extent) for part in parts)
    for part in parts:
        same = part.same_bits if exact else part.largest <= tolerance
        print(f"  {part.name:<8} {part.extent:<{width}}  {_said(part, same)}")
    good = all(part.same_bits if exact else part.largest <= tolerance for part in parts)
    largest = max(parts, key=lambda part: part.largest)
    if good:
        exactly = "every bit" if all(part.same_bits for part in parts) else "within the tolerance"
        print(f"same: {exactly}")
        return True
    rounding = "; small enough for other rounding" if exact and largest.largest <= tolerance else ""
    print(f"different: by up to {largest.largest:.2g} ({largest.name}){rounding}{_other_versions(again)}")
    return False


def _said(part: Part, same: bool) -> str:
    if part.same_bits:
        return "same bits"
    size = "" if math.isinf(part.largest) else f"by up to {part.largest:.2g}: "
    return f"{'within tolerance' if same else 'different'}, {size}{part.where}"


def _other_versions(again: Again) -> str:
    """Return what of the software differs, which is where a difference may come from."""
    then, now = again.record.get("provenance", {}), provenance()
    names = ("commit", "dirty", "rnnbench", "numba", "numpy", "python")
    other = [f"{name} {_short(then[name])} then, {_short(now[name])} now" for name in names
             if name in then and then[name] != now[name]]  # fmt: skip
    return f"\nwhat differs beside: {', '.join(other)}" if other else ""


def _short(value: Any) -> str:
    return str(value)[:12]

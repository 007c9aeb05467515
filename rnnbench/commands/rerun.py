"""`rnnbench rerun RUN_KEY`: trains a stored run again and compares the results."""

import argparse
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnnbench.base.arguments import number
from rnnbench.base.plain import finite
from rnnbench.base.wording import run_name
from rnnbench.commands.comparison import Part, agree_until, columns, compare, numbers
from rnnbench.commands.refusing import refusing_values
from rnnbench.commands.settings import read_settings
from rnnbench.commands.stored import add_key, find_trained, open_store
from rnnbench.config.configuration import Configuration
from rnnbench.config.construction import restore
from rnnbench.config.identity import run_key
from rnnbench.network import warm_up
from rnnbench.store import Study
from rnnbench.sweep.bars import Bars, Running
from rnnbench.sweep.provenance import provenance, sources, versions
from rnnbench.sweep.run import execute
from rnnbench.sweep.trained import stored_weights
from rnnbench.training import Result, fit

#: The tolerance is explained by rounding where training does not amplify it: there a change of 1e-8 in the
#: first weights becomes 3e-6 in the last (float32, 3,000 updates). Where it does, as in full back-propagation
#: through time close to a solution, scores differ by 0.01 to 0.5.
DEFAULTS = {"tolerance": 1e-3}
#: Differences here may change every number.
DEFINITIONS = ("model_source", "model_version", "task_source", "task_version")
#: The same numbers of these two give the same bits.
BITS = ("processor", "numerics")
#: Results in which rounding explains no difference.
OUTCOME = ("outcome", "updates", "solved_at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_key(parser)
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help="tolerance=1e-3, where equal bits cannot be expected",
    )


def main(options: argparse.Namespace) -> int:
    """Train a stored run again, compare, and print a verdict; returns 1 where the results differ.

    On the same type of processor, with the same version of the numerics, every bit of weights, scores and
    history must be the same; otherwise all must agree within a tolerance. Nothing is stored.

    Raises
    ------
    Refused
        There is no such run, or it failed, or it can no longer be set up.
    """
    with refusing_values():
        tolerance = number("tolerance", read_settings(options.settings, DEFAULTS)["tolerance"], 0.0)
    study, record = find_trained(open_store(), options.key)
    configuration = set_up(study, record)
    weights = stored_weights(study, record["key"])
    changed = _changed(record, configuration)
    for sentence in _warnings(record, configuration, changed):
        print(f"{sentence}; this may change the results")
    clock = time.perf_counter()
    result = _trained(configuration, record)
    seconds = time.perf_counter() - clock
    # Scores and columns of the history that are newer than the record are left out.
    scores, names = record["scores"], list(record["history"][0])
    parts = [
        compare("weights", weights, dict(result.parameters.items())),
        compare("scores", *({n: numbers(of.get(n)) for n in scores} for of in (scores, result.scores))),
        compare("history", *(columns(history, names) for history in (record["history"], result.history))),
        compare("outcome", *({n: str(of.get(n)) for n in OUTCOME} for of in (record, vars(result)))),
    ]
    print(f"{run_name(record)}, study {study.name}: repeated {result.updates:,} updates in {seconds:.1f} s")
    if verdict(parts, changed, tolerance):
        return 0
    until = agree_until(record["history"], result.history, tolerance)
    if until and parts[2].largest > tolerance:
        print(
            f"the histories agree within {tolerance:g} up to update {until:,}, as they do where training "
            "amplifies a difference in rounding"
        )
    return 1


def set_up(study: Study, record: Mapping[str, Any]) -> Configuration:
    """Return the configuration of a stored run, checked, without what does not affect its results.

    A budget in seconds is replaced by the number of updates that were reached.

    Raises
    ------
    Refused
        Its model, task or settings do not exist any more.
    StoreError
        Its configuration cannot be read.
    """
    text = study.read_file(record["key"], "config.yaml").decode(errors="replace")
    with refusing_values():
        configuration = restore(text, int(record["seed"]), study.name)
        train = configuration.train
        if train.seconds is not None:
            train = replace(train, seconds=None, updates=int(record["updates"]))
        trial = "test_score" not in record["scores"]
        configuration = replace(configuration, train=train, trial=trial, diagnostics=False, spans=())
        # For its checks: a generator that is not started computes nothing.
        fit(configuration.network, configuration.task, **configuration.fit_keywords)
    return configuration


def _changed(record: Mapping[str, Any], configuration: Configuration) -> dict[str, str]:
    """Return what has changed in code, versions and machine since the run, a clause by name."""
    then, (model, task) = record.get("provenance", {}), (configuration.model, configuration.task)
    now = {name: "built in" for name in DEFINITIONS if name.endswith("source")}
    then, now = now | then, now | provenance() | versions(model, task) | sources(model, task)
    return {
        name: f"{name.replace('_', ' ')} was {str(then[name])[:60]}, is {str(now[name])[:60]}"
        for name in now
        if name in then and then[name] != now[name]
    }


def _warnings(
    record: Mapping[str, Any], configuration: Configuration, changed: Mapping[str, str]
) -> list[str]:
    """Return why the definitions of model, task and settings now give other results."""
    found = [changed[name] for name in DEFINITIONS if name in changed]
    # With a budget in seconds the configuration differs from the stored one.
    same_settings = record["train_fields"].get("seconds") is None and "numerics" not in changed
    if not found and same_settings and run_key(configuration, int(record["seed"])) != record["key"]:
        found.append("a version or a default has changed: the same settings now have another key")
    present = finite(configuration.task.columns())
    if present != record.get("columns", present):
        found.append(f"task {configuration.task_name}: its data have changed")
    return found


def _trained(configuration: Configuration, record: Mapping[str, Any]) -> Result:
    """Train, with progress on the terminal."""
    warm_up(configuration.train.dtype)
    with Bars(1) as bars:

        def show(evaluation: dict[str, Any]) -> None:
            bars.show({"": Running(run_name(record), configuration.train.updates, evaluation)}, 0)

        return execute(configuration, int(record["seed"]), on_record=show).result


def verdict(parts: Sequence[Part], changed: Mapping[str, str], tolerance: float) -> bool:
    """Print the comparison part by part; returns whether the runs are the same.

    Parameters
    ----------
    parts : sequence of Part
        What was compared.
    changed : mapping of str to str
        What has changed since the run, a clause by name of `provenance`.
    tolerance : float
        The largest difference that is allowed where equal bits cannot be expected.
    """
    exact = not any(name in changed for name in BITS)
    print("compared bit by bit: same type of processor, same version of the numerics" if exact else
          f"compared within {tolerance:g}, relative above 1: "
          + "; ".join(changed[name] for name in BITS if name in changed))  # fmt: skip
    for part in parts:
        size = "" if math.isinf(part.largest) else f"by up to {part.largest:.2g}: "
        alike = "different" if exact or part.largest > tolerance else "within tolerance"
        difference = "same bits" if part.same_bits else f"{alike}, {size}{part.where}"
        print(f"  {part.name:<8} {part.values:>9,} values  {difference}")
    if all(part.same_bits for part in parts):
        print("same: every bit")
        return True
    worst = max(parts, key=lambda part: part.largest)
    if not exact and worst.largest <= tolerance:
        print("same: within the tolerance")
        return True
    rounding = "; rounding can explain it" if exact and worst.largest <= tolerance else ""
    print(f"different: by up to {worst.largest:.2g} ({worst.name}){rounding}")
    if others := [clause for name, clause in changed.items() if name not in DEFINITIONS]:
        print(f"other versions: {', '.join(others)}")
    return False

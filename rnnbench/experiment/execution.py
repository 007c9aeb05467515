"""One run from its configuration and its seed: the same in threads, processes and on other machines."""

import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.identity import run_key
from rnnbench.experiment.memory import is_too_large
from rnnbench.experiment.provenance import sources
from rnnbench.experiment.watching import Watch
from rnnbench.network import Parameters
from rnnbench.training import Result, fit
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.fitting import drain, prepare
from rnnbench.training.generalisation import generalise

Record = dict[str, Any]

#: Lines about spans that were said, and what lets one thread say them at a time.
_SAID: set[str] = set()
_SAYING = threading.Lock()


@dataclass
class Executed:
    """What one run gives.

    Attributes
    ----------
    result : Result
        What training returned.
    seen : dict or None
        What `Watch.end` returned; None without diagnostics.
    generalisation : dict or None
        What the network scores at other spans; None where none were asked for.
    provenance : dict or None
        Versions and processor of the process that trained, where it was another one than that which stores.
    """

    result: Result
    seen: dict[str, Any] | None
    generalisation: dict[str, Any] | None = None
    provenance: dict[str, Any] | None = None


def execute(
    configuration: Configuration,
    seed: int,
    *,
    root: Path,
    on_record: Callable[[Record], Any] | None = None,
    may_go_on: Callable[[], Any] = lambda: None,
) -> Executed:
    """Train one seed on the thread that calls.

    Parameters
    ----------
    configuration : Configuration
        What is trained; may be shared by threads.
    seed : int
        Root of the run's streams; one of the configuration's or any other.
    root : Path
        The folder of runs, absolute; checkpoints lie below it.
    on_record : callable, optional
        Called with each record of the training.
    may_go_on : callable
        Called before each block of updates; what it raises ends the training.

    Raises
    ------
    ValueError
        Arguments that `fit` refuses; a checked configuration has none.
    """
    one_thread()
    watch = Watch(configuration, seed) if configuration.diagnostics else None
    given = {**(fit.__kwdefaults__ or {}), **configuration.fit_keywords, "seed": seed}
    records = prepare(
        configuration.network,
        configuration.task,
        may_go_on=may_go_on,
        watch=watch,
        checkpoint=checkpoint_of(configuration, seed, root),
        test=not configuration.trial,
        **given,
    )
    result = drain(records, on_record)
    return Executed(
        result,
        watch.end(result.parameters) if watch else None,
        generalised(configuration, seed, result.parameters) if configuration.spans else None,
    )


@cache
def one_thread() -> None:
    """Let NumPy's linear algebra use one thread in this process, from the first call on.

    The library it calls adds in another order with more threads: the last bits of an orthogonal initial
    weight, or of a score over many steps, would depend on the number of processors. Runs are the threads.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")


def generalised(
    configuration: Configuration, seed: int, params: Parameters, spans: Iterable[int] | None = None
) -> dict[str, Any] | None:
    """Return what a trained network scores at other spans of its task: by default those asked for.

    Spans that do not fit into memory are left out, and said so: they must not cost a finished training. None
    where no span is left.
    """
    asked = sorted(configuration.spans if spans is None else spans)
    net, task, memory = configuration.network, configuration.task, configuration.train.memory
    while asked:
        try:
            return generalise(net, params, task, seed, asked, memory=memory)
        except (MemoryError, ValueError) as error:
            if not is_too_large(error):
                raise
            _say_too_large(task.label, asked.pop())
    return None


def _say_too_large(task: str, span: int) -> None:
    """Say once in a process, not for every seed, that a span is left out."""
    line = f"rnnbench: evaluate.spans: {span} of {task} does not fit into memory; it is left out"
    with _SAYING:
        if line not in _SAID:
            _SAID.add(line)
            print(line, file=sys.stderr)


def checkpoint_path(root: Path, study: str, key: str) -> Path:
    """Return where the checkpoint of a run lies; `root` is the folder of runs."""
    return root / "checkpoints" / study / f"{key}.npz"


def checkpoint_of(configuration: Configuration, seed: int, root: Path) -> Checkpoint:
    """Return the checkpoint of a run; one that was written with another source of a plugin is not read."""
    key = run_key(configuration, seed)
    made_of = " ".join([key, *sources(configuration.model, configuration.task).values()])
    path = checkpoint_path(root, configuration.study, key)
    return Checkpoint(path, configuration.train.checkpoint_every, made_of)

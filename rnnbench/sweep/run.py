"""One run, trained into its folder: the same function for every launcher."""

import json
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from rnnbench.config.configuration import Configuration
from rnnbench.config.identity import run_key
from rnnbench.config.memory_limit import is_too_large
from rnnbench.network import Parameters
from rnnbench.store import Claim, Store, Study
from rnnbench.sweep.command import Command
from rnnbench.sweep.diagnostics import Diagnostics, numbers
from rnnbench.sweep.interruption import Interrupted
from rnnbench.sweep.progress_file import ProgressFile
from rnnbench.sweep.provenance import sources
from rnnbench.sweep.record import Executed, common, failed_run, finished_run
from rnnbench.tasks.contract import Floor
from rnnbench.training import fit, stream
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.fitting import drain, prepare
from rnnbench.training.generalisation import generalise

_FLOORS: dict[str, list[Floor]] = {}
_LOCK = threading.Lock()


def train_run(
    configuration: Configuration,
    seed: int,
    command: Command,
    may_go_on: Callable[[], Any] = lambda: None,
) -> bool:
    """Train one run and commit its folder, unless that was done before.

    Parameters
    ----------
    configuration : Configuration
        What is trained; threads may share it.
    seed : int
        Root of the run's random streams.
    command : Command
        What the run has in common with others.
    may_go_on : callable
        Called before each block of updates. What it raises ends the training, after a checkpoint was written,
        and is passed on.

    Returns
    -------
    bool
        Whether the run has ended. False where another process is training it.

    Raises
    ------
    StoreError
        The folder cannot be written.

    Notes
    -----
    What the model, the task or the training raises becomes a failed run, be it `SystemExit`. Interruptions
    (Ctrl-C, `Interrupted`) are passed on.
    """
    study = Store(command.root).study(configuration.study)
    key = run_key(configuration, seed)
    claim = study.claim(key)
    study.open()
    if not claim.take():
        return False
    try:
        study.finish_exchange(key)
        if not command.has_ended(study.summary(key)):
            _train(configuration, seed, command, may_go_on, study, claim)
    finally:
        claim.release()
    return True


def _train(
    configuration: Configuration,
    seed: int,
    command: Command,
    may_go_on: Callable[[], Any],
    study: Study,
    claim: Claim,
) -> None:
    shared = common(configuration, seed, command)
    key = shared["key"]
    checkpoint = _checkpoint(configuration, study, key)
    progress = ProgressFile(study, key, shared)
    try:
        # Where a network was released, or in a worker, it is built here: that can fail too.
        shared["n_parameters"] = configuration.network.n_parameters
        executed = execute(configuration, seed, checkpoint, progress.add, may_go_on)
        floors = [] if configuration.trial else _floors(configuration, seed)
        record, files = finished_run(configuration, executed, floors, shared)
        if executed.seen is not None:
            record["diagnostics"] = list(numbers(executed.seen))
            if command.figures is not None:
                files |= command.figures(record, executed.seen)
    except (KeyboardInterrupt, Interrupted):
        raise
    except BaseException as error:
        record, files = failed_run(configuration, error, shared)
    finally:
        progress.remove()
    study.commit(claim, key, record, files)
    if record["outcome"] != "failed":
        checkpoint.remove()


def execute(
    configuration: Configuration,
    seed: int,
    checkpoint: Checkpoint | None = None,
    on_record: Callable[[dict[str, Any]], Any] | None = None,
    may_go_on: Callable[[], Any] = lambda: None,
) -> Executed:
    """Train one seed on the calling thread and return what it gives, without storing anything."""
    one_thread()
    watch = Diagnostics(configuration, seed) if configuration.diagnostics else None
    given = {**(fit.__kwdefaults__ or {}), **configuration.fit_keywords, "seed": seed}
    records = prepare(
        configuration.network,
        configuration.task,
        may_go_on=may_go_on,
        watch=watch,
        checkpoint=checkpoint,
        test=not configuration.trial,
        **given,
    )
    result = drain(records, on_record)
    return Executed(
        result,
        watch.end(result.parameters) if watch else None,
        at_other_spans(configuration, seed, result.parameters) if configuration.spans else None,
    )


@cache
def one_thread() -> None:
    """Let NumPy's linear algebra use one thread in this process, from the first call on.

    With more threads the library adds in another order: the last bits of an orthogonal initial weight, or of
    a score over many steps, would depend on the number of processors. Runs are the threads.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1, user_api="blas")


def at_other_spans(
    configuration: Configuration, seed: int, params: Parameters, spans: Iterable[int] | None = None
) -> dict[str, Any] | None:
    """Return what a trained network scores at other spans of its task: by default those asked for.

    Spans that do not fit into memory are left out and listed under "too_large": they must not cost a finished
    training.
    """
    asked = sorted(configuration.spans if spans is None else spans)
    net, task, memory = configuration.network, configuration.task, configuration.train.memory
    too_large: list[int] = []
    while asked:
        try:
            found = generalise(net, params, task, seed, asked, memory=memory)
            return found | ({"too_large": too_large} if too_large else {})
        except (MemoryError, ValueError) as error:
            if not is_too_large(error):
                raise
            too_large.insert(0, asked.pop())
    return None


def _checkpoint(configuration: Configuration, study: Study, key: str) -> Checkpoint:
    """Return the checkpoint of a run; one that was written with another source of a plugin is not read."""
    made_of = " ".join([key, *sources(configuration.model, configuration.task).values()])
    return Checkpoint(study.layout.checkpoint(key), configuration.train.checkpoint_every, made_of)


def _floors(configuration: Configuration, seed: int) -> list[Floor]:
    """Return the floors on the data that this seed is tested on: the same for every model of a sweep."""
    task: Any = configuration.task
    mark = json.dumps([configuration.as_plain()["task"], seed], default=str)
    with _LOCK:
        known = _FLOORS.get(mark)
    if known is None:
        known = list(task.floors(stream(seed, "test")))
        with _LOCK:
            _FLOORS[mark] = known
    return known

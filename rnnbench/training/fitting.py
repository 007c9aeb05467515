"""fit: train one network on one task with one seed, as a generator of records."""

import math
from collections.abc import Callable, Generator, Iterator, Mapping
from time import perf_counter
from typing import Any

from rnnbench.network import Network, Parameters, divergences, warm_up
from rnnbench.tasks.contract import Batch, Task
from rnnbench.training import optimisers
from rnnbench.training.batches import cast
from rnnbench.training.busy import Busy
from rnnbench.training.descent import Descent, Stretch
from rnnbench.training.evaluation import Evaluation, InPieces, evaluate, open_loop_scores, refuse
from rnnbench.training.forecasts import forecast_scores
from rnnbench.training.result import Result
from rnnbench.training.settings import Settings
from rnnbench.training.streams import sequence, stream

#: Test sequences whose outputs are kept in a result.
KEPT_SEQUENCES = 4

Record = dict[str, Any]
Records = Generator[Record, None, Result]


def fit(
    net: Network,
    task: Task,
    *,
    updates: int = 1000,
    batch: int = 32,
    optimizer: Any = "adam",
    lr: float | None = None,
    seed: int = 0,
    loop: str | int = "closed",
    reduction: str = "mean",
    clip_norm: float | None = None,
    clip_value: float | None = None,
    evaluate_every: int = 100,
    stop_when_solved: bool = True,
    dtype: Any = "float32",
    memory: str = "full",
    carry_state: bool = False,
    init: Mapping[str, Any] | None = None,
) -> Records:
    """Train a network on a task; a generator of records that returns a `Result`.

    Parameters
    ----------
    net : Network
        The network; it is not changed.
    task : Task
        Data, loss, score and criterion.
    updates : int
        Updates at most.
    batch : int
        Sequences in a training batch (a task with fixed data may take all of them).
    optimizer : str, Mapping or Optimiser
        "sgd", "rmsprop", "adam", "adamw" or "rprop"; a mapping with a "name" and options; or an optimiser.
    lr : float, optional
        Learning rate in place of the optimiser's own.
    seed : int
        Root of the streams of the initial parameters, training, validation and test data. The data depend on
        it and on nothing else that is trained.
    loop : "closed", "open" or int
        What feedback from the output box reads in training: own outputs, targets, or targets before that
        step.
    reduction : "mean" or "sum"
        Of the loss that is minimised. Recorded losses are always means.
    clip_norm, clip_value : float, optional
        Bounds of the gradient's global norm and of its elements (elements are clipped first).
    evaluate_every : int
        Updates between two looks at the validation data, and so between two records.
    stop_when_solved : bool
        Whether to stop when the validation data meet the task's criterion.
    dtype : "float32" or "float64"
        Type of parameters and arithmetic.
    memory : "full" or "recompute"
        Whether an update keeps every value, or in memory of the root of the length computes them twice (for
        networks that read only the past). Evaluations then keep the outputs alone.
    carry_state : bool
        Whether to train on the task's streams, chunk after chunk: each starts from the state that the one
        before left behind, without its gradient (truncated backpropagation through time), but for the
        sequences that the task says start anew. For networks that read only the past.
    init : Mapping, optional
        Arguments of `net.init`: the schemes "input", "recurrent", "output" and "bias".

    Yields
    ------
    dict
        "update" (number of the last one), "train_loss" and "gradient_norm" (before clipping; both means over
        the updates since the last record), "clipped_share" of those updates, "validation_loss",
        "validation_score", "solved", and "seconds" spent on data, training and evaluation so far. A run that
        diverges ends with a record too; its losses may be infinite or NaN.

    Returns
    -------
    Result
        With the parameters of smallest validation loss, which alone meet the test data, once.

    Raises
    ------
    ValueError
        When called, before anything is computed: an argument out of range, sizes of network and task that do
        not match, a network or loop that the task refuses, or ``memory="recompute"`` for a network that
        reads the future.

    Examples
    --------
    >>> from rnnbench.models.rnn import RNN
    >>> from rnnbench.tasks.adding import Adding
    >>> from rnnbench.training import drain, fit
    >>> task = Adding(length=10)
    >>> result = drain(fit(RNN(hidden=8).build(task.n_in, task.n_out), task, updates=2))
    >>> result.updates
    2
    """
    return prepare(
        net,
        task,
        updates=updates,
        batch=batch,
        optimizer=optimizer,
        lr=lr,
        seed=seed,
        loop=loop,
        reduction=reduction,
        clip_norm=clip_norm,
        clip_value=clip_value,
        evaluate_every=evaluate_every,
        stop_when_solved=stop_when_solved,
        dtype=dtype,
        memory=memory,
        carry_state=carry_state,
        init=init,
    )


def prepare(
    net: Network,
    task: Task,
    *,
    may_go_on: Callable[[], Any] = lambda: None,
    watch: Callable[[int, Parameters], Any] | None = None,
    **given: Any,
) -> Records:
    """Check all arguments of `fit` and return its generator.

    Parameters
    ----------
    net, task, **given
        Of `fit`, which gives their defaults.
    may_go_on : callable
        Called before each block of updates; what it raises ends the training.
    watch : callable, optional
        Called with the number of updates made and the parameters, which it must not change: before the first
        update, and at each evaluation.
    """
    settings = Settings.checked(**given)
    for name in ("n_in", "n_out"):
        has, needed = getattr(net, name), getattr(task, name)
        if has != needed:
            raise ValueError(f"net.{name}={has}: must be {needed} for task {task.label}")
    refuse(net, task, settings.loop, settings.memory, settings.carry_state)
    return _records(net, task, settings, may_go_on, watch)


def drain(records: Records, on_record: Callable[[Record], Any] | None = None) -> Result:
    """Run a training to its end and return its result.

    Parameters
    ----------
    records : generator
        What `fit` returned.
    on_record : callable, optional
        Called with each record.
    """
    while True:
        try:
            record = next(records)
        except StopIteration as end:
            result: Result = end.value
            return result
        if on_record is not None:
            on_record(record)


def _records(
    net: Network,
    task: Task,
    settings: Settings,
    may_go_on: Callable[[], Any],
    watch: Callable[[int, Parameters], Any] | None,
) -> Records:
    busy = Busy()
    compile_seconds = warm_up(settings.dtype) + optimisers.warm_up(settings.dtype)
    compile_seconds += divergences.warm_up(divergences.between_sequences(task.loss), settings.dtype)
    clock = perf_counter()
    validation = cast(task.validation(stream(settings.seed, "validation")), settings.dtype)
    constant_loss = task.constant_loss(validation)
    data_seconds = perf_counter() - clock
    params = net.init(seed=sequence(settings.seed, "init"), dtype=settings.dtype, **settings.init)
    descent = _descent(net, params, task, settings, constant_loss)
    descent.may_go_on = may_go_on
    best = _Best(params)
    history: list[Record] = []
    solved_at: int | None = None
    evaluate_seconds = 0.0
    if watch is not None:
        watch(0, params)
    busy.first()
    for stretch in _stretches(descent, settings):
        busy.updated()
        clock = perf_counter()
        evaluation = evaluate(net, params, task, validation, memory=settings.memory)
        evaluate_seconds += perf_counter() - clock
        if watch is not None:
            watch(descent.done, params)
        busy.evaluated()
        best.look(params, evaluation)
        if evaluation.solved and solved_at is None:
            solved_at = descent.done
        seconds = data_seconds + descent.data_seconds + descent.train_seconds + evaluate_seconds
        history.append(_record(descent.done, stretch, evaluation, seconds))
        yield dict(history[-1])
        if evaluation.solved and settings.stop_when_solved:
            break
    clock = perf_counter()
    scores, predictions = _final_scores(net, task, settings, best, validation)
    timings = {
        "compile": compile_seconds,
        "data": data_seconds + descent.data_seconds,
        "train": descent.train_seconds,
        "evaluate": evaluate_seconds + perf_counter() - clock,
    }
    outcome = "diverged" if descent.diverged else "solved" if solved_at is not None else "finished"
    return Result(
        network=net,
        parameters=best.params,
        history=history,
        outcome=outcome,
        solved_at=solved_at,
        updates=descent.done,
        scores=scores,
        timings=timings,
        busy=busy.end(),
        seed=settings.seed,
        predictions=predictions,
    )


class _Best:
    """The parameters of the evaluation with the smallest loss; the initial ones before there is any."""

    def __init__(self, params: Parameters) -> None:
        self.params = params.copy()
        self.evaluation: Evaluation | None = None
        self.loss = math.inf

    def look(self, params: Parameters, evaluation: Evaluation) -> None:
        """Take the parameters over where their loss is smaller than any before; NaN never is."""
        if evaluation.loss < self.loss:
            self.params.vector[:] = params.vector
            self.loss = evaluation.loss
            self.evaluation = evaluation._replace(y=evaluation.y[:0])


def _descent(
    net: Network, params: Parameters, task: Task, settings: Settings, constant_loss: float
) -> Descent:
    updates = settings.optimiser.start(
        params.vector.size, settings.dtype, settings.norm_bound, settings.value_bound
    )
    return Descent(
        net,
        params,
        task,
        updates,
        stream(settings.seed, "train"),
        batch=settings.batch,
        loop=settings.loop,
        reduction=settings.reduction,
        memory=settings.memory,
        carry_state=settings.carry_state,
        constant_loss=constant_loss,
    )


def _stretches(descent: Descent, settings: Settings) -> Iterator[Stretch]:
    """Advance to each evaluation in turn, until the last update or divergence."""
    while descent.done < settings.updates and not descent.diverged:
        yield descent.advance(min(settings.evaluate_every, settings.updates - descent.done))


def _record(update: int, stretch: Stretch, evaluation: Evaluation, seconds: float) -> Record:
    return {
        "update": update,
        "train_loss": stretch.loss,
        "gradient_norm": stretch.gradient_norm,
        "clipped_share": stretch.clipped_share,
        "validation_loss": evaluation.loss,
        "validation_score": evaluation.score,
        "solved": evaluation.solved,
        "seconds": seconds,
    }


def _final_scores(
    net: Network, task: Task, settings: Settings, best: _Best, validation: Batch
) -> tuple[dict[str, float], dict[str, Any]]:
    """Score the chosen parameters on validation and test data; keep a few test sequences."""
    memory = settings.memory
    on_validation = best.evaluation or evaluate(net, best.params, task, validation, memory=memory)
    test = cast(task.test(stream(settings.seed, "test")), settings.dtype)
    on_test = evaluate(net, best.params, task, test, memory=memory)
    scores = {
        "validation_score": on_validation.score,
        "validation_loss": on_validation.loss,
        "test_score": on_test.score,
        "test_loss": on_test.loss,
        **open_loop_scores(net, best.params, task, test, memory),
        **forecast_scores(net, best.params, task, test),
        **task.extra_scores(InPieces(net) if memory == "recompute" else net, best.params, test),
    }
    kept = {"y": on_test.y, "target": test.target, "weight": test.weight}
    # Weights of whole sequences (B,) have no axis of time, and a function's targets may have any shape.
    sequences = kept["y"].shape[1]
    return scores, {
        name: (array[:KEPT_SEQUENCES] if array.shape == (sequences,) else array[:, :KEPT_SEQUENCES]).copy()
        for name, array in kept.items()
    }

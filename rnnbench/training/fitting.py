"""fit: train one network on one task with one seed, as a generator of records."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

from rnnbench.network import Network, Parameters
from rnnbench.tasks.contract import Task
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.evaluation import refuse
from rnnbench.training.result import Result
from rnnbench.training.run import Record, Surroundings, begin
from rnnbench.training.settings import Settings
from rnnbench.training.spans import Spans

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
    sequences: int | None = None,
    seconds: float | None = None,
    select: str = "best_validation",
    shortest: int | None = None,
) -> Records:
    """Train a network on a task; a generator of records that returns a `Result`.

    Parameters
    ----------
    net : Network
        The network; it is not changed.
    task : Task
        Data, loss, score and criterion.
    updates : int
        Number of updates; ignored where `sequences` or `seconds` is given.
    batch : int
        Sequences in a training batch (a task with fixed data may take all of them).
    optimizer : str, Mapping or Optimiser
        "sgd", "rmsprop", "adam", "adamw" or "rprop"; a mapping with a "name" and options; or an optimiser.
    lr : float, optional
        Learning rate in place of the optimiser's own.
    seed : int
        Root of the random streams of initial parameters, training, validation and test data. The data depend
        on it and on the task alone.
    loop : "closed", "open" or int
        What feedback from the output box reads in training: own outputs, targets, or targets before that
        step.
    reduction : "mean" or "sum"
        Of the loss that is minimised. Recorded losses are always means.
    clip_norm, clip_value : float, optional
        Bounds of the gradient's global norm and of its elements (elements are clipped first).
    evaluate_every : int
        Updates between two evaluations on validation data, and so between two records.
    stop_when_solved : bool
        Whether to stop when the validation data meet the task's criterion.
    dtype : "float32" or "float64"
        Type of parameters and arithmetic.
    memory : "full" or "recompute"
        Whether an update keeps every value, or computes values twice in memory that grows with the square
        root of the length (for networks that read only the past). Evaluations then keep the outputs alone.
    carry_state : bool
        Whether to train on the task's streams, chunk after chunk: each starts from the state that the one
        before left behind, without its gradient (truncated backpropagation through time), but for the
        sequences that the task says start anew. For networks that read only the past.
    init : Mapping, optional
        Arguments of `net.init`: the schemes "input", "recurrent", "output" and "bias".
    sequences : int, optional
        In place of `updates`: training ends with the update at which this many training sequences have been
        seen.
    seconds : float, optional
        In place of `updates`: training ends between two blocks of updates (some tens of milliseconds each),
        once losses, gradients and updates have taken this many seconds of processor time in compiled code.
        Drawing and evaluation do not count. The result is that of the same number of `updates`, bit for bit.
    select : "best_validation", "last" or "first_solved"
        Which parameters are reported: those of smallest validation loss, those of the last evaluation, or
        those of the first one that met the criterion (of smallest loss where none did).
    shortest : int, optional
        Train at many lengths: each batch has a span drawn uniformly between this one and the task's own (see
        `Task.SPAN`). Validation and test keep the task's own.

    Yields
    ------
    dict
        "update" (number of the last one), "sequences" trained on so far, "train_loss" and "gradient_norm"
        (before clipping; both means over the updates since the last record), "clipped_share" of those
        updates, "validation_loss", "validation_score", "solved", "compiled_seconds" of processor time that
        updates took so far, and "seconds" spent on data, training and evaluation. A run that diverges ends
        with a record too; its losses may be infinite or NaN.

    Returns
    -------
    Result
        With the parameters that `select` chose; only these are evaluated on the test data, once.

    Raises
    ------
    ValueError
        When called, before anything is computed: an argument out of range, sizes of network and task that do
        not match, a network or loop that the task refuses, ``memory="recompute"`` for a network that
        reads the future, two budgets, or a `shortest` that the task does not know.

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
        sequences=sequences,
        seconds=seconds,
        select=select,
        shortest=shortest,
    )


def prepare(
    net: Network,
    task: Task,
    *,
    may_go_on: Callable[[], Any] = lambda: None,
    watch: Callable[[int, Parameters], Any] | None = None,
    checkpoint: Checkpoint | None = None,
    test: bool = True,
    **given: Any,
) -> Records:
    """Check all arguments of `fit` and return its generator.

    Parameters
    ----------
    net, task, **given
        Of `fit`, which gives their defaults.
    may_go_on : callable
        Called before each block of updates; an exception it raises ends the training.
    watch : callable, optional
        Called with the number of updates made and the parameters, which it must not change: before the first
        update, and at each evaluation. Where it has `state` and `restore`, of plain data, these are part of a
        checkpoint.
    checkpoint : Checkpoint, optional
        The training continues from the state in this file, if there is one, to the same bits; only new
        records are yielded. The state is saved between two blocks of updates: when it is due, when
        `may_go_on` raises, and when the generator is closed. The caller removes the file once the result is
        stored.
    test : bool
        Whether the test data are drawn at the end; otherwise there are only scores on validation data, and no
        predictions.
    """
    settings = Settings.checked(**given)
    for name in ("n_in", "n_out"):
        has, needed = getattr(net, name), getattr(task, name)
        if has != needed:
            raise ValueError(f"net.{name}={has}: must be {needed} for task {task.label}")
    refuse(net, task, settings.loop, settings.memory, settings.carry_state)
    training = None
    if (shortest := given["shortest"]) is not None:
        training = Spans(task, shortest).training
        if settings.carry_state:
            raise ValueError(f"train.shortest={shortest}: not with carry_state=true; chunks have one length")
    return _records(net, task, settings, Surroundings(may_go_on, watch, checkpoint, training, test))


def drain(records: Records, on_record: Callable[[Record], Any] | None = None) -> Result:
    """Run a training to its end and return its result.

    Parameters
    ----------
    records : generator
        What `fit` returned.
    on_record : callable, optional
        Called with each record.
    """
    try:
        while True:
            try:
                record = next(records)
            except StopIteration as end:
                result: Result = end.value
                return result
            if on_record is not None:
                on_record(record)
    finally:
        # Where `on_record` raised, the checkpoint is written now, not at garbage collection.
        records.close()


def _records(net: Network, task: Task, settings: Settings, given: Surroundings) -> Records:
    run = begin(net, task, settings, given)
    yield from run.records()
    return run.result()

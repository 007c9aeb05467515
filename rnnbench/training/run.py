"""One training in progress: all its state as data, its records, and the result at its end."""

from collections.abc import Callable, Generator, Mapping
from time import perf_counter
from typing import Any, NamedTuple

from rnnbench.network import Network, Parameters, divergences, warm_up
from rnnbench.tasks.contract import Batch, Task
from rnnbench.training import optimisers
from rnnbench.training.batches import cast
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.descent import Descent, Stretch
from rnnbench.training.evaluation import Evaluation, evaluate
from rnnbench.training.result import Result
from rnnbench.training.scoring import final_scores
from rnnbench.training.selection import Selection
from rnnbench.training.settings import Settings
from rnnbench.training.streams import sequence, stream
from rnnbench.training.time_account import TimeAccount

Record = dict[str, Any]


class Surroundings(NamedTuple):
    """Arguments of a training that change none of its bits.

    Attributes
    ----------
    may_go_on : callable
        Called before each block of updates; an exception it raises ends the training.
    watch : callable or None
        Called with updates made and parameters; with `state` and `restore` it is part of a checkpoint.
    checkpoint : Checkpoint or None
        Where the state is saved.
    training : callable or None
        (rng, size) -> Batch, in place of the task's own training data.
    test : bool
        Whether test data are drawn at the end.
    """

    may_go_on: Callable[[], Any] = lambda: None
    watch: Any = None
    checkpoint: Checkpoint | None = None
    training: Callable[..., Batch] | None = None
    test: bool = True


class Run:
    """A training before its first update, or after `restore` before its next block.

    Parameters
    ----------
    net, task
        Of `fit`.
    settings : Settings
        Its checked arguments.
    given : Surroundings
        The arguments that change no bit.
    """

    def __init__(self, net: Network, task: Task, settings: Settings, given: Surroundings) -> None:
        self.net, self.task, self.settings, self.given = net, task, settings, given
        self.time = TimeAccount()
        compiled = warm_up(settings.dtype) + optimisers.warm_up(settings.dtype)
        compiled += divergences.warm_up(divergences.between_sequences(task.loss), settings.dtype)
        clock = perf_counter()
        self.validation = cast(task.validation(stream(settings.seed, "validation")), settings.dtype)
        constant_loss = task.constant_loss(self.validation)
        self.seconds = {"compile": compiled, "data": perf_counter() - clock, "evaluate": 0.0}
        params = net.init(seed=sequence(settings.seed, "init"), dtype=settings.dtype, **settings.init)
        self.descent = _descent(net, params, task, settings, constant_loss, given.training)
        self.descent.at_border = given.may_go_on
        self.selection = Selection(settings.select, params)
        self.history: list[Record] = []
        self.solved: Record | None = None
        self.resumed = 0

    def records(self) -> Generator[Record, None, None]:
        """Train to the end; yield a record after each evaluation."""
        descent, given = self.descent, self.given
        if given.watch is not None and not self.resumed:
            given.watch(0, descent.params)
        if given.checkpoint is not None:
            descent.at_border = self._at_border
        self.time.first()
        try:
            while not self._ended:
                stretch = descent.advance(self.settings.evaluate_every)
                self.time.updated()
                self._look(stretch)
                try:
                    yield dict(self.history[-1])
                except GeneratorExit:
                    self._save()
                    raise
        finally:
            # Otherwise the two would refer to each other, and all data and buffers would stay until the cycle
            # collector runs: gigabytes in a sweep.
            descent.at_border = given.may_go_on

    def state(self) -> dict[str, Any]:
        """Return all of this training, as plain data and arrays; between two blocks only."""
        parts = {name: part.state() for name, part in self._parts().items()}
        return parts | {name: getattr(self, name) for name in ("history", "solved", "seconds", "resumed")}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned; only for a training that has made no update."""
        self.history, self.solved, self.resumed = state["history"], state["solved"], state["resumed"] + 1
        for name, part in self._parts().items():
            # A `watch` that is new since the checkpoint has no state in it.
            if name != "watch" or name in state:
                part.restore(state[name])
        # Compiling and drawing validation data are repeated at every start, and their time counts each time.
        self.seconds = {name: spent + state["seconds"][name] for name, spent in self.seconds.items()}

    def result(self) -> Result:
        """Return the result, once `records` has ended."""
        settings, descent, selection = self.settings, self.descent, self.selection
        clock = perf_counter()
        scores, predictions = final_scores(
            self.net, self.task, selection, self.validation, settings.seed, settings.memory, self.given.test
        )
        solved = self.solved or {"update": None, "sequences": None, "compiled_seconds": None}
        return Result(
            network=self.net,
            parameters=selection.params,
            history=self.history,
            outcome="diverged" if descent.diverged else "solved" if self.solved else "finished",
            solved_at=solved["update"],
            updates=descent.done,
            scores=scores,
            timings={
                "compile": self.seconds["compile"],
                "data": self.seconds["data"] + descent.data_seconds,
                "train": descent.train_seconds,
                "evaluate": self.seconds["evaluate"] + perf_counter() - clock,
            },
            busy=self.time.end(),
            seed=settings.seed,
            predictions=predictions,
            sequences=descent.sequences,
            compiled_seconds=descent.compiled_seconds,
            sequences_to_solve=solved["sequences"],
            seconds_to_solve=solved["compiled_seconds"],
            select=settings.select,
            selected_at=selection.at,
            resumed=self.resumed,
        )

    @property
    def _ended(self) -> bool:
        stopped = self.settings.stop_when_solved and bool(self.history) and self.history[-1]["solved"]
        return stopped or self.descent.ended

    def _parts(self) -> dict[str, Any]:
        """Return the objects with a state of their own."""
        parts = {"descent": self.descent, "selection": self.selection, "busy": self.time}
        watch = self.given.watch
        return {**parts, "watch": watch} if hasattr(watch, "state") and hasattr(watch, "restore") else parts

    def _look(self, stretch: Stretch) -> None:
        """Evaluate the parameters after a stretch and append a record."""
        descent, watch, clock = self.descent, self.given.watch, perf_counter()
        evaluation = evaluate(
            self.net, descent.params, self.task, self.validation, memory=self.settings.memory
        )
        self.seconds["evaluate"] += perf_counter() - clock
        if watch is not None:
            watch(descent.done, descent.params)
        self.time.evaluated()
        self.selection.look(descent.done, descent.params, evaluation)
        self.history.append(self._record(stretch, evaluation))
        if evaluation.solved and self.solved is None:
            self.solved = self.history[-1]

    def _record(self, stretch: Stretch, evaluation: Evaluation) -> Record:
        descent, spent = self.descent, self.seconds
        return {
            "update": descent.done,
            "sequences": descent.sequences,
            "train_loss": stretch.loss,
            "gradient_norm": stretch.gradient_norm,
            "clipped_share": stretch.clipped_share,
            "validation_loss": evaluation.loss,
            "validation_score": evaluation.score,
            "solved": evaluation.solved,
            "compiled_seconds": descent.compiled_seconds,
            "seconds": spent["data"] + descent.data_seconds + descent.train_seconds + spent["evaluate"],
        }

    def _at_border(self) -> None:
        """Ask whether to go on; save the state when it is due, or when the training ends here."""
        try:
            self.given.may_go_on()
        except BaseException:
            self._save()
            raise
        if self.given.checkpoint is not None and self.given.checkpoint.due:
            self._save()

    def _save(self) -> None:
        # Before the first update there is nothing worth saving.
        if self.given.checkpoint is not None and self.descent.done:
            self.given.checkpoint.save(self.state())


def begin(net: Network, task: Task, settings: Settings, given: Surroundings) -> Run:
    """Return a training at its beginning, or at its checkpoint."""
    run, checkpoint = Run(net, task, settings, given), given.checkpoint
    state = None if checkpoint is None else checkpoint.load()
    if checkpoint is None or state is None:
        return run
    try:
        run.restore(state)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        checkpoint.set_aside(f"does not fit this training ({error})")
        return Run(net, task, settings, given)
    return run


def _descent(
    net: Network,
    params: Parameters,
    task: Task,
    settings: Settings,
    constant_loss: float,
    training: Callable[..., Batch] | None,
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
        training=training,
        budget=settings.budget,
    )

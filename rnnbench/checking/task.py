"""The contracts of a task: its data, its score, its floors, and that a network can be trained on it."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.checking.batches import (
    check_arrays,
    check_floor,
    constant_loss,
    constant_output,
    right_answers,
    rng,
    same,
    scored,
)
from rnnbench.checking.findings import WRONG, Finding, refuses, require, tried
from rnnbench.network import Arrow, Box, Network
from rnnbench.network.divergences import between_sequences
from rnnbench.tasks.contract import OUTPUT_ACTIVATION, STEP_LOSSES, Batch, Chunk, Floor, Task, loss_name
from rnnbench.training import drain, fit, stream

Array = NDArray[Any]
#: Drawing a batch of 32 sequences may take this long, in seconds; a step of training takes less.
SLOW = 0.02
#: Names of floors that stand for an output that knows no input.
KNOWS_NOTHING = ("constant", "chance", "guess")


def check_task(task: Task) -> list[Finding]:
    """Try all contracts on a task.

    Returns
    -------
    list of Finding
        One for each contract. Where no batch can be drawn, the rest is left out.
    """
    check = _Check(task)
    first = tried({"settings": check.settings, "shapes": check.shapes})
    if not first[-1].holds:
        return first
    return first + tried(
        {
            "weights": check.weights,
            "lengths": check.lengths,
            "determinism": check.determinism,
            "score": check.score,
            "constant": check.constant,
            "floors": check.floors,
            "refusals": check.refusals,
            "training": check.training,
            "speed": check.speed,
            **({"streams": check.streams} if task.streams else {}),
        }
    )


class _Check:
    """The contracts, each a method that returns a note or raises."""

    def __init__(self, task: Task) -> None:
        self._task = task
        #: Whether the loss is a sum over steps, which have targets and weights of their own.
        self._steps = loss_name(task.loss) in STEP_LOSSES

    def settings(self) -> str:
        task, cls = self._task, type(self._task)
        require(type(cls.VERSION) is int and cls.VERSION >= 1, f"VERSION={cls.VERSION}: must be 1 or more")
        for name in ("n_in", "n_out"):
            value = getattr(task, name)
            require(
                type(value) is int and value >= 1, f"{name}={value!r}: must be a whole number of at least 1"
            )
        self._check_loss()
        short = isinstance(task.label, str) and 0 < len(task.label) <= 60 and "\n" not in task.label
        require(short, f"label={task.label!r}: must be a short text of one line")
        require(replace(task) == task, "two tasks of the same settings are not equal")
        for field in fields(task):
            if type(getattr(task, field.name)) is int:
                refuses(lambda name: replace(task, **{name: WRONG}), field.name)
        sizes = f"{task.n_in} inputs, {task.n_out} outputs, {loss_name(task.loss)}"
        return f"{len(fields(task))} fields, version {cls.VERSION}; {sizes}"

    def _check_loss(self) -> None:
        task, kind = self._task, loss_name(self._task.loss)
        losses = ", ".join(OUTPUT_ACTIVATION)
        known = task.loss in STEP_LOSSES or between_sequences(task.loss) is not None
        require(known, f"loss={task.loss!r}: must be one of {losses}, or a function")
        if kind in (*STEP_LOSSES, "ctc"):
            wanted = OUTPUT_ACTIVATION[kind]
            require(
                task.output_activation == wanted,
                f"output_activation={task.output_activation!r}: {kind} needs {wanted}",
            )

    def shapes(self) -> str:
        task, seen = self._task, []
        for name, batch in self._batches():
            require(isinstance(batch, Batch), f"{name} returns a {type(batch).__name__}, not a Batch")
            check_arrays(task, name, batch)
            seen.append(f"{name} {batch.x.shape[0]} x {batch.x.shape[1]}")
        sizes = [task.training(rng(0), size).x.shape[1] for size in (1, 3, 8)]
        require(
            sizes == [1, 3, 8] or len(set(sizes)) == 1,
            f"training(rng, size) gives {sizes} sequences for sizes 1, 3, 8 (fixed data: always as many)",
        )
        return "; ".join(seen) + " (steps x sequences)"

    def weights(self) -> str:
        for name, batch in self._batches():
            require(np.isfinite(batch.weight).all(), f"{name}: a weight is not finite")
            require((batch.weight >= 0).all(), f"{name}: a weight is negative")
            require(scored(batch).any(), f"{name}: no step is scored (weight 0 or unknown target everywhere)")
        batch = self._task.test(rng(2))
        if not self._steps:
            return f"{scored(batch).mean():.0%} of the sequences of test are scored"
        y, other = self._perfect(batch, 1), self._perfect(batch, 2)
        alike = self._task.score(y, batch) == self._task.score(other, batch)
        require(alike, "the score depends on steps that are not scored (weight 0 or unknown target)")
        return f"{scored(batch).mean():.0%} of the steps of test are scored; the others change no score"

    def lengths(self) -> str:
        ragged = False
        for name, batch in self._batches():
            if batch.lengths is None:
                continue
            ragged = True
            steps, size = batch.x.shape[:2]
            given = batch.lengths
            right = given.shape == (size,) and given.dtype == np.int64
            require(right, f"{name}: lengths are {given.shape} {given.dtype}; expected ({size},) int64")
            require(
                given.min() >= 1 and given.max() <= steps,
                f"{name}: lengths lie in {given.min()}..{given.max()}; expected 1..{steps}",
            )
            beyond = np.arange(steps)[:, None] >= given
            for part in ("weight", "x", "target") if self._steps else ("x",):
                require(
                    not getattr(batch, part)[beyond].any(),
                    f"{name}: {part} is not 0 beyond a sequence's length",
                )
        padded = "weight, x and target are" if self._steps else "x is"
        return f"{padded} 0 beyond each length" if ragged else "all sequences have all steps"

    def determinism(self) -> str:
        task = self._task
        first = dict(self._batches())
        task.training(rng(99), 5)
        task.floors(rng(98))
        for name, batch in self._batches(replace(task)):
            require(
                same(first[name], batch),
                f"{name}: the same generator gives other data (another source of chance?)",
            )
        before = task.training(rng(0), 4)
        kept = Batch(*(None if a is None else a.copy() for a in before))  # type: ignore[arg-type]
        for array in before:
            if array is not None:
                array[...] = 1
        require(
            same(task.training(rng(0), 4), kept), "a batch that is overwritten changes what is drawn next"
        )
        fixed = same(task.training(rng(0), 8), task.training(rng(1), 8))
        return "data come from the generator alone" + ("; they are the same for all" if fixed else "")

    def score(self) -> str:
        task = self._task
        batch = task.validation(rng(1))
        answers = self._perfect(batch) if self._steps else right_answers(task, batch)
        if answers is None:
            return "not tried: the right answers are known to the task's own loss alone"
        y = answers
        found = float(task.score(y, batch))
        require(abs(found - 1.0) < 1e-6, f"the right answers score {found:.6g}; expected 1")
        require(bool(task.solved(y, batch)), "the right answers do not count as solved")
        with np.errstate(all="ignore"):
            y = np.full_like(y, np.nan)
            require(not task.solved(y, batch), "outputs that are NaN count as solved")
            require(not task.score(y, batch) > 0.0, f"outputs that are NaN score {task.score(y, batch):.3g}")
        return "the right answers score 1 and solve, NaN does not"

    def constant(self) -> str:
        task = self._task
        batch = task.test(rng(2))
        y = self._constant(batch) if self._steps else constant_output(task, batch)
        loss, said = constant_loss(task, batch), float(task.constant_loss(batch))
        # Labels need not be equally frequent in a sample; a loss of one's own need not say.
        tolerance = 1e-4 if self._steps else 0.02
        unsaid = not self._steps and math.isinf(said)
        require(
            unsaid or math.isclose(said, loss, rel_tol=tolerance, abs_tol=1e-7),
            f"constant_loss is {said:.6g}; the best constant for the data of test has {loss:.6g}",
        )
        require(not task.solved(y, batch), "the best constant counts as solved")
        score, count = float(task.score(y, batch)), int(scored(batch).sum())
        if type(task).score is Task.score and task.loss == "mse":
            require(abs(score) < 1e-3, f"the best constant scores {score:.4g}; expected 0")
        floors = [f for f in task.floors(rng(2)) if any(word in f.name for word in KNOWS_NOTHING)]
        require(
            floors,
            f"no floor is named {' or '.join(KNOWS_NOTHING)}: what does an output score that knows nothing?",
        )
        # The floor may be exact where these data are a sample.
        allowed = 0.02 + 4.0 / math.sqrt(count)
        listed = ", ".join(f"{f.name}: score {f.score:.4g}, loss {f.loss}" for f in floors)
        found = f"the best constant has score {score:.4g}, loss {loss:.4g}"
        near = any(abs(f.score - score) <= allowed for f in floors)
        losses = [f.loss for f in floors if f.loss is not None]
        near &= not losses or any(abs(known - loss) <= allowed * max(abs(loss), 1e-6) for known in losses)
        require(near, f"{found} on the data of test, but the floors say {listed}")
        return f"{found}; floors: {listed}"

    def floors(self) -> str:
        task = self._task
        floors = task.floors(rng(3))
        require(isinstance(floors, list) and floors, "there is no floor")
        for floor in floors:
            require(isinstance(floor, Floor), f"a floor is a {type(floor).__name__}, not a Floor")
            check_floor(floor, task.loss)
        require(floors == task.floors(rng(3)), "the same generator gives other floors")
        names = [(f.name, f.loop) for f in floors]
        require(len(set(names)) == len(names), "two floors of one loop have the same name")
        for floor in floors:
            require(
                floor.loop == "closed" or task.open_loop or floor.loop == "both",
                f"{floor.name}: is for the open loop, which the task refuses (open_loop is False)",
            )
        json.dumps([f._asdict() for f in floors], allow_nan=False)
        if type(task).score is Task.score and task.loss == "mse":
            self._check_relation(floors)
        return ", ".join(f"{f.name} {f.score:.3g}" for f in floors)

    def _check_relation(self, floors: list[Floor]) -> None:
        """Score is 1 - loss / loss of the best constant, for floors as for networks."""
        constant = next((f.loss for f in floors if f.score == 0.0 and f.loss), None)
        for floor in floors:
            if constant and floor.loss is not None:
                expected = 1.0 - floor.loss / constant
                require(
                    abs(floor.score - expected) < 0.01 + 0.01 * abs(expected),
                    f"{floor.name}: score {floor.score:.4g}, but 1 - loss / constant loss is {expected:.4g}",
                )

    def refusals(self) -> str:
        task = self._task
        require(task.refusal(causal=True, loop="closed") == "", "a causal network in closed loop is refused")
        refused = []
        cases: list[tuple[bool, str | int, bool]] = [
            (False, "closed", task.causal_only),
            (True, "open", not task.open_loop),
            (True, 3, not task.open_loop),
        ]
        for causal, loop, expected in cases:
            text = task.refusal(causal=causal, loop=loop)
            what = f"loop={loop}" if causal else "a network that reads the future"
            require(
                bool(text) == expected,
                f"{what}: refused is {bool(text)}, open_loop and causal_only say {expected}",
            )
            if text:
                require(
                    "\n" not in text and len(text) > 10, f"{what}: the reason must be one line of plain words"
                )
                refused.append(what)
        if not task.causal_only:
            self._check_no_copy()
        return f"refuses {' and '.join(refused)}" if refused else "nothing is refused"

    def _check_no_copy(self) -> None:
        """Refuse a target that stands in a later input, unless networks that read the future are refused."""
        batch = self._task.test(rng(4))
        if not self._steps:
            return
        if batch.x.ndim != batch.target.ndim or len(batch.x) < 3:
            return
        later = batch.x[1:].reshape(len(batch.x) - 1, batch.x.shape[1], -1)
        target = batch.target[:-1].reshape(len(batch.x) - 1, batch.x.shape[1], -1)
        steps = scored(batch)[:-1]
        if steps.sum() < 3 or not np.ptp(target[steps], axis=0).any():
            return
        for column in range(later.shape[-1]):
            copied = later[steps][:, column : column + 1] == target[steps]
            require(
                not copied.all(),
                "the input holds the target one step later, but causal_only is False: a network that reads "
                "the future would copy it",
            )

    def training(self) -> str:
        """Train a small network for a few updates, to see that the engine takes the data."""
        task, net = self._task, self._small_network()
        result = drain(fit(net, task, updates=3, batch=4, evaluate_every=3, stop_when_solved=False))
        losses = [result.history[-1]["train_loss"], result.scores["test_loss"]]
        require(
            all(map(math.isfinite, losses)), f"after 3 updates of a small network the losses are {losses}"
        )
        for name, value in result.scores.items():
            require(isinstance(value, int | float), f"score {name} is a {type(value).__name__}, not a number")
        return f"3 updates of a small network: test loss {losses[1]:.4g}"

    def streams(self) -> str:
        """Draw chunks of streams, twice, and train on some."""
        task = self._task
        chunks, again = (list(islice(task.training_stream(rng(0), 5), 4)) for _ in range(2))
        for number, chunk in enumerate(chunks):
            require(isinstance(chunk, Chunk), f"training_stream yields a {type(chunk).__name__}, not a Chunk")
            batch, flags = chunk
            check_arrays(task, f"chunk {number}", batch)
            alike = same(batch, again[number].batch) and np.array_equal(flags, again[number].reset)
            require(alike, "streams of the same generator are not the same")
            right = isinstance(flags, np.ndarray) and flags.shape == (5,) and flags.dtype == np.bool_
            require(right, f"chunk {number}: reset must be (5,) bool, which of 5 streams start anew")
            require(batch.x.shape[1] == 5, f"chunk {number}: has {batch.x.shape[1]} of 5 streams")
        require(chunks[0].reset.all(), "chunk 0: reset must flag every stream")
        net = self._small_network()
        result = drain(fit(net, task, updates=3, batch=4, carry_state=True, stop_when_solved=False))
        return (
            f"chunks of {len(chunks[0].batch.x)} steps; 3 updates: test loss {result.scores['test_loss']:.4g}"
        )

    def _small_network(self) -> Network:
        task = self._task
        boxes = [Box("h", 4), Box("y", task.n_out, task.output_activation)]
        arrows = [Arrow("x", "h"), Arrow("h", "h", lag=1), Arrow("h", "y")]
        return Network(boxes, arrows, task.n_in)

    def speed(self) -> str:
        source, seconds = stream(0, "train"), []
        for _ in range(5):
            clock = time.perf_counter()
            self._task.training(source, 32)
            seconds.append(time.perf_counter() - clock)
        took = min(seconds)
        require(
            took < SLOW,
            f"drawing 32 sequences takes {1e3 * took:.0f} ms, longer than training on them; draw all at "
            "once, without a loop over sequences",
        )
        return f"32 sequences in {1e6 * took:.0f} µs"

    def _batches(self, task: Task | None = None) -> Iterator[tuple[str, Batch]]:
        task = self._task if task is None else task
        yield "training", task.training(rng(0), 8)
        yield "validation", task.validation(rng(1))
        yield "test", task.test(rng(2))

    def _targets(self, batch: Batch) -> Array:
        """Targets (T, B, O); labels as one-hot rows."""
        if batch.target.ndim == 3:
            return batch.target.astype(np.float64)
        return np.asarray(np.eye(self._task.n_out)[batch.target])

    def _perfect(self, batch: Batch, elsewhere: int = 0) -> Array:
        """Return the target where a step is scored, something wild where not."""
        target = self._targets(batch)
        y = rng(elsewhere).normal(0.0, 100.0, target.shape)
        y[scored(batch)] = target[scored(batch)]
        return y

    def _constant(self, batch: Batch) -> Array:
        """Return the weighted mean of the scored targets, at every step."""
        target, steps = self._targets(batch), scored(batch)
        weight = batch.weight[steps].astype(np.float64)
        return np.broadcast_to(weight @ target[steps] / weight.sum(), target.shape).copy()

"""The contracts of a task: its data, its score, its floors, and that a network can be trained on it."""

import math
import time
from dataclasses import fields, replace
from itertools import islice

import numpy as np

from rnnbench.checking import data, scores
from rnnbench.checking.batches import by_steps, check_arrays, rng, same, scored
from rnnbench.checking.findings import WRONG, Finding, refuses, require, tried
from rnnbench.checking.span import check_span
from rnnbench.network import Arrow, Box, Network
from rnnbench.network.divergences import between_sequences
from rnnbench.tasks.contract import OUTPUT_ACTIVATION, STEP_LOSSES, Chunk, Task, loss_name
from rnnbench.training import drain, fit, stream

#: Drawing a batch of 32 sequences may take this long, in seconds; a step of training takes less.
SLOW = 0.02


def check_task(task: Task) -> list[Finding]:
    """Try all contracts on a task.

    Returns
    -------
    list of Finding
        One for each contract. Where no batch can be drawn, the rest is left out.
    """
    check = _Check(task)
    first = tried({"settings": check.settings, "shapes": lambda: data.shapes(task)})
    if not first[-1].holds:
        return first
    return first + tried(
        {
            "weights": lambda: data.weights(task),
            "lengths": lambda: data.lengths(task),
            "determinism": lambda: data.determinism(task),
            "score": lambda: scores.score(task),
            "constant": lambda: scores.constant(task),
            "floors": lambda: scores.floors(task),
            "refusals": check.refusals,
            "span": lambda: check_span(task),
            "training": check.training,
            "speed": check.speed,
            **({"streams": check.streams} if task.streams else {}),
        }
    )


class _Check:
    """What a task says of itself and what is done with it; each method returns a note or raises."""

    def __init__(self, task: Task) -> None:
        self._task = task

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
        if not by_steps(self._task):
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

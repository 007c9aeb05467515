"""Each planted bug breaks a contract of tasks, which is named.

The built-in tasks are checked in tests/tasks.
"""

import time
from dataclasses import dataclass

import numpy as np
import pytest

from rnnbench.checking import check_task
from rnnbench.tasks.contract import Batch, Floor, Task


@dataclass
class Echo(Task):
    """What the planted bugs are planted in: the input of two steps ago."""

    length: int = 12

    n_in = 1
    n_out = 1

    def __post_init__(self):
        if self.length < 4:
            raise ValueError(f"task.length={self.length}: must be at least 4")

    def training(self, rng, size):
        x = rng.standard_normal((self.length, size, 1), dtype=np.float32)
        weight = np.ones((self.length, size), np.float32)
        weight[:2] = 0.0
        return Batch(x, np.roll(x, 2, axis=0), weight)

    def validation(self, rng):
        return self.training(rng, 64)

    def test(self, rng):
        return self.training(rng, 256)

    def solved(self, y, batch):
        return self.score(y, batch) > 0.95

    def floors(self, rng):
        return [
            Floor("best constant", 0.0, 1.0, "both", "variance"),
            Floor("oracle", 1.0, 0.0, "both", "all"),
        ]


def failures(**members):
    """Return what fails, by contract, for the task with other members."""
    cls = dataclass(type("Broken", (Echo,), members))
    return {f.contract: f.note for f in check_task(cls()) if not f.holds}


def changed(**parts):
    """Return a `training` whose batches have other parts, each computed from the batch."""

    def training(self, rng, size):
        batch = Echo.training(self, rng, size)
        return batch._replace(**{name: change(batch) for name, change in parts.items()})

    return {"training": training}


def test_the_task_without_a_bug_is_sound():
    assert failures() == {}
    assert failures(SPAN="length") == {}


def only_twelve(self, span):
    if span != 12:
        raise ValueError(f"task.length={span}: must be 12")
    return self


#: what is broken about the span: what is said, members
SPANS = {
    "no field": ("SPAN='lenght': is not a field of the task; its fields are length", {"SPAN": "lenght"}),
    "no number": (
        "SPAN='name': must name a whole number; name is 'echo'",
        {"SPAN": "name", "name": "echo", "__annotations__": {"name": str}},
    ),
    "unmoved": ("at(24) gives a task whose length is 12", {"at": lambda self, span: self}),
    "moved itself": (
        "at changes the task itself: its length is then 24",
        {"at": lambda self, span: (setattr(self, "length", span), self)[1]},
    ),
    "only one": ("it accepts no span but 12; at(24): task.length=24: must be 12", {"at": only_twelve}),
    "other sizes": (
        "n_in is 12 at length=12 and 24 at 24",
        {
            "n_in": property(lambda self: self.length),
            "training": lambda self, rng, size: (lambda b: b._replace(x=np.repeat(b.x, self.length, axis=2)))(
                Echo.training(self, rng, size)
            ),
        },
    ),
    "same data": (
        "the data of test are the same at length=12 and at 24",
        {"test": lambda self, rng: Echo(12).training(rng, 256)},
    ),
}


@pytest.mark.parametrize("bug", SPANS)
def test_each_bug_of_the_span_is_named(bug):
    said, members = SPANS[bug]
    found = failures(**{"SPAN": "length", **members})
    assert said in found.pop("span") and set(found) <= {"refusals"}, found


def test_a_task_that_takes_no_longer_span_is_tried_at_a_shorter_one():
    def at(self, span):
        if span > 12:
            raise ValueError(f"task.length={span}: must be at most 12")
        return Task.at(self, span)

    cls = dataclass(type("Bounded", (Echo,), {"SPAN": "length", "at": at}))
    (note,) = [f.note for f in check_task(cls()) if f.contract == "span" and f.holds]
    assert note == "length: 12, and 11 with the same inputs and outputs"


#: what is broken: (contract that fails, what it says, members)
BUGS = {
    "float64": ("shapes", "training: x: expected (T, B, 1) float32", changed(x=lambda b: b.x.astype(float))),
    "batch first": (
        "shapes",
        "target: expected (8, 12, 1) floating, time first",
        changed(x=lambda b: np.ascontiguousarray(b.x.swapaxes(0, 1))),
    ),
    "not contiguous": (
        "shapes",
        "target: expected (12, 8, 1) floating, time first and C-contiguous",
        changed(target=lambda b: b.x[::-1]),
    ),
    "nan": ("shapes", "x is not finite", changed(x=lambda b: b.x * np.float32(np.nan))),
    "two targets": (
        "shapes",
        "target: expected (12, 8, 1) floating, time first and C-contiguous; given shape (12, 8, 2)",
        changed(target=lambda b: b.x.repeat(2, 2)),
    ),
    "no batch": ("shapes", "returns a tuple, not a Batch", {"validation": lambda self, rng: (1, 2)}),
    "size": (
        "shapes",
        "sequences for sizes 1, 3, 8",
        {"training": lambda s, rng, n: Echo.training(s, rng, n + 1)},
    ),
    "negative": ("shapes", "weights must be finite and not negative", changed(weight=lambda b: b.weight - 1)),
    "unscored": ("shapes", "no step is scored", changed(weight=lambda b: b.weight * 0)),
    "all steps": (
        "weights",
        "the score depends on steps that are not scored",
        {"score": lambda self, y, batch: float(1 - ((y - batch.target) ** 2).mean())},
    ),
    "ends": (
        "lengths",
        "weight is not 0 beyond a sequence's length",
        changed(lengths=lambda b: np.full(b.x.shape[1], 5)),
    ),
    "long": (
        "shapes",
        "lengths: must lie in 1..12; given 99..99",
        changed(lengths=lambda b: np.full(b.x.shape[1], 99)),
    ),
    "chance": (
        "determinism",
        "the same generator gives other data",
        {"training": lambda s, rng, n: Echo.training(s, np.random.default_rng(), n)},
    ),
    "wrong score": ("score", "the right answers score 0; expected 1", {"score": lambda self, y, batch: 0.0}),
    "unsolved": ("score", "do not count as solved", {"solved": lambda self, y, batch: False}),
    "nan solves": (
        "score",
        "outputs that are NaN count as solved",
        {"solved": lambda self, y, batch: not self.score(y, batch) < 0.9},
    ),
    "easy": (
        "constant",
        "the best constant counts as solved",
        {"solved": lambda self, y, b: self.score(y, b) > -1},
    ),
    "constant loss": ("constant", "constant_loss is 0.5", {"constant_loss": lambda self, batch: 0.5}),
    "floor": (
        "constant",
        "but the floors say best constant: score 0, loss 3",
        {"floors": lambda self, rng: [Floor("best constant", 0.0, 3.0, "both", "a guess")]},
    ),
    "no constant": (
        "constant",
        "no floor is named constant or chance",
        {"floors": lambda self, rng: [Floor("oracle", 1.0, 0.0, "both", "all")]},
    ),
    "no floors": ("floors", "there is no floor", {"floors": lambda self, rng: []}),
    "above": (
        "floors",
        "oracle: score=1.5 is above 1",
        {"floors": lambda s, r: [Floor("oracle", 1.5, 0.0, "both", "x")]},
    ),
    "numpy": (
        "floors",
        "must be plain, finite numbers",
        {"floors": lambda s, r: [Floor("chance", np.float32(0), None, "both", "x")]},
    ),
    "loop": (
        "floors",
        "loop='half' must be one of",
        {"floors": lambda s, r: [Floor("chance", 0.0, 1.0, "half", "x")]},
    ),
    "relation": (
        "floors",
        "linear: score 0.9, but 1 - loss / constant loss is 0.5",
        {"floors": lambda s, r: [*Echo.floors(s, r), Floor("linear", 0.9, 0.5, "both", "x")]},
    ),
    "changing floors": (
        "floors",
        "the same generator gives other floors",
        {
            "floors": lambda s, r: [
                Floor("chance", 0.0, 1.0 + 1e-9 * np.random.default_rng().random(), "both", "x")
            ]
        },
    ),
    "refuses all": (
        "refusals",
        "a causal network in closed loop is refused",
        {"refusal": lambda self, *, causal, loop: "never use this task"},
    ),
    "copies": (
        "refusals",
        "repeats the target one step later, but causal_only is False",
        changed(target=lambda b: np.roll(b.x, -1, axis=0), weight=lambda b: np.roll(b.weight, -2, axis=0)),
    ),
    "open loop": (
        "refusals",
        "loop=open: refused is False",
        {"open_loop": False, "refusal": lambda self, *, causal, loop: ""},
    ),
    "extra score": (
        "training",
        "score note is a str, not a number",
        {"extra_scores": lambda self, net, params, batch: {"note": "good"}},
    ),
    "loss": ("shapes", "loss='l2': must be one of mse", {"loss": "l2"}),
    "no inputs": ("shapes", "n_in=0: must be a whole number", {"n_in": 0}),
    "label": ("settings", "must be a short text of one line", {"label": "a\nb"}),
    "refused badly": (
        "settings",
        "length=-1000000000 ends in ZeroDivisionError",
        {"__post_init__": lambda self: 1 // max(self.length, 0)},
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_planted_bug_is_named(bug):
    contract, said, members = BUGS[bug]
    found = failures(**members)
    assert contract in found, found
    assert said in found[contract]
    assert all("\n" not in note for note in found.values())


def test_labels_out_of_range():
    def training(self, rng, size):
        batch = Echo.training(self, rng, size)
        return batch._replace(target=np.full(batch.weight.shape, 5))

    found = failures(training=training, loss="cross_entropy", n_out=3)
    assert "labels in 0..2" in found["shapes"]


def test_a_batch_that_belongs_to_the_task():
    kept = Echo().training(np.random.default_rng(0), 8)
    found = failures(training=lambda self, rng, size: kept)
    assert "overwriting a batch changes what is drawn next" in found["determinism"]


def test_slow_drawing(monkeypatch):
    def training(self, rng, size):
        time.sleep(0.03)
        return Echo.training(self, rng, size)

    assert "longer than training on them" in failures(training=training)["speed"]


def test_errors_are_findings_with_their_place():
    def floors(self, rng):
        return self.nothing

    found = failures(floors=floors)
    assert "AttributeError" in found["floors"] and "test_task.py, line" in found["floors"]

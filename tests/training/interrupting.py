"""Trainings that are stopped at block borders, and what must be the same when they go on."""

from dataclasses import dataclass

import numpy as np

from rnnbench.models.elman import Elman
from rnnbench.models.jordan import Jordan
from rnnbench.models.narx import NARX
from rnnbench.models.rnn import RNN
from rnnbench.tasks.flipflop import Flipflop
from rnnbench.tasks.spoken import Spoken
from rnnbench.training import SGD, Checkpoint, Rprop, drain
from rnnbench.training.fitting import fit, prepare
from tests.training.small_tasks import Changing, Delay, Symbols, Uneven
from tests.training.test_fit import bits


class Stopped(Exception):
    """What ends a training at a border."""


@dataclass
class Holed(Delay):
    """A hole in the data of one batch in a hundred."""

    def training(self, rng, size):
        """Draw, and then whether there is a hole."""
        batch = self.draw(rng, size)
        batch.x[0, 0] = np.nan if rng.random() < 1 / 100 else batch.x[0, 0]
        return batch


@dataclass
class Hopeless(Delay):
    """A constant is almost right: any loss is too high, and the training ends after 100 updates."""

    def constant_loss(self, batch):
        """Next to nothing."""
        return 1e-6


STREAMS = Flipflop(restart=0.3, validation_size=8, test_size=8, evaluated=20)
SHORT = {"updates": 23, "evaluate_every": 10, "batch": 4, "lr": 0.02}

#: What each ends with: model, task, arguments of `fit`.
CASES = {
    **{
        f"{name} {dtype}": (Elman(hidden=3), Delay(), {"optimizer": name, "dtype": dtype})
        for name in ("sgd", "rmsprop", "adam", "adamw", "rprop")
        for dtype in ("float32", "float64")
    },
    "momentum": (RNN(hidden=3), Delay(), {"optimizer": SGD(lr=0.05, momentum=0.9), "lr": None}),
    "rprop by itself": (RNN(hidden=3), Symbols(), {"optimizer": Rprop(), "lr": None}),
    "symbols": (RNN(hidden=3), Symbols(), {"clip_norm": 0.1}),
    "lengths": (RNN(hidden=3, initial="learned"), Uneven(), {"clip_value": 0.01, "reduction": "sum"}),
    "shapes": (NARX(hidden=3, output_taps=2), Changing(), {}),
    "open loop": (NARX(hidden=3), Uneven(), {"loop": "open"}),
    "warm up": (Jordan(hidden=3), Uneven(), {"loop": 2}),
    "spans": (RNN(hidden=3), Delay(length=12), {"shortest": 3}),
    "streams": (Elman(hidden=3), STREAMS, {"carry_state": True}),
    "streams that feed back": (NARX(hidden=3, output_taps=2), STREAMS, {"carry_state": True}),
    "in pieces": (RNN(hidden=3), Uneven(), {"memory": "recompute"}),
    "between sequences": (RNN(hidden=3), Spoken(symbols=2, validation_size=8, test_size=8), {}),
    "diverged": (RNN(hidden=3), Holed(), {"updates": 500, "seed": 2}),
    "diverged slowly": (RNN(hidden=3), Hopeless(), {"updates": 150, "evaluate_every": 70}),
    "solved": (Elman(hidden=5), Delay(goal=0.5), {"lr": 0.1, "updates": 500}),
    "solved, going on": (
        Elman(hidden=5), Delay(goal=0.5),
        {"lr": 0.1, "updates": 130, "stop_when_solved": False, "select": "first_solved"},
    ),
    "last": (Elman(hidden=3), Delay(), {"lr": 0.5, "select": "last"}),
    "sequences": (RNN(hidden=3), Changing(), {"sequences": 77}),
}  # fmt: skip


class Watching:
    """Keeps what it sees, in a form that goes into a checkpoint."""

    def __init__(self):
        self.seen = []

    def __call__(self, update, params):
        self.seen.append([update, float(params.vector.sum())])

    def state(self):
        return {"seen": self.seen}

    def restore(self, state):
        self.seen = state["seen"]


def start(case, checkpoint=None, may_go_on=lambda: None, watch=None, test=True):
    model, task, options = CASES[case]
    net = model.build(task.n_in, task.n_out, task.output_activation)
    given = (fit.__kwdefaults__ or {}) | SHORT | options
    return prepare(net, task, may_go_on=may_go_on, watch=watch, checkpoint=checkpoint, test=test, **given)


def nth(case, border, path):
    """Which call of may_go_on is the n-th border: to bring streams to their place takes one more."""
    return border + bool(border and path.exists() and CASES[case][2].get("carry_state"))


def stopping_at(borders):
    """May_go_on that raises at the given borders, counted from 1 in each part of a training."""
    passed = [0]

    def may_go_on():
        passed[0] += 1
        if passed[0] in borders:
            raise Stopped

    return may_go_on, passed


def in_parts(case, path, parts, watching=False, **given):
    """Train with a stop at border `n` of each part; return the result, its watch and the number of stops."""
    stops = 0
    for border in [*parts, 0]:
        may_go_on, _ = stopping_at({nth(case, border, path)})
        watch = Watching() if watching else None
        try:
            checkpoint = Checkpoint(path, None, case)
            return drain(start(case, checkpoint, may_go_on, watch, **given)), watch, stops
        except Stopped:
            stops += 1
    raise AssertionError("the last part was stopped")


def facts(result):
    """Everything of a result that an interruption must not change."""
    return (
        *bits(result),
        result.updates,
        result.solved_at,
        result.sequences,
        result.sequences_to_solve,
        result.selected_at,
        result.select,
    )

"""What a task is: data, step weights, loss, score, criterion and floors. NumPy and nothing of rnnbench."""

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

OUTPUT_ACTIVATION = {"mse": "linear", "binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}


class Batch(NamedTuple):
    """Sequences of one draw, time-major and C-contiguous.

    Parameters
    ----------
    x : ndarray (T, B, I) of float32, or (T, B) of int64
        Inputs; integers are one-hot indices.
    target : ndarray (T, B, O) of float32, or labels (T, B) of int64
        NaN is a target that is not known.
    weight : ndarray (T, B) of float32
        0 = this step is not scored.
    lengths : ndarray (B,) of int64, or None
        Steps of each sequence; None when all have T.
    """

    x: Array
    target: Array
    weight: Array
    lengths: Array | None = None


class Floor(NamedTuple):
    """What a simple method reaches on a task, so that a network's score can be read.

    Parameters
    ----------
    name : str
        Chance, best constant, a linear model, an oracle.
    score : float
        In the unit of ``Task.score``.
    loss : float or None
        In the unit of the task's loss; None where it has no meaning.
    loop : str
        The loop it compares with: "closed", "open" or "both".
    how : str
        The formula or the method, in one line.
    """

    name: str
    score: float
    loss: float | None
    loop: str
    how: str


@dataclass
class Task(ABC):
    """A problem with its data, its loss, its score and the floors below which a network has learned nothing.

    A task is a dataclass: its fields are its settings, checked when it is made. Data depend on the fields and
    on the generator that is passed in, on nothing else. A changed definition raises ``VERSION``.
    """

    VERSION: ClassVar[int] = 1

    @property
    def name(self) -> str:
        """Name of the task: that of its file."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def label(self) -> str:
        """A short text for tables."""
        length = getattr(self, "length", None)
        return f"{self.name} T={length}" if length else self.name

    @property
    @abstractmethod
    def n_in(self) -> int:
        """Number of inputs (for integer x: of symbols)."""

    @property
    @abstractmethod
    def n_out(self) -> int:
        """Number of outputs."""

    @property
    def loss(self) -> str:
        """``"mse"``, ``"binary_cross_entropy"`` or ``"cross_entropy"``."""
        return "mse"

    @property
    def output_activation(self) -> str:
        """The activation of the output box that belongs to the loss."""
        return OUTPUT_ACTIVATION[self.loss]

    @property
    def open_loop(self) -> bool:
        """Whether targets are known before the step that is scored, so that they can be fed back."""
        return True

    @property
    def causal_only(self) -> bool:
        """Whether the input holds the target one or more steps later."""
        return False

    @classmethod
    def example(cls, folder: Path) -> "Task":
        """Return an instance on which the contracts are tried; a task that reads a file writes one first.

        Parameters
        ----------
        folder : Path
            A temporary folder, for such a file.
        """
        return cls()

    def columns(self) -> dict[str, Any]:
        """Return what the columns of a file must be so that a trained network can read it.

        Returns
        -------
        dict
            Plain data: "inputs" and "targets", lists of columns, each with its "name" and either "mean" and
            "unit" (the network sees (value - mean) / unit) or "symbols" (how many; whole numbers from 0);
            "horizon": rows from an input to its target.
        """
        symbols = self.training(np.random.default_rng(0), 1).x.ndim == 2
        labels = self.loss == "cross_entropy"
        return {
            "inputs": [{"name": "x", "symbols": self.n_in}] if symbols else _unscaled("x", self.n_in),
            "targets": [{"name": "label", "symbols": self.n_out}] if labels else _unscaled("y", self.n_out),
            "horizon": 0,
        }

    @abstractmethod
    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` fresh sequences, or return the fixed data of a task that has no more."""

    @abstractmethod
    def validation(self, rng: np.random.Generator) -> Batch:
        """Draw the sequences that decide about stopping and choosing."""

    @abstractmethod
    def test(self, rng: np.random.Generator) -> Batch:
        """Draw the sequences that are looked at once."""

    @abstractmethod
    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return what chance, the best constant, linear models and an oracle reach, where they make sense."""

    def score(self, y: Array, batch: Batch) -> float:
        """Accuracy, or 1 - loss / loss of the best constant: higher is better, perfect is 1.

        Parameters
        ----------
        y : ndarray (T, B, O)
            Outputs of a network (probabilities for sigmoid and softmax).
        batch : Batch
            What they are compared with; only steps of positive weight and known target count.
        """
        if self.loss != "mse":
            return accuracy(y, batch)
        return relative_score(mean_loss(y, batch, "mse"), self.constant_loss(batch))

    @abstractmethod
    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether outputs on validation data meet the task's own criterion."""

    def constant_loss(self, batch: Batch) -> float:
        """Loss of the constant output that is best for this very batch."""
        return best_constant_loss(batch, self.loss)

    def refusal(self, *, causal: bool, loop: str | int) -> str:
        """Return why such a network may not be used here, or ``""``.

        Parameters
        ----------
        causal : bool
            Whether the network reads no future input.
        loop : "closed", "open" or int
            What feedback from the output box reads; an integer is the step at which targets end.
        """
        if loop != "closed" and not self.open_loop:
            return (
                f"task={self.name}: loop={loop} needs targets known before the scored step, there are none; "
                "use loop=closed"
            )
        if not causal and self.causal_only:
            return (
                f"task={self.name}: its input holds the target one step later, a network that reads the "
                "future would copy it; use a causal model"
            )
        return ""

    def extra_scores(self, net: Any, params: Any, batch: Batch) -> dict[str, float]:
        """Further scores of a trained network by name; none unless a task has some."""
        return {}


def _unscaled(name: str, count: int) -> list[dict[str, Any]]:
    """Columns as they are: x, or x1, x2, ..."""
    names = [name] if count == 1 else [f"{name}{n}" for n in range(1, count + 1)]
    return [{"name": each, "mean": 0.0, "unit": 1.0} for each in names]


def outputs(net: Any, params: Any, batch: Batch) -> Array:
    """Run a network in closed loop: outputs (T, B, O); x is cast to the dtype of the parameters."""
    return np.asarray(net.forward(params, inputs_for(params, batch.x), lengths=batch.lengths))


def inputs_for(params: Any, x: Array) -> Array:
    """Return x as the engine wants it for these parameters: integers as they are, floats in their dtype."""
    if x.dtype.kind in "iu":
        return np.ascontiguousarray(x)
    return np.ascontiguousarray(x, dtype=params.vector.dtype)


def scored(batch: Batch) -> NDArray[np.bool_]:
    """Mask (T, B) of the steps that count: positive weight and known target."""
    steps = batch.weight > 0
    if batch.target.ndim == 3:
        steps &= ~np.isnan(batch.target).any(axis=-1)
    return np.asarray(steps)


def _scored_rows(batch: Batch) -> tuple[NDArray[np.bool_], Array, Array]:
    """Return the mask, the targets (N, O) in float64 or labels (N,), and the weights (N,) that sum to 1."""
    steps = scored(batch)
    weight = batch.weight[steps].astype(np.float64)
    if weight.size == 0:
        raise ValueError("no step of this batch is scored: the sum of its weights is 0")
    target = batch.target[steps]
    return steps, target.astype(np.float64) if target.ndim == 2 else target, weight / weight.sum()


def mean_loss(y: Array, batch: Batch, loss: str) -> float:
    """Mean loss of outputs over the scored steps.

    ``mse``, ``binary_cross_entropy`` = sum of w l / (sum of w, times O); ``cross_entropy`` = sum of w l / sum
    of w.
    """
    steps, target, weight = _scored_rows(batch)
    rows = y[steps].astype(np.float64)
    if loss == "mse":
        return float(weight @ ((rows - target) ** 2).mean(axis=1))
    smallest = np.finfo(np.float32).tiny
    if loss == "cross_entropy":
        return float(weight @ -np.log(np.maximum(rows[np.arange(len(rows)), target], smallest)))
    hit, miss = np.log(np.maximum(rows, smallest)), np.log(np.maximum(1.0 - rows, smallest))
    return float(weight @ -(target * hit + (1.0 - target) * miss).mean(axis=1))


def best_constant_loss(batch: Batch, loss: str) -> float:
    """Loss of the best constant: variance of the targets, or entropy of the classes, over scored steps."""
    _, target, weight = _scored_rows(batch)
    if loss == "cross_entropy":
        return _entropy(np.bincount(target, weights=weight))
    mean = weight @ target
    if loss == "mse":
        return float((weight @ (target - mean) ** 2).mean())
    return float(np.mean([_entropy(np.array([p, 1.0 - p])) for p in mean]))


def _entropy(p: Array) -> float:
    p = p[p > 0]
    return float(-(p @ np.log(p)))


def accuracy(y: Array, batch: Batch) -> float:
    """Weighted share of the scored steps that are right; an output that is not finite is wrong.

    Labels: the largest output is the label's. Targets of 0 and 1: each output lies on the target's side of
    0.5.
    """
    steps, target, weight = _scored_rows(batch)
    rows = y[steps]
    finite = np.isfinite(rows).all(axis=1)
    right = (
        rows.argmax(axis=1) == target if target.ndim == 1 else ((rows > 0.5) == (target > 0.5)).mean(axis=1)
    )
    return float(weight @ (finite * right))


def relative_score(loss: float, constant: float) -> float:
    """1 - loss / constant; where the best constant makes no error, 1 for no error and -inf for any other."""
    if constant > 0.0:
        return 1.0 - loss / constant
    return 1.0 if loss == 0.0 else -math.inf


def check_whole(key: str, value: Any, low: int, high: int | None = None) -> None:
    """Refuse a field that is not a whole number in low..high, naming key, value and what is allowed."""
    allowed = f"at least {low}" if high is None else f"between {low} and {high}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"task.{key}={value!r}: must be a whole number, {allowed}")
    if value < low or (high is not None and value > high):
        raise ValueError(f"task.{key}={value}: must be {allowed}")


def check_number(key: str, value: Any, low: float, high: float = math.inf) -> None:
    """Refuse a field that is not a finite number in low..high."""
    allowed = f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ValueError(f"task.{key}={value!r}: must be a number, {allowed}")
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"task.{key}={value}: must be {allowed}")


def check_choice(key: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse a field that is none of the choices; the nearest one is suggested."""
    if value not in choices:
        near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"task.{key}={value}: must be one of {', '.join(choices)}{hint}")

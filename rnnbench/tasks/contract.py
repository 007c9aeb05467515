"""What a task is: data, step weights, loss, score, criterion and floors. NumPy and nothing of rnnbench."""

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from rnnbench.tasks import decoding

Array = NDArray[Any]

OUTPUT_ACTIVATION = {
    "mse": "linear",
    "binary_cross_entropy": "sigmoid",
    "cross_entropy": "softmax",
    "ctc": "softmax",
    "soft_dtw": "linear",
}
#: Losses that compare the whole sequence of outputs with one of targets that belong to no step.
UNALIGNED = ("ctc", "soft_dtw")
STEP_LOSSES = tuple(name for name in OUTPUT_ACTIVATION if name not in UNALIGNED)


class Batch(NamedTuple):
    """Sequences of one draw, time-major and C-contiguous.

    Parameters
    ----------
    x : ndarray (T, B, I) of float32, or (T, B) of int64
        Inputs; integers are one-hot indices.
    target : ndarray (T, B, O) of float32, or labels (T, B) of int64
        NaN is a target that is not known. For the loss "ctc" label sequences (S, B) of int64 in 1..O-1, -1
        behind the last label; for "soft_dtw" sequences (S, B, O), rows of NaN behind the last step.
    weight : ndarray (T, B) of float32
        0 = this step is not scored. For "ctc" and "soft_dtw" (B,): 0 = this sequence is not scored.
    lengths : ndarray (B,) of int64, or None
        Steps of each sequence; None when all have T.
    """

    x: Array
    target: Array
    weight: Array
    lengths: Array | None = None


class Chunk(NamedTuple):
    """The next steps of parallel streams.

    Parameters
    ----------
    batch : Batch
        Sequences that go on where those of the chunk before ended.
    reset : ndarray (B,) of bool
        Those that do not, but start anew with this chunk.
    """

    batch: Batch
    reset: NDArray[np.bool_]


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
    on the generator that is passed in, on nothing else. A changed definition raises ``VERSION``. ``SPAN``
    names the field that says how long a sequence is, or how long something must be held, where a network that
    was trained at one value can be tried at another: what is to be done stays the same, only longer.
    """

    VERSION: ClassVar[int] = 1
    SPAN: ClassVar[str] = ""

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
    def span(self) -> int | None:
        """Value of the field that ``SPAN`` names; None where there is none."""
        return int(getattr(self, self.SPAN)) if self.SPAN else None

    def at(self, span: int) -> Self:
        """Return the same task at another span.

        Parameters
        ----------
        span : int
            Value of the field that ``SPAN`` names.

        Raises
        ------
        ValueError
            A task without such a field, or a value that it refuses.
        """
        if not self.SPAN:
            raise ValueError(f"task={self.name}: has no length or span that could be changed")
        return replace(self, **{self.SPAN: span})

    @property
    @abstractmethod
    def n_in(self) -> int:
        """Number of inputs (for integer x: of symbols)."""

    @property
    @abstractmethod
    def n_out(self) -> int:
        """Number of outputs."""

    @property
    def loss(self) -> str | Callable[..., Any]:
        """``"mse"``, ``"binary_cross_entropy"``, ``"cross_entropy"``, ``"ctc"``, ``"soft_dtw"``, a function.

        A function ``(y, target) -> (value, dy)`` compares all outputs (T, B, O) with the batch's target; by
        name it may also take `lengths`, `weight` and `reduction`. Its task defines `score`.
        """
        return "mse"

    @property
    def output_activation(self) -> str:
        """The activation of the output box that belongs to the loss; linear for a function."""
        return OUTPUT_ACTIVATION.get(loss_name(self.loss), "linear")

    @property
    def open_loop(self) -> bool:
        """Whether targets are known before the step that is scored, so that they can be fed back."""
        return loss_name(self.loss) not in UNALIGNED

    @property
    def streams(self) -> bool:
        """Whether `training_stream` gives streams, which ``train.carry_state=true`` trains on."""
        return type(self).training_stream is not Task.training_stream

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
            "horizon": rows from an input to its target. Where symbols are characters: "alphabet", these in
            the order of their numbers, and "start", the character that writing begins with.
        """
        symbols = self.training(np.random.default_rng(0), 1).x.ndim == 2
        labels = loss_name(self.loss) in ("cross_entropy", "ctc")
        return {
            "inputs": [{"name": "x", "symbols": self.n_in}] if symbols else _unscaled("x", self.n_in),
            "targets": [{"name": "label", "symbols": self.n_out}] if labels else _unscaled("y", self.n_out),
            "horizon": 0,
        }

    @abstractmethod
    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` fresh sequences, or return the fixed data of a task that has no more."""

    def training_stream(self, rng: np.random.Generator, size: int) -> Iterator[Chunk]:
        """Yield, without end, consecutive chunks of ``size`` parallel streams; only for a task of streams.

        Each goes on where the one before ended, but for the sequences flagged by `reset`: these start anew.
        All are flagged in the first chunk. ``training`` returns the batch of such a first chunk.
        """
        raise NotImplementedError(f"task={self.name}: gives no streams")

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
        """Accuracy, 1 - loss / loss of the best constant, or 1 - label error rate: perfect is 1.

        Parameters
        ----------
        y : ndarray (T, B, O)
            Outputs of a network (probabilities for sigmoid and softmax).
        batch : Batch
            What they are compared with; only steps of positive weight and known target count.
        """
        kind = loss_name(self.loss)
        if kind == "ctc":
            return 1.0 - decoding.label_error_rate(y, batch.target, batch.weight, batch.lengths)
        if kind not in STEP_LOSSES:
            raise NotImplementedError(f"task={self.name}: a task with the loss {kind} defines its own score")
        if kind != "mse":
            return accuracy(y, batch)
        return relative_score(mean_loss(y, batch, "mse"), self.constant_loss(batch))

    @abstractmethod
    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether outputs on validation data meet the task's own criterion."""

    def constant_loss(self, batch: Batch) -> float:
        """Loss of the constant output that is best for this very batch; infinite where nobody says."""
        kind = loss_name(self.loss)
        if kind == "ctc":
            lengths = np.full(batch.x.shape[1], len(batch.x)) if batch.lengths is None else batch.lengths
            return decoding.constant_ctc(batch.target, batch.weight.astype(np.float64), lengths, self.n_out)
        return best_constant_loss(batch, kind) if kind in STEP_LOSSES else math.inf

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

    def samples(self, net: Any, params: Any) -> dict[str, str]:
        """Texts that a trained network writes, by how they were drawn; for tasks with an "alphabet" alone.

        They are the same whenever they are asked for: whatever is drawn comes from fixed seeds.
        """
        return {}


def loss_name(loss: Any) -> str:
    """Return what a loss is called, without its option: "soft_dtw" of "soft_dtw:0.1"."""
    if isinstance(loss, str):
        return loss.partition(":")[0]
    known = {"CTC": "ctc", "SoftDTW": "soft_dtw"}
    kind = type(loss).__name__
    return known.get(kind) or str(getattr(loss, "__name__", kind))


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
    """Mask (T, B) of the steps that count: positive weight and known target; (B,) where sequences do."""
    steps = batch.weight > 0
    if batch.target.ndim == 3 and steps.ndim == 2:
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
    # Weights that sum to 1 but for rounding: two equal sums make "all right" 1 to the last bit.
    return float(weight @ (finite * right) / (weight @ np.ones_like(weight)))


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

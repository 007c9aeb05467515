"""The base class of tasks: data, step weights, loss, score, criterion and floors. Needs NumPy alone.

Everything that a task of your own needs can be imported from here.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from rnnbench.base.arguments import choice, number, whole_number
from rnnbench.tasks import decoding
from rnnbench.tasks.batches import (
    Array,
    Batch,
    Chunk,
    accuracy,
    best_constant_loss,
    mean_loss,
    relative_score,
    scored,
)

__all__ = [
    "OUTPUT_ACTIVATION",
    "STEP_LOSSES",
    "UNALIGNED",
    "Array",
    "Batch",
    "Chunk",
    "Floor",
    "Task",
    "accuracy",
    "best_constant_loss",
    "choice",
    "inputs_for",
    "loss_name",
    "mean_loss",
    "number",
    "outputs",
    "relative_score",
    "scored",
    "whole_number",
]

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


class Floor(NamedTuple):
    """The score of a simple method on a task, against which a network's score is read.

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
    """A problem with its data, loss, score, and floors: the scores of methods that learn little or nothing.

    A task is a dataclass: its fields are its settings, checked when it is made. Data depend on the fields and
    on the generator that is passed in, on nothing else. A changed definition raises ``VERSION``. ``SPAN``
    names the field that gives the length of a sequence, or the time something must be remembered, if a
    network trained at one value can be evaluated at others: the task stays the same, only longer.
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
        """Return an instance for the checks of contracts; a task that reads a file writes one first.

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
            the order of their numbers, and "start", the character that generated texts begin with.
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

        Each continues the one before, except the sequences flagged by `reset`, which start anew.
        All are flagged in the first chunk. ``training`` returns the batch of such a first chunk.
        """
        raise NotImplementedError(f"task={self.name}: gives no streams")

    @abstractmethod
    def validation(self, rng: np.random.Generator) -> Batch:
        """Draw the sequences used to stop training and to choose parameters."""

    @abstractmethod
    def test(self, rng: np.random.Generator) -> Batch:
        """Draw the sequences that are evaluated once, at the end."""

    @abstractmethod
    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return the scores of chance, best constant, linear models and an oracle, where they make sense."""

    def score(self, y: Array, batch: Batch) -> float:
        """Accuracy, 1 - loss / loss of the best constant, or 1 - label error rate: perfect is 1.

        Parameters
        ----------
        y : ndarray (T, B, O)
            Outputs of a network (probabilities for sigmoid and softmax).
        batch : Batch
            The batch; only steps of positive weight and known target count.
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
        """Loss of the constant output that is best for this batch; infinite where it is not defined."""
        kind = loss_name(self.loss)
        if kind == "ctc":
            lengths = np.full(batch.x.shape[1], len(batch.x)) if batch.lengths is None else batch.lengths
            return decoding.constant_ctc(batch.target, batch.weight.astype(np.float64), lengths, self.n_out)
        return best_constant_loss(batch, kind) if kind in STEP_LOSSES else math.inf

    def refusal(self, *, causal: bool, loop: str | int) -> str:
        """Return why such a network cannot be used for this task, or ``""``.

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
        """Texts that a trained network generates, by method of drawing; only for tasks with an "alphabet".

        They are the same at every call: random draws use fixed seeds.
        """
        return {}


def loss_name(loss: Any) -> str:
    """Return the name of a loss without its option: "soft_dtw" for "soft_dtw:0.1"."""
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
    """Return x in the form the engine needs: integers as they are, floats in the dtype of the parameters."""
    if x.dtype.kind in "iu":
        return np.ascontiguousarray(x)
    return np.ascontiguousarray(x, dtype=params.vector.dtype)

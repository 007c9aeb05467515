"""What batches and floors must be, and what the checks of a task compute from them."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.checking.findings import require
from rnnbench.network import Box, Network
from rnnbench.tasks.contract import STEP_LOSSES, Batch, Floor, Task, loss_name
from rnnbench.training.evaluation import loss_of

Array = NDArray[Any]


def by_steps(task: Task) -> bool:
    """Whether the loss is a sum over steps, which have targets and weights of their own."""
    return loss_name(task.loss) in STEP_LOSSES


def draws(task: Task) -> Iterator[tuple[str, Batch]]:
    """Yield a batch of each kind with its name, the same ones each time."""
    yield "training", task.training(rng(0), 8)
    yield "validation", task.validation(rng(1))
    yield "test", task.test(rng(2))


def check_arrays(task: Task, name: str, batch: Batch) -> None:
    """Require shapes, types and ranges of a batch; `name` says which it is."""
    loss = loss_name(task.loss)
    if not by_steps(task):
        check_whole_sequences(task, name, batch)
        return
    require(batch.weight.ndim == 2, f"{name}: weight is {batch.weight.shape}; expected (T, B)")
    steps, size = batch.weight.shape
    parts: list[tuple[str, Array, int, int]] = [("x", batch.x, task.n_in, 2)]
    parts.append(("target", batch.target, task.n_out, 2 if loss == "cross_entropy" else 3))
    require(batch.weight.dtype == np.float32, f"{name}: weight is {batch.weight.dtype}; expected float32")
    for part, array, width, fewest in parts:
        symbols = array.ndim == 2 and fewest == 2
        expected = (steps, size) if symbols or (part == "target" and fewest == 2) else (steps, size, width)
        require(array.shape == expected, f"{name}: {part} is {array.shape}; expected {expected}, time first")
        kind = np.dtype(np.int64 if len(expected) == 2 else np.float32)
        require(array.dtype == kind, f"{name}: {part} is {array.dtype}; expected {kind}")
        if len(expected) == 2:
            require(
                array.min() >= 0 and array.max() < width,
                f"{name}: {part} lies in {array.min()}..{array.max()}; expected 0..{width - 1}",
            )
        elif part == "x":
            require(np.isfinite(array).all(), f"{name}: x is not finite")
        else:
            require(not np.isinf(array).any(), f"{name}: target is infinite (unknown is NaN or weight 0)")
        if part == "target" and loss == "binary_cross_entropy":
            known = array[scored(batch)]
            require(((known >= 0) & (known <= 1)).all(), f"{name}: targets must lie in 0..1 for {task.loss}")
    for part in ("x", "target", "weight"):
        require(getattr(batch, part).flags.c_contiguous, f"{name}: {part} is not C-contiguous")


def check_whole_sequences(task: Task, name: str, batch: Batch) -> None:
    """Require what a batch must be for a loss between whole sequences: an input, and a target it takes."""
    x, shape = batch.x, batch.x.shape
    expected = f"(T, B, {task.n_in}) float32 or (T, B) int64"
    symbols = x.ndim == 2 and x.dtype == np.int64
    require(
        symbols or (x.ndim == 3 and shape[2] == task.n_in and x.dtype == np.float32),
        f"{name}: x is {shape} {x.dtype}; expected {expected}, time first",
    )
    right = 0 <= x.min() and x.max() < task.n_in if symbols else np.isfinite(x).all()
    require(right, f"{name}: x is not finite, or no index below {task.n_in}")
    for part in ("x", "target", "weight"):
        require(getattr(batch, part).flags.c_contiguous, f"{name}: {part} is not C-contiguous")
    uniform = np.full((*shape[:2], task.n_out), 1.0 / task.n_out)
    # What the loss refuses it says in one line.
    loss_of(uniform, batch, task.loss)


def check_floor(floor: Floor, loss: Any = "mse") -> None:
    """Require a floor of plain numbers in range, with a loop and an origin, for a task of that loss."""
    for part, value in (("score", floor.score), ("loss", floor.loss)):
        if value is not None or part == "score":
            plain = type(value) in (float, int) and math.isfinite(value)  # type: ignore[arg-type]
            require(plain, f"{floor.name}: {part}={value!r} must be a plain, finite number")
    require(floor.score <= 1.0, f"{floor.name}: score={floor.score:.6g} is above 1, the best possible")
    positive = loss_name(loss) in (*STEP_LOSSES, "ctc")
    require(
        floor.loss is None or not positive or floor.loss >= 0.0, f"{floor.name}: loss={floor.loss} is below 0"
    )
    loops = ("closed", "open", "both")
    require(floor.loop in loops, f"{floor.name}: loop={floor.loop!r} must be one of {', '.join(loops)}")
    require(
        floor.how and "\n" not in floor.how, f"{floor.name}: how must say in one line where it comes from"
    )


def constant_loss(task: Task, batch: Batch) -> float:
    """Recompute the least loss of a constant output: a variance, or entropies of frequencies."""
    if not by_steps(task):
        return loss_of(constant_output(task, batch), batch, task.loss)
    steps = scored(batch)
    weight = batch.weight[steps].astype(np.float64)
    weight /= weight.sum()
    if task.loss == "cross_entropy":
        return _entropy([float(weight[batch.target[steps] == k].sum()) for k in range(task.n_out)])
    rows = batch.target[steps].astype(np.float64)
    means = weight @ rows
    if task.loss == "mse":
        return float((weight @ rows**2 - means**2).mean())
    return sum(_entropy([p, 1.0 - p]) for p in map(float, means)) / len(means)


def constant_output(task: Task, batch: Batch) -> Array:
    """Return the constant output (T, B, O) of the least loss between whole sequences, by going downhill.

    A network that is one box with a bias learns it, by steps whose size follows the signs of its gradient.
    """
    net = Network([Box("y", task.n_out, task.output_activation)], [], task.n_in)
    params = net.parameters(np.zeros(net.n_parameters))
    x = np.zeros((*batch.x.shape[:2], task.n_in))
    size, before = np.full(net.n_parameters, 0.1), np.zeros(net.n_parameters)
    for _ in range(100):
        _, gradient = net.loss_and_grad(
            params, x, batch.target, task.loss, batch.weight, lengths=batch.lengths
        )
        same_way = gradient.vector * before
        size *= np.where(same_way > 0, 1.2, np.where(same_way < 0, 0.5, 1.0))
        params.vector[:] -= size * np.sign(gradient.vector)
        before = gradient.vector.copy()
    return np.asarray(net.forward(params, x))


def _entropy(shares: list[float]) -> float:
    return -sum(p * math.log(p) for p in shares if p > 0.0)


def scored(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask (T, B) of the steps that count: positive weight and known target.

    Where whole sequences are weighted it is (B,).
    """
    steps = batch.weight > 0
    if batch.target.ndim == 3 and steps.ndim == 2:
        steps = steps & ~np.isnan(batch.target).any(axis=-1)
    return np.asarray(steps)


def perfect(task: Task, batch: Batch, elsewhere: int = 0) -> Array:
    """Return the target where a step is scored, something wild where not."""
    target = _targets(task, batch)
    y = rng(elsewhere).normal(0.0, 100.0, target.shape)
    y[scored(batch)] = target[scored(batch)]
    return y


def weighted_mean(task: Task, batch: Batch) -> Array:
    """Return the weighted mean of the scored targets, at every step."""
    target, steps = _targets(task, batch), scored(batch)
    weight = batch.weight[steps].astype(np.float64)
    return np.broadcast_to(weight @ target[steps] / weight.sum(), target.shape).copy()


def _targets(task: Task, batch: Batch) -> Array:
    """Targets (T, B, O); labels as one-hot rows."""
    if batch.target.ndim == 3:
        return batch.target.astype(np.float64)
    return np.asarray(np.eye(task.n_out)[batch.target])


def right_answers(task: Task, batch: Batch) -> Array | None:
    """Return outputs (T, B, O) that a loss between whole sequences is satisfied with; None where unknown.

    CTC: labels one step after another with a blank before each, as late as can be. Soft-DTW: the target,
    whose last step is held. A function: the target, where it has the shape of the outputs.
    """
    steps, size = batch.x.shape[:2]
    lengths = np.full(size, steps) if batch.lengths is None else batch.lengths
    kind = loss_name(task.loss)
    if kind == "ctc":
        y = np.zeros((steps, size, task.n_out))
        y[:, :, 0] = 1.0
        for b in range(size):
            labels = batch.target[:, b][batch.target[:, b] >= 0]
            path = [labels[0]] if len(labels) else []
            for before, label in pairwise(labels):
                path += [0, label] if before == label else [label]
            at = np.arange(lengths[b] - len(path), lengths[b])
            y[at, b] = np.eye(task.n_out)[path] if path else 0.0
        return y
    if kind == "soft_dtw":
        last = (~np.isnan(batch.target).any(axis=2)).sum(axis=0) - 1
        at = np.minimum(np.arange(steps)[:, None], last)
        return np.asarray(batch.target[at, np.arange(size)], np.float64)
    return batch.target.astype(np.float64) if batch.target.shape == (steps, size, task.n_out) else None


def same(a: Batch, b: Batch) -> bool:
    """Whether two batches are equal to the last bit, types included."""
    return all(
        (p is None and q is None)
        or (p is not None and q is not None and p.dtype == q.dtype and np.array_equal(p, q, equal_nan=True))
        for p, q in zip(a, b, strict=True)
    )


def rng(seed: int) -> np.random.Generator:
    """Return a generator at the start of a seed's stream."""
    return np.random.default_rng(seed)

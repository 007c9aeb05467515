"""What batches and floors must be, and what the checks of a task compute from them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.checking.findings import require
from rnnbench.tasks.contract import Batch, Floor, Task

Array = NDArray[Any]


def check_arrays(task: Task, name: str, batch: Batch) -> None:
    """Require shapes, types and ranges of a batch; `name` says which it is."""
    require(batch.weight.ndim == 2, f"{name}: weight is {batch.weight.shape}; expected (T, B)")
    steps, size = batch.weight.shape
    parts: list[tuple[str, Array, int, int]] = [("x", batch.x, task.n_in, 2)]
    parts.append(("target", batch.target, task.n_out, 2 if task.loss == "cross_entropy" else 3))
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
        if part == "target" and task.loss == "binary_cross_entropy":
            known = array[scored(batch)]
            require(((known >= 0) & (known <= 1)).all(), f"{name}: targets must lie in 0..1 for {task.loss}")
    for part in ("x", "target", "weight"):
        require(getattr(batch, part).flags.c_contiguous, f"{name}: {part} is not C-contiguous")


def check_floor(floor: Floor) -> None:
    """Require a floor of plain numbers in range, with a loop and an origin."""
    for part, value in (("score", floor.score), ("loss", floor.loss)):
        if value is not None or part == "score":
            plain = type(value) in (float, int) and math.isfinite(value)  # type: ignore[arg-type]
            require(plain, f"{floor.name}: {part}={value!r} must be a plain, finite number")
    require(floor.score <= 1.0, f"{floor.name}: score={floor.score:.6g} is above 1, the best possible")
    require(floor.loss is None or floor.loss >= 0.0, f"{floor.name}: loss={floor.loss} is below 0")
    loops = ("closed", "open", "both")
    require(floor.loop in loops, f"{floor.name}: loop={floor.loop!r} must be one of {', '.join(loops)}")
    require(
        floor.how and "\n" not in floor.how, f"{floor.name}: how must say in one line where it comes from"
    )


def constant_loss(task: Task, batch: Batch) -> float:
    """Recompute the least loss of a constant output: a variance, or entropies of frequencies."""
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


def _entropy(shares: list[float]) -> float:
    return -sum(p * math.log(p) for p in shares if p > 0.0)


def scored(batch: Batch) -> NDArray[np.bool_]:
    """Return the mask (T, B) of the steps that count: positive weight and known target."""
    steps = batch.weight > 0
    if batch.target.ndim == 3:
        steps = steps & ~np.isnan(batch.target).any(axis=-1)
    return np.asarray(steps)


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

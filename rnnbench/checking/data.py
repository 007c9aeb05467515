"""The contracts of what a task draws; each returns a note, or raises `Broken`."""

from dataclasses import replace

import numpy as np

from rnnbench.checking.batches import by_steps, check_arrays, draws, perfect, rng, same, scored
from rnnbench.checking.findings import require
from rnnbench.tasks.contract import Batch, Task


def shapes(task: Task) -> str:
    """Shapes, types and ranges of what is drawn, and how many sequences."""
    seen = []
    for name, batch in draws(task):
        require(isinstance(batch, Batch), f"{name} returns a {type(batch).__name__}, not a Batch")
        check_arrays(task, name, batch)
        seen.append(f"{name} {batch.x.shape[0]} x {batch.x.shape[1]}")
    sizes = [task.training(rng(0), size).x.shape[1] for size in (1, 3, 8)]
    require(
        sizes == [1, 3, 8] or len(set(sizes)) == 1,
        f"training(rng, size) gives {sizes} sequences for sizes 1, 3, 8 (fixed data: always as many)",
    )
    return "; ".join(seen) + " (steps x sequences)"


def weights(task: Task) -> str:
    """Which steps count, and that no other changes the score."""
    for name, batch in draws(task):
        require(np.isfinite(batch.weight).all(), f"{name}: a weight is not finite")
        require((batch.weight >= 0).all(), f"{name}: a weight is negative")
        require(scored(batch).any(), f"{name}: no step is scored (weight 0 or unknown target everywhere)")
    batch = task.test(rng(2))
    if not by_steps(task):
        return f"{scored(batch).mean():.0%} of the sequences of test are scored"
    y, other = perfect(task, batch, 1), perfect(task, batch, 2)
    alike = task.score(y, batch) == task.score(other, batch)
    require(alike, "the score depends on steps that are not scored (weight 0 or unknown target)")
    return f"{scored(batch).mean():.0%} of the steps of test are scored; the others change no score"


def lengths(task: Task) -> str:
    """Sequences of different lengths are 0 beyond their ends."""
    ragged = False
    for name, batch in draws(task):
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
        for part in ("weight", "x", "target") if by_steps(task) else ("x",):
            require(
                not getattr(batch, part)[beyond].any(),
                f"{name}: {part} is not 0 beyond a sequence's length",
            )
    padded = "weight, x and target are" if by_steps(task) else "x is"
    return f"{padded} 0 beyond each length" if ragged else "all sequences have all steps"


def determinism(task: Task) -> str:
    """All chance comes from the generator, and a batch belongs to whoever drew it."""
    first = dict(draws(task))
    task.training(rng(99), 5)
    task.floors(rng(98))
    for name, batch in draws(replace(task)):
        require(
            same(first[name], batch),
            f"{name}: the same generator gives other data (another source of chance?)",
        )
    before = task.training(rng(0), 4)
    kept = Batch(*(None if a is None else a.copy() for a in before))  # type: ignore[arg-type]
    for array in before:
        if array is not None:
            array[...] = 1
    require(same(task.training(rng(0), 4), kept), "a batch that is overwritten changes what is drawn next")
    fixed = same(task.training(rng(0), 8), task.training(rng(1), 8))
    return "data come from the generator alone" + ("; they are the same for all" if fixed else "")

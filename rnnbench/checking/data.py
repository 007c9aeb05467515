"""The contracts of a task's data; each returns a note, or raises `Broken`."""

import timeit
from copy import deepcopy
from dataclasses import replace

import numpy as np

from rnnbench.checking.findings import Broken, require
from rnnbench.network import Box, Network, Parameters
from rnnbench.tasks.contract import STEP_LOSSES, Batch, Task, loss_name, scored

rng = np.random.default_rng
#: Seconds that drawing a batch of 32 sequences may take; a step of training takes less.
SLOW = 0.02


def by_steps(task: Task) -> bool:
    """Whether the loss is a sum over steps, which have targets and weights of their own."""
    return loss_name(task.loss) in STEP_LOSSES


def draws(task: Task) -> dict[str, Batch]:
    """Return a batch of each kind by its name, the same ones each time."""
    return {
        "training": task.training(rng(0), 8),
        "validation": task.validation(rng(1)),
        "test": task.test(rng(2)),
    }


def same(a: Batch, b: Batch) -> bool:
    """Whether two batches are equal to the last bit, types included."""
    return all(
        (p is None and q is None)
        or (p is not None and q is not None and p.dtype == q.dtype and np.array_equal(p, q, equal_nan=True))
        for p, q in zip(a, b, strict=True)
    )


def constant_network(task: Task) -> tuple[Network, Parameters]:
    """Return a network whose outputs are constant, one box with a bias, and its parameters, 0."""
    net = Network([Box("y", task.n_out, task.output_activation)], [], task.n_in)
    return net, net.parameters(np.zeros(net.n_parameters, np.float32))


def check_batch(task: Task, name: str, batch: Batch) -> None:
    """Require a batch that the engine accepts, of known inputs; `name` says which it is."""
    net, params = constant_network(task)
    try:
        net.loss(params, batch.x, batch.target, task.loss, batch.weight, lengths=batch.lengths)
    except ValueError as error:
        raise Broken(f"{name}: {error}") from error
    finite = np.isfinite(batch.x).all() and not np.isinf(batch.target).any()
    require(finite, f"{name}: x is not finite, or a target infinite (NaN or weight 0: not known)")
    if task.loss == "binary_cross_entropy":
        known = batch.target[scored(batch)]
        require(((known >= 0) & (known <= 1)).all(), f"{name}: targets must lie in 0..1 for {task.loss}")


def shapes(task: Task) -> str:
    """Require valid batches, and as many sequences as are asked for."""
    drawn = draws(task)
    for name, batch in drawn.items():
        require(isinstance(batch, Batch), f"{name} returns a {type(batch).__name__}, not a Batch")
        check_batch(task, name, batch)
    sizes = [task.training(rng(0), size).x.shape[1] for size in (1, 3, 8)]
    require(
        sizes == [1, 3, 8] or len(set(sizes)) == 1,
        f"training(rng, size) gives {sizes} sequences for sizes 1, 3, 8 (fixed data: always as many)",
    )
    counts = [f"{name} {batch.x.shape[0]} x {batch.x.shape[1]}" for name, batch in drawn.items()]
    return f"{'; '.join(counts)} (steps x sequences)"


def lengths(task: Task) -> str:
    """Require sequences of different lengths to be 0 beyond their ends."""
    parts = ("weight", "x", "target") if by_steps(task) else ("x",)
    ragged = {name: batch for name, batch in draws(task).items() if batch.lengths is not None}
    for name, batch in ragged.items():
        beyond = np.arange(len(batch.x))[:, None] >= np.asarray(batch.lengths)
        for part in parts:
            require(
                not getattr(batch, part)[beyond].any(),
                f"{name}: {part} is not 0 beyond a sequence's length",
            )
    return f"0 beyond each length: {', '.join(parts)}" if ragged else "all sequences have all steps"


def determinism(task: Task) -> str:
    """Require all randomness from the generator, and batches that the caller may overwrite."""
    first = draws(task)
    task.training(rng(99), 5)
    task.floors(rng(98))
    for name, batch in draws(replace(task)).items():
        require(
            same(first[name], batch),
            f"{name}: the same generator gives other data (another source of randomness?)",
        )
    kept = deepcopy(first["training"])
    for array in first["training"][:3]:
        array[...] = 1
    require(same(task.training(rng(0), 8), kept), "overwriting a batch changes what is drawn next")
    fixed = same(kept, task.training(rng(1), 8))
    return "data come from the generator alone" + ("; they are the same for all" if fixed else "")


def speed(task: Task) -> str:
    """Require that drawing takes less time than training."""
    source = rng(0)
    took = min(timeit.repeat(lambda: task.training(source, 32), number=1, repeat=5))
    require(
        took < SLOW,
        f"drawing 32 sequences takes {1e3 * took:.0f} ms, longer than training on them; draw all at "
        "once, without a loop over sequences",
    )
    return f"32 sequences in {1e6 * took:.0f} µs"

"""The contracts of a task's weights, score and floors; each returns a note, or raises `Broken`."""

import math
from itertools import pairwise

import numpy as np

from rnnbench.checking.data import by_steps, constant_network, rng
from rnnbench.checking.findings import require
from rnnbench.tasks.contract import Array, Batch, Floor, Task, loss_name, scored
from rnnbench.tasks.decoding import labels_of
from rnnbench.training import Rprop
from rnnbench.training.evaluation import loss_of

#: Words in the names of floors of outputs that ignore the input.
KNOWS_NOTHING = ("constant", "chance", "guess")
LOOPS = ("closed", "open", "both")


def weights(task: Task) -> str:
    """Require a score that does not change with steps that are not scored."""
    batch = task.test(rng(2))
    share = f"{scored(batch).mean():.0%}"
    if not by_steps(task):
        return f"{share} of the sequences of test are scored"
    one, other = (task.score(_right_steps(task, batch, seed), batch) for seed in (1, 2))
    require(one == other, "the score depends on steps that are not scored (weight 0 or unknown target)")
    return f"{share} of the steps of test are scored; the others do not change the score"


def score(task: Task) -> str:
    """Require of right answers that they score 1 and solve, of NaN that it does neither."""
    batch = task.validation(rng(1))
    y = _right_answers(task, batch)
    if y is None:
        return "not tried: only the task's own loss knows the right answers"
    found = float(task.score(y, batch))
    require(abs(found - 1.0) < 1e-6, f"the right answers score {found:.6g}; expected 1")
    require(task.solved(y, batch), "the right answers do not count as solved")
    with np.errstate(all="ignore"):
        y = np.full_like(y, np.nan)
        require(not task.solved(y, batch), "outputs that are NaN count as solved")
        require(not task.score(y, batch) > 0.0, f"outputs that are NaN score {task.score(y, batch):.3g}")
    return "the right answers score 1 and solve, NaN does not"


def constant(task: Task) -> str:
    """Compare loss and score of the best constant output with what the task and its floors say."""
    batch = task.test(rng(2))
    y = _best_constant(task, batch)
    loss, said = loss_of(y, batch, task.loss), float(task.constant_loss(batch))
    # Labels need not be equally frequent in a sample; a user's own loss need not know its constant.
    tolerance = 1e-4 if by_steps(task) else 0.02
    require(
        (math.isinf(said) and not by_steps(task))
        or math.isclose(said, loss, rel_tol=tolerance, abs_tol=1e-7),
        f"constant_loss is {said:.6g}; the best constant for the data of test has {loss:.6g}",
    )
    require(not task.solved(y, batch), "the best constant counts as solved")
    score = float(task.score(y, batch))
    floors = [f for f in task.floors(rng(2)) if any(word in f.name for word in KNOWS_NOTHING)]
    require(
        floors,
        f"no floor is named {' or '.join(KNOWS_NOTHING)}: what does an output score that ignores the input?",
    )
    # The floor may be exact where these data are a sample.
    allowed = 0.02 + 4.0 / math.sqrt(scored(batch).sum())
    losses = [f.loss for f in floors if f.loss is not None] or [loss]
    near = any(abs(f.score - score) <= allowed for f in floors) and any(
        abs(known - loss) <= allowed * max(abs(loss), 1e-6) for known in losses
    )
    listed = ", ".join(f"{f.name}: score {f.score:.4g}, loss {f.loss}" for f in floors)
    found = f"the best constant has score {score:.4g}, loss {loss:.4g}"
    require(near, f"{found} on the data of test, but the floors say {listed}")
    return f"{found}; floors: {listed}"


def floors(task: Task) -> str:
    """Require floors of plain numbers, in the unit of the score."""
    floors = task.floors(rng(3))
    require(isinstance(floors, list) and floors, "there is no floor")
    for floor in floors:
        _check_floor(task, floor)
    require(floors == task.floors(rng(3)), "the same generator gives other floors")
    require(
        len({(f.name, f.loop) for f in floors}) == len(floors), "two floors of one loop have the same name"
    )
    constant = next((f.loss for f in floors if f.score == 0.0 and f.loss), math.inf)
    relative = type(task).score is Task.score and task.loss == "mse" and constant < math.inf
    for floor in floors if relative else ():
        # As for networks.
        expected = floor.score if floor.loss is None else 1.0 - floor.loss / constant
        require(
            abs(floor.score - expected) < 0.01 + 0.01 * abs(expected),
            f"{floor.name}: score {floor.score:.4g}, but 1 - loss / constant loss is {expected:.4g}",
        )
    return ", ".join(f"{f.name} {f.score:.3g}" for f in floors)


def _check_floor(task: Task, floor: Floor) -> None:
    """Require plain numbers in range, a loop that the task has, and an origin."""
    numbers = (floor.score, 0.0 if floor.loss is None else floor.loss)
    plain = all(type(value) in (float, int) and math.isfinite(value) for value in numbers)
    require(plain, f"{floor.name}: score={floor.score!r}, loss={floor.loss!r} must be plain, finite numbers")
    require(floor.score <= 1.0, f"{floor.name}: score={floor.score:.6g} is above 1, the best possible")
    require(floor.loop in LOOPS, f"{floor.name}: loop={floor.loop!r} must be one of {', '.join(LOOPS)}")
    require(
        floor.loop != "open" or task.open_loop,
        f"{floor.name}: is for the open loop, which the task refuses (open_loop is False)",
    )
    require(
        floor.how and "\n" not in floor.how,
        f"{floor.name}: how must say in one line where the floor comes from",
    )


def _right_answers(task: Task, batch: Batch) -> Array | None:
    """Return outputs (T, B, O) that are right; None where only a function knows them.

    CTC: one label after another, a blank between equal ones, as late as can be. Soft-DTW: the target, whose
    last step is held. A function: the target, where it has the shape of the outputs.
    """
    steps, size = batch.x.shape[:2]
    if by_steps(task):
        return _right_steps(task, batch)
    if loss_name(task.loss) == "ctc":
        y = np.broadcast_to(np.eye(task.n_out)[0], (steps, size, task.n_out)).copy()
        for b, labels in enumerate(labels_of(batch.target)):
            pairs = pairwise([0, *labels])
            path = [k for before, label in pairs for k in ([0, label] if before == label else [label])]
            end = steps if batch.lengths is None else batch.lengths[b]
            y[np.arange(end - len(path), end), b] = np.eye(task.n_out)[np.array(path, np.int64)]
        return y
    if loss_name(task.loss) == "soft_dtw":
        last = (~np.isnan(batch.target).any(axis=2)).sum(axis=0) - 1
        at = np.minimum(np.arange(steps)[:, None], last)
        return np.asarray(batch.target[at, np.arange(size)], np.float64)
    return batch.target.astype(np.float64) if batch.target.shape == (steps, size, task.n_out) else None


def _right_steps(task: Task, batch: Batch, elsewhere: int = 0) -> Array:
    """Return the target where a step is scored, large random numbers elsewhere."""
    y = rng(elsewhere).normal(0.0, 100.0, (*batch.weight.shape, task.n_out))
    y[scored(batch)] = _rows(task, batch)
    return y


def _best_constant(task: Task, batch: Batch) -> Array:
    """Return the constant output (T, B, O) of the least loss: the weighted mean of the scored targets.

    Between whole sequences it is learned by Rprop: the outputs of a network that is one box with a bias.
    """
    if by_steps(task):
        mean = np.average(_rows(task, batch), axis=0, weights=batch.weight[scored(batch)])
        return np.broadcast_to(mean, (*batch.weight.shape, task.n_out)).copy()
    net, params = constant_network(task)
    update = Rprop(lr=0.1).start(net.n_parameters, np.float32)
    for _ in range(60):
        data = (batch.x, batch.target, task.loss, batch.weight)
        update(params.vector, net.loss_and_grad(params, *data, lengths=batch.lengths)[1].vector)
    return np.asarray(net.forward(params, batch.x), np.float64)


def _rows(task: Task, batch: Batch) -> Array:
    """Targets (N, O) of the scored steps; labels as one-hot rows."""
    rows = batch.target[scored(batch)]
    return rows.astype(np.float64) if rows.ndim == 2 else np.asarray(np.eye(task.n_out)[rows])

"""The contracts of a task's score and floors; each returns a note, or raises `Broken`."""

import json
import math

import numpy as np

from rnnbench.checking.batches import (
    by_steps,
    check_floor,
    constant_loss,
    constant_output,
    perfect,
    right_answers,
    rng,
    scored,
    weighted_mean,
)
from rnnbench.checking.findings import require
from rnnbench.tasks.contract import Floor, Task

#: Names of floors that stand for an output that knows no input.
KNOWS_NOTHING = ("constant", "chance", "guess")


def score(task: Task) -> str:
    """Right answers score 1 and solve; outputs that are NaN do neither."""
    batch = task.validation(rng(1))
    answers = perfect(task, batch) if by_steps(task) else right_answers(task, batch)
    if answers is None:
        return "not tried: the right answers are known to the task's own loss alone"
    y = answers
    found = float(task.score(y, batch))
    require(abs(found - 1.0) < 1e-6, f"the right answers score {found:.6g}; expected 1")
    require(bool(task.solved(y, batch)), "the right answers do not count as solved")
    with np.errstate(all="ignore"):
        y = np.full_like(y, np.nan)
        require(not task.solved(y, batch), "outputs that are NaN count as solved")
        require(not task.score(y, batch) > 0.0, f"outputs that are NaN score {task.score(y, batch):.3g}")
    return "the right answers score 1 and solve, NaN does not"


def constant(task: Task) -> str:
    """Loss of the best constant output, and the floor that stands for it."""
    batch = task.test(rng(2))
    y = weighted_mean(task, batch) if by_steps(task) else constant_output(task, batch)
    loss, said = constant_loss(task, batch), float(task.constant_loss(batch))
    # Labels need not be equally frequent in a sample; a loss of one's own need not say.
    tolerance = 1e-4 if by_steps(task) else 0.02
    unsaid = not by_steps(task) and math.isinf(said)
    require(
        unsaid or math.isclose(said, loss, rel_tol=tolerance, abs_tol=1e-7),
        f"constant_loss is {said:.6g}; the best constant for the data of test has {loss:.6g}",
    )
    require(not task.solved(y, batch), "the best constant counts as solved")
    score, count = float(task.score(y, batch)), int(scored(batch).sum())
    if type(task).score is Task.score and task.loss == "mse":
        require(abs(score) < 1e-3, f"the best constant scores {score:.4g}; expected 0")
    floors = [f for f in task.floors(rng(2)) if any(word in f.name for word in KNOWS_NOTHING)]
    require(
        floors,
        f"no floor is named {' or '.join(KNOWS_NOTHING)}: what does an output score that knows nothing?",
    )
    # The floor may be exact where these data are a sample.
    allowed = 0.02 + 4.0 / math.sqrt(count)
    listed = ", ".join(f"{f.name}: score {f.score:.4g}, loss {f.loss}" for f in floors)
    found = f"the best constant has score {score:.4g}, loss {loss:.4g}"
    near = any(abs(f.score - score) <= allowed for f in floors)
    losses = [f.loss for f in floors if f.loss is not None]
    near &= not losses or any(abs(known - loss) <= allowed * max(abs(loss), 1e-6) for known in losses)
    require(near, f"{found} on the data of test, but the floors say {listed}")
    return f"{found}; floors: {listed}"


def floors(task: Task) -> str:
    """Floors of plain numbers, in the unit of the score."""
    floors = task.floors(rng(3))
    require(isinstance(floors, list) and floors, "there is no floor")
    for floor in floors:
        require(isinstance(floor, Floor), f"a floor is a {type(floor).__name__}, not a Floor")
        check_floor(floor, task.loss)
    require(floors == task.floors(rng(3)), "the same generator gives other floors")
    names = [(f.name, f.loop) for f in floors]
    require(len(set(names)) == len(names), "two floors of one loop have the same name")
    for floor in floors:
        require(
            floor.loop == "closed" or task.open_loop or floor.loop == "both",
            f"{floor.name}: is for the open loop, which the task refuses (open_loop is False)",
        )
    json.dumps([f._asdict() for f in floors], allow_nan=False)
    if type(task).score is Task.score and task.loss == "mse":
        _check_relation(task, floors)
    return ", ".join(f"{f.name} {f.score:.3g}" for f in floors)


def _check_relation(task: Task, floors: list[Floor]) -> None:
    """Score is 1 - loss / loss of the best constant, for floors as for networks."""
    constant = next((f.loss for f in floors if f.score == 0.0 and f.loss), None)
    for floor in floors:
        if constant and floor.loss is not None:
            expected = 1.0 - floor.loss / constant
            require(
                abs(floor.score - expected) < 0.01 + 0.01 * abs(expected),
                f"{floor.name}: score {floor.score:.4g}, but 1 - loss / constant loss is {expected:.4g}",
            )

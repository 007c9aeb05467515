"""The contracts of a task: its data, its score, its floors, and that a network can be trained on it."""

import math
from dataclasses import fields, replace
from itertools import islice

import numpy as np

from rnnbench.checking import data, scores
from rnnbench.checking.data import by_steps, check_batch, rng, same
from rnnbench.checking.findings import Broken, Finding, check_fields, require, tried
from rnnbench.network import Arrow, Box, Network
from rnnbench.tasks.contract import Chunk, Task, loss_name, scored
from rnnbench.training import drain, fit


def check_task(task: Task) -> list[Finding]:
    """Try all contracts on a task.

    Returns
    -------
    list of Finding
        One for each contract. If no batch can be drawn, the remaining ones are skipped.
    """
    first = tried({"settings": settings, "shapes": data.shapes}, task)
    rest = CONTRACTS | ({"streams": streams} if task.streams else {})
    return first + (tried(rest, task) if first[-1].holds else [])


def settings(task: Task) -> str:
    """Require a short label, and fields that are accepted or refused in plain lines."""
    short = isinstance(task.label, str) and 0 < len(task.label) <= 60 and "\n" not in task.label
    require(short, f"label={task.label!r}: must be a short text of one line")
    require(replace(task) == task, "two tasks of the same settings are not equal")
    return f"{check_fields(task)}; {task.n_in} inputs, {task.n_out} outputs, {loss_name(task.loss)}"


def refusals(task: Task) -> str:
    """Require that networks and loops are refused as `causal_only` and `open_loop` say, in one line."""
    require(task.refusal(causal=True, loop="closed") == "", "a causal network in closed loop is refused")
    cases: dict[str, tuple[bool, str | int, bool]] = {
        "a network that reads the future": (False, "closed", task.causal_only),
        "loop=open": (True, "open", not task.open_loop),
        "loop=3": (True, 3, not task.open_loop),
    }
    for what, (causal, loop, expected) in cases.items():
        text = task.refusal(causal=causal, loop=loop)
        require(
            bool(text) == expected,
            f"{what}: refused is {bool(text)}, open_loop and causal_only say {expected}",
        )
        one_line = "\n" not in text and len(text) > 10
        require(one_line or not text, f"{what}: the reason must be one line of plain words")
    require(
        task.causal_only or not _repeats_the_target(task),
        "the input repeats the target one step later, but causal_only is False: a network that reads the "
        "future would copy it",
    )
    refused = " and ".join(what for what, (_, _, expected) in cases.items() if expected)
    return f"refuses {refused}" if refused else "nothing is refused"


def _repeats_the_target(task: Task) -> bool:
    """Whether one column of the input is, a step later, the target wherever it is scored."""
    batch = task.test(rng(4))
    if not by_steps(task) or batch.x.ndim != batch.target.ndim:
        return False
    steps = scored(batch)[:-1]
    later, target = (
        a.reshape(*batch.weight.shape, -1)[part][steps]
        for a, part in ((batch.x, slice(1, None)), (batch.target, slice(-1)))
    )
    varied = len(target) >= 3 and np.ptp(target, axis=0).any()
    return bool(varied and (later[:, :, None] == target[:, None]).all(axis=(0, 2)).any())


def span(task: Task) -> str:
    """Require of `Task.SPAN` and `Task.at` the same task, only longer or shorter."""
    field, names = type(task).SPAN, [f.name for f in fields(task)]
    if field == "":
        return "none: networks are evaluated at no other length"
    require(field in names, f"SPAN={field!r}: is not a field of the task; its fields are {', '.join(names)}")
    here = getattr(task, field)
    require(type(here) is int, f"SPAN={field!r}: must name a whole number; {field} is {here!r}")
    other = _elsewhere(task, here)
    require(task.span == here, f"at changes the task itself: its {field} is then {task.span}")
    for name in ("n_in", "n_out", "loss", "output_activation"):
        mine, its = getattr(task, name), getattr(other, name)
        require(mine == its, f"{name} is {mine} at {field}={here} and {its} at {other.span}")
    require(
        not same(task.test(rng(2)), other.test(rng(2))),
        f"the data of test are the same at {field}={here} and at {other.span}",
    )
    return f"{field}: {here}, and {other.span} with the same inputs and outputs"


def _elsewhere(task: Task, here: int) -> Task:
    """Return the task at another span: a longer one, or a shorter one if it refuses longer ones."""
    reasons = []
    for wanted in (2 * here, here + 1, here - 1):
        try:
            other = task.at(wanted)
        except ValueError as error:
            reasons.append(f"at({wanted}): {error}")
            continue
        require(other.span == wanted, f"at({wanted}) gives a task whose {task.SPAN} is {other.span}")
        return other
    raise Broken(f"it accepts no span but {here}; {'; '.join(reasons)}")


def training(task: Task, **options: bool) -> str:
    """Train a small network for a few updates, to see that the engine can use the data."""
    boxes = [Box("h", 4), Box("y", task.n_out, task.output_activation)]
    net = Network(boxes, [Arrow("x", "h"), Arrow("h", "h", lag=1), Arrow("h", "y")], task.n_in)
    result = drain(fit(net, task, updates=3, batch=4, evaluate_every=3, stop_when_solved=False, **options))
    losses = [result.history[-1]["train_loss"], result.scores["test_loss"]]
    require(all(map(math.isfinite, losses)), f"after 3 updates of a small network the losses are {losses}")
    for name, value in result.scores.items():
        require(isinstance(value, int | float), f"score {name} is a {type(value).__name__}, not a number")
    return f"3 updates of a small network: test loss {losses[1]:.4g}"


def streams(task: Task) -> str:
    """Require valid chunks that come from the generator alone, and train on some."""
    chunks, again = (list(islice(task.training_stream(rng(0), 5), 4)) for _ in range(2))
    for number, (chunk, repeated) in enumerate(zip(chunks, again, strict=True)):
        require(isinstance(chunk, Chunk), f"training_stream yields a {type(chunk).__name__}, not a Chunk")
        check_batch(task, f"chunk {number}", chunk.batch)
        sizes = chunk.batch.x.shape[1], *np.shape(chunk.reset)
        require(sizes == (5, 5), f"chunk {number}: x and reset have {sizes} streams; expected 5 of each")
        alike = same(chunk.batch, repeated.batch) and np.array_equal(chunk.reset, repeated.reset)
        require(alike, "streams of the same generator are not the same")
    require(chunks[0].reset.all(), "chunk 0: reset must flag every stream")
    return f"chunks of {len(chunks[0].batch.x)} steps; {training(task, carry_state=True)}"


#: By name, in the order in which they are shown, after settings and shapes.
CONTRACTS = {
    "weights": scores.weights,
    "lengths": data.lengths,
    "determinism": data.determinism,
    "score": scores.score,
    "constant": scores.constant,
    "floors": scores.floors,
    "refusals": refusals,
    "span": span,
    "training": training,
    "speed": data.speed,
}

"""The contract of a task's span: that a network trained at one value can be tried at another."""

from dataclasses import fields

from rnnbench.checking.batches import rng, same
from rnnbench.checking.findings import Broken, require
from rnnbench.tasks.contract import Task


def check_span(task: Task) -> str:
    """Try `Task.SPAN` and `Task.at`; returns a note, or raises `Broken`."""
    field = type(task).SPAN
    if field == "":
        return "none: networks are tried at no other length"
    names = [f.name for f in fields(task)]
    require(field in names, f"SPAN={field!r}: is no field of the task; its fields are {', '.join(names)}")
    span = getattr(task, field)
    require(type(span) is int, f"SPAN={field!r}: must name a whole number; {field} is {span!r}")
    other = _elsewhere(task, span)
    require(task.span == span, f"at changes the task it is asked of: its {field} is {task.span} then")
    for name in ("n_in", "n_out", "loss", "output_activation"):
        here, there = getattr(task, name), getattr(other, name)
        require(here == there, f"{name} is {here} at {field}={span} and {there} at {other.span}")
    different = not same(task.test(rng(2)), other.test(rng(2)))
    require(different, f"the data of test are the same at {field}={span} and at {other.span}")
    return f"{field}: {span}, and {other.span} with the same inputs and outputs"


def _elsewhere(task: Task, span: int) -> Task:
    """Return the task at another span, a shorter one where it takes no longer one."""
    reasons = []
    for wanted in (2 * span, span + 1, span - 1):
        try:
            other = task.at(wanted)
        except ValueError as error:
            reasons.append(f"at({wanted}): {error}")
            continue
        require(other.span == wanted, f"at({wanted}) gives a task whose {task.SPAN} is {other.span}")
        return other
    raise Broken(f"it takes no span but {span}; {'; '.join(reasons)}")

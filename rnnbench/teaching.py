"""train: a model and a task by name, in one call."""

import difflib
import inspect
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from rnnbench import models, plugins
from rnnbench.training.fitting import drain, fit
from rnnbench.training.result import Result

#: Arguments of `fit` that `train` gives itself.
OWN = ("net", "task", "seed")


def train(
    model: Any = "elman", task: Any = "adding", seed: int = 0, *, budget: int | None = None, **options: Any
) -> Result:
    """Train a model on a task and return parameters, history and scores.

    Parameters
    ----------
    model, task : str or object
        Names (those of the files in `rnnbench/models`, `rnnbench/tasks` and `./rnnbench_plugins`), or a model
        and a task.
    seed : int
        Root of all random streams.
    budget : int, optional
        Number of parameters; the model's width is the one that comes nearest.
    **options
        Fields of the model, fields of the task and arguments of `rnnbench.fit`, each by its own name, such as
        ``hidden=16, length=20, updates=500``; a budget in place of `updates` is ``seconds=10`` or
        ``sequences=16000``. A field `loop` of the model is how it is trained. Where a task has a field of the
        same name as an argument of `fit`, as `sequences` of two tasks, it is the task's.

    Returns
    -------
    rnnbench.training.Result
        With network, parameters, history, outcome and scores.

    Raises
    ------
    ValueError
        An unknown name, or a value out of range.

    Examples
    --------
    >>> import rnnbench
    >>> result = rnnbench.train(model="elman", task="adding", seed=0, length=10, updates=5)
    >>> result.updates, result.outcome
    (5, 'finished')
    """
    given = dict(options)
    chosen_model = _make("model", model, plugins.models(), given)
    chosen_task = _make("task", task, plugins.tasks(), given)
    allowed = [name for name in inspect.signature(fit).parameters if name not in OWN]
    for name, value in given.items():
        if name not in allowed:
            raise ValueError(f"{name}={value}: {_unknown(name, chosen_model, chosen_task, allowed)}")
    if hasattr(chosen_model, "loop"):
        given["loop"] = chosen_model.loop
    sizes = chosen_task.n_in, chosen_task.n_out
    activation = chosen_task.output_activation
    if budget is not None:
        chosen_model = models.solve_width(chosen_model, *sizes, budget, activation).model
    return drain(fit(chosen_model.build(*sizes, activation), chosen_task, seed=seed, **given))


def _make(kind: str, choice: Any, classes: Mapping[str, type[Any]], options: dict[str, Any]) -> Any:
    """Return the object of a name, made with those options that are its fields; these are taken out."""
    if not isinstance(choice, str):
        return choice
    if choice not in classes:
        raise ValueError(
            f"{kind}={choice}: must be one of {', '.join(classes)}{_near(choice, list(classes))}"
        )
    names = {field.name for field in fields(classes[choice])}
    return classes[choice](**{name: options.pop(name) for name in list(options) if name in names})


def _unknown(name: str, model: Any, task: Any, allowed: list[str]) -> str:
    own = [field.name for thing in (model, task) for field in fields(thing)]
    text = f"is no field of {type(model).__name__} or {type(task).__name__} and no argument of fit"
    return text + _near(name, [*own, *allowed])


def _near(word: str, words: list[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean {near[0]}?" if near else ""

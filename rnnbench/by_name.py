"""`train`: a model and a task by name, in one call."""

import inspect
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from rnnbench import models, plugins
from rnnbench.base.arguments import choice
from rnnbench.base.suggestions import did_you_mean
from rnnbench.training.fitting import drain, fit
from rnnbench.training.result import Result

#: Arguments of `fit` that `train` sets itself.
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
        Number of parameters; the model gets the width that comes nearest to it.
    **options
        Fields of the model, fields of the task and arguments of `rnnbench.fit`, such as
        ``hidden=16, length=20, updates=500``. ``seconds=10`` or ``sequences=16000`` end the training instead
        of `updates`. A field `loop` of the model also sets how it is trained. Where a field of the task has
        the name of an argument of `fit` (`sequences` of two tasks), the field is set.

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
    of_fit = [name for name in inspect.signature(fit).parameters if name not in OWN]
    for name, value in given.items():
        if name not in of_fit:
            raise ValueError(f"{name}={value}: {_unknown(name, chosen_model, chosen_task, of_fit)}")
    if hasattr(chosen_model, "loop"):
        given["loop"] = chosen_model.loop
    sizes = chosen_task.n_in, chosen_task.n_out
    activation = chosen_task.output_activation
    if budget is not None:
        chosen_model = models.solve_width(chosen_model, *sizes, budget, activation).model
    return drain(fit(chosen_model.build(*sizes, activation), chosen_task, seed=seed, **given))


def _make(kind: str, name: Any, classes: Mapping[str, type[Any]], options: dict[str, Any]) -> Any:
    """Return the model or task of a name, made with the options that are its fields; removes these."""
    if not isinstance(name, str):
        return name
    cls = classes[choice(kind, name, classes)]
    names = {field.name for field in fields(cls)}
    return cls(**{option: options.pop(option) for option in list(options) if option in names})


def _unknown(name: str, model: Any, task: Any, of_fit: list[str]) -> str:
    own = {type(thing).__name__: [field.name for field in fields(thing)] for thing in (model, task)}
    near = did_you_mean(name, [*(word for words in own.values() for word in words), *of_fit])
    listed = "".join(f"{', '.join(words)} ({whose}), " for whose, words in own.items() if words)
    return f"unknown argument{near}\nallowed: {listed}and the arguments of rnnbench.fit"

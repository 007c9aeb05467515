"""How long a run will take, from runs that are stored."""

from collections.abc import Iterable

from rnnbench.config.configuration import Configuration
from rnnbench.store import Summary


def newest_of_each_size(seen: Iterable[Summary]) -> list[Summary]:
    """Return the newest timed run of each task, model and number of parameters."""
    timed = [s for s in seen if s.updates > 0 and s.seconds > 0]
    return list(
        {(s.task_label, s.model, s.parameters): s for s in sorted(timed, key=lambda s: s.ended)}.values()
    )


def seconds_of_a_run(configuration: Configuration, seen: Iterable[Summary]) -> float | None:
    """Estimate how long a run takes at most, from runs of the same task already seen.

    Parameters
    ----------
    configuration : Configuration
        What would be run.
    seen : iterable of Summary
        Runs of any study.

    Returns
    -------
    float or None
        The seconds per update of the run with the nearest number of parameters, of the same model where
        there is one, times all updates. Of a budget of seconds, these, and what evaluation and data added in
        that run. None where no run of this task was seen and the budget says nothing.
    """
    budget = configuration.train.seconds
    label, size = configuration.task.label, configuration.network.n_parameters
    alike = [s for s in seen if s.task_label == label and s.updates > 0 and s.seconds > 0]
    alike = [s for s in alike if s.model == configuration.model_name] or alike
    if not alike:
        return budget
    nearest = min(alike, key=lambda s: (abs(s.parameters - size), -s.ended))
    if budget is not None:
        return budget * nearest.seconds / (nearest.compiled_seconds or nearest.seconds)
    return configuration.updates * nearest.seconds / nearest.updates

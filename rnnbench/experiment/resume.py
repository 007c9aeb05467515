"""What of a plan the store holds already, and what is left to run."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rnnbench.experiment.configuration import Configuration
from rnnbench.experiment.execution import checkpoint_path
from rnnbench.experiment.identity import run_key
from rnnbench.experiment.plan import Plan
from rnnbench.experiment.provenance import sources
from rnnbench.tracking import State


class Outlook:
    """Every run of a plan, by its key: done, failed, or yet to be run.

    A run that two configurations have in common (a budget can give both the same width) belongs to the first.

    Parameters
    ----------
    plan : Plan
        What shall have been run in the end.
    states : mapping of str to State
        What the store holds of the study, by key.
    root : Path
        Folder of the store, below which checkpoints lie.
    resume : bool
        False: everything is to be run, whatever the store holds.

    Attributes
    ----------
    done : dict of str to State
        Runs that reached an outcome, "diverged" included.
    failed : set of str
        Runs that an error ended; they are run again.
    begun : set of str
        Runs of which there is a checkpoint; they go on from there.
    missing : set of str
        All others.
    of_other_settings : int
        Finished runs of the study that are none of the plan's, though of a model, a task and a seed that it
        tunes: they were tuned in another way.
    """

    def __init__(self, plan: Plan, states: Mapping[str, State], root: Path, resume: bool = True) -> None:
        self.done: dict[str, State] = {}
        self.failed: set[str] = set()
        self.begun: set[str] = set()
        self.missing: set[str] = set()
        self._known = bool(states) and resume
        self._keys: list[dict[int, str]] = []
        self._number = {id(c): n for n, c in enumerate(plan.configurations)}
        seen: set[str] = set()
        for configuration in plan.configurations:
            keys = {seed: run_key(configuration, seed) for seed in configuration.seeds}
            own = {seed: key for seed, key in keys.items() if key not in seen}
            seen.update(own.values())
            self._keys.append(own)
            for key in own.values():
                self._place(key, states.get(key) if resume else None, configuration.study, root, resume)
        tuned = [c for c in plan.configurations if c.tuning]
        same = {(c.model_name, c.task.label, seed) for c in tuned for seed in c.seeds}
        others = [s for key, s in states.items() if s.status == "finished" and key not in seen]
        self.of_other_settings = sum((s.model, s.task_label, s.seed) in same for s in others)

    def _place(self, key: str, state: State | None, study: str, root: Path, resume: bool) -> None:
        if state is not None and state.status == "finished":
            self.done[key] = state
        elif state is not None:
            self.failed.add(key)
        elif resume and checkpoint_path(root, study, key).exists():
            self.begun.add(key)
        else:
            self.missing.add(key)

    def left(self, configuration: Configuration) -> list[int]:
        """Return the seeds of a configuration that are to be run."""
        return [seed for seed, key in self._of(configuration).items() if key not in self.done]

    def stored(self, configuration: Configuration) -> dict[int, State]:
        """Return the runs of a configuration that are done, by seed."""
        own = self._of(configuration)
        return {seed: self.done[key] for seed, key in own.items() if key in self.done}

    def update(self, states: Mapping[str, State]) -> None:
        """Take note of runs that are done after all: another sweep has run them."""
        for group in (self.failed, self.begun, self.missing):
            for key in [key for key in group if key in states and states[key].status == "finished"]:
                group.remove(key)
                self.done[key] = states[key]

    def key(self, configuration: Configuration, seed: int) -> str:
        """Return the key of a run of the plan."""
        return self._keys[self._number[id(configuration)]][seed]

    @property
    def n_left(self) -> int:
        """Number of runs that are to be run."""
        return len(self.failed) + len(self.begun) + len(self.missing)

    @property
    def line(self) -> str:
        """What there is in one line, such as "812 done, 3 failed, 25 to run"; "" for a study that is new."""
        if not (self._known or self.begun):
            return ""
        more = f" ({_of_checkpoints(len(self.begun))})" if self.begun else ""
        failed = f"{len(self.failed):,} failed, " if self.failed else ""
        return f"{len(self.done):,} done, {failed}{len(self.begun) + len(self.missing):,} to run{more}"

    def _of(self, configuration: Configuration) -> dict[int, str]:
        return self._keys[self._number[id(configuration)]]


def edited(plan: Plan, outlook: Outlook) -> list[str]:
    """Return a line for each plugin whose file has changed since runs of its present VERSION are done.

    Parameters
    ----------
    plan : Plan
        Its models and tasks are the present ones.
    outlook : Outlook
        Knows what stored runs were made of.
    """
    counts: dict[str, int] = {}
    for configuration in plan.configurations:
        now = sources(configuration.model, configuration.task)
        for state in outlook.stored(configuration).values():
            for part, name in (("model", configuration.model_name), ("task", configuration.task_name)):
                before = state.sources.get(f"{part}_source")
                if before is not None and before != now.get(f"{part}_source"):
                    counts[f"{part} {name}"] = counts.get(f"{part} {name}", 0) + 1
    return [
        f"the file of {what} has changed since {count} of the runs that are done: raise its VERSION if they "
        "no longer hold, or run them again with resume=off"
        for what, count in counts.items()
    ]


def _of_checkpoints(count: int) -> str:
    return f"{count:,} from {'its checkpoint' if count == 1 else 'their checkpoints'}"


def newest_of_each_size(seen: Iterable[State]) -> list[State]:
    """Return the newest timed run of each task, model and number of parameters."""
    timed = [s for s in seen if s.updates > 0 and s.seconds > 0]
    return list(
        {(s.task_label, s.model, s.parameters): s for s in sorted(timed, key=lambda s: s.ended)}.values()
    )


def seconds_of_a_run(configuration: Configuration, seen: Iterable[State]) -> float | None:
    """Estimate how long a run takes at most, from runs of the same task already seen.

    Parameters
    ----------
    configuration : Configuration
        What would be run.
    seen : iterable of State
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

"""What of a plan has ended already, and what is left to run."""

from collections.abc import Mapping

from rnnbench.config.configuration import Configuration
from rnnbench.config.identity import run_key
from rnnbench.store import Study, Summary
from rnnbench.sweep.command import Command
from rnnbench.sweep.launchers.contract import PlannedRun
from rnnbench.sweep.plan import Plan
from rnnbench.sweep.provenance import sources


class Outlook:
    """Every run of a plan, by its key: done, failed, begun or missing.

    A run that two configurations have in common (a budget can give both the same width) belongs to the first.

    Parameters
    ----------
    plan : Plan
        What shall have been run in the end.
    study : Study
        Where its runs lie; need not exist.
    command : Command
        Decides which runs count as done.

    Attributes
    ----------
    done : dict of str to Summary
        Runs that are not run again.
    failed : set of str
        Runs that an error ended; they are run again.
    begun : set of str
        Runs of which there is a checkpoint; they go on from there.
    missing : set of str
        All others.
    left : list of PlannedRun
        What is to be run, in the order of the plan.
    others : int
        Finished runs of the study that are not in the plan, though of a model, a task and a seed that it
        tunes: they were tuned in another way.
    """

    def __init__(self, plan: Plan, study: Study, command: Command) -> None:
        found = study.summaries()
        self.done: dict[str, Summary] = {}
        self.failed: set[str] = set()
        self.begun: set[str] = set()
        self.missing: set[str] = set()
        self.left: list[PlannedRun] = []
        self._known = bool(found) and command.resume
        self._keys: dict[int, dict[int, str]] = {}
        seen: set[str] = set()
        for configuration in plan.configurations:
            keys = {seed: run_key(configuration, seed) for seed in configuration.seeds}
            own = {seed: key for seed, key in keys.items() if key not in seen}
            seen.update(own.values())
            self._keys[id(configuration)] = own
            for seed, key in own.items():
                self._place(key, found.get(key), study, command)
                if key not in self.done:
                    self.left.append(PlannedRun(configuration, seed, key))
        tuned = [c for c in plan.configurations if c.tuning]
        same = {(c.model_name, c.task.label, seed) for c in tuned for seed in c.seeds}
        others = [s for key, s in found.items() if s.finished and key not in seen]
        self.others = sum((s.model, s.task_label, s.seed) in same for s in others)

    def _place(self, key: str, summary: Summary | None, study: Study, command: Command) -> None:
        if summary is not None and command.has_ended(summary):
            self.done[key] = summary
        elif summary is not None and not summary.finished:
            self.failed.add(key)
        elif command.resume and study.has_checkpoint(key):
            self.begun.add(key)
        else:
            self.missing.add(key)

    def keys(self, configuration: Configuration) -> Mapping[int, str]:
        """Return the keys of a configuration's runs by seed, without those of an earlier configuration."""
        return self._keys[id(configuration)]

    def stored(self, configuration: Configuration) -> dict[int, Summary]:
        """Return the runs of a configuration that are done, by seed."""
        own = self.keys(configuration)
        return {seed: self.done[key] for seed, key in own.items() if key in self.done}

    def left_of(self, configuration: Configuration) -> set[str]:
        """Return the keys of a configuration's runs that are to be run."""
        return set(self.keys(configuration).values()) - self.done.keys()

    @property
    def line(self) -> str:
        """The counts in one line, such as "812 done, 3 failed, 25 to run"; "" for a study that is new."""
        if not (self._known or self.begun):
            return ""
        begun = (
            f"{len(self.begun):,} from {'its checkpoint' if len(self.begun) == 1 else 'their checkpoints'}"
        )
        failed = f"{len(self.failed):,} failed, " if self.failed else ""
        more = f" ({begun})" if self.begun else ""
        return f"{len(self.done):,} done, {failed}{len(self.begun) + len(self.missing):,} to run{more}"


def edited_plugins(plan: Plan, outlook: Outlook) -> list[str]:
    """Return a line for each plugin whose file has changed since runs of its present VERSION were made."""
    counts: dict[str, int] = {}
    for configuration in plan.configurations:
        now = sources(configuration.model, configuration.task)
        for summary in outlook.stored(configuration).values():
            for part, name in (("model", configuration.model_name), ("task", configuration.task_name)):
                before = summary.sources.get(f"{part}_source")
                if before is not None and before != now.get(f"{part}_source"):
                    counts[f"{part} {name}"] = counts.get(f"{part} {name}", 0) + 1
    return [
        f"the file of {what} has changed since {count} of the finished runs: raise its VERSION if they no "
        "longer hold, or run them again with resume=off"
        for what, count in counts.items()
    ]

"""Equal tuning: the same number of trials for every model on every task, chosen on validation data alone.

Which values are tried is the decision of Optuna's sampler, which is asked and told. What it is told comes
from runs like any other: each trial is a configuration of the study "<study>.tuning". The sampler is seeded
by `tune.seed`, model and task, is asked for rounds of a fixed size and told their results in a fixed order: a
sweep that is repeated asks for the same trials and finds their runs in the store.
"""

import hashlib
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rnnbench.base.refusals import Refused
from rnnbench.config.configuration import Configuration
from rnnbench.config.construction import with_values
from rnnbench.config.run_settings import tuning_seeds
from rnnbench.sweep.plan import Plan
from rnnbench.sweep.tuning.search_space import Dimension, search_space, written

if TYPE_CHECKING:
    import optuna

#: Trials of a model and task that are asked for at a time; the first round is random.
ROUND = 4
RULE = "highest median validation score over the tuning seeds, ties by the lower validation loss"
#: Outcomes after which a seed counts as the worst, whatever it scored before.
WORST = ("diverged", "failed")
#: For each configuration, for each of its seeds: "validation_score", "validation_loss", "outcome".
Run = Callable[[Sequence[Configuration]], Sequence[Sequence[Mapping[str, Any]]]]


@dataclass
class Trial:
    """One choice of values and what came of it.

    Attributes
    ----------
    values : dict
        By key.
    configuration : Configuration or None
        What is run; None where these values make no network that can be run.
    reason : str
        Why there is none.
    score, loss : float
        Medians over the tuning seeds; the worst there is until the trial has ended well.
    """

    values: dict[str, Any]
    configuration: Configuration | None
    reason: str = ""
    score: float = -math.inf
    loss: float = math.inf
    asked: Any = field(default=None, repr=False)

    def judge(self, seeds: Sequence[Mapping[str, Any]]) -> None:
        """Take the medians over the seeds, of which one that diverged or failed is the worst."""
        ended = [{} if seed.get("outcome") in WORST else seed for seed in seeds]
        self.score = statistics.median(_finite(seed.get("validation_score"), -math.inf) for seed in ended)
        self.loss = statistics.median(_finite(seed.get("validation_loss"), math.inf) for seed in ended)


class Search:
    """The trials of one configuration.

    Parameters
    ----------
    configuration : Configuration
        With `tune.trials` above 0. Its own values are the first trial, as far as they lie in the space.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.space = search_space(configuration)
        self.trials: list[Trial] = []
        self._study = _study(configuration)
        own = {key: written(configuration, key) for key in self.space}
        self._own = {key: value for key, value in own.items() if self.space[key].holds(value)}
        self._study.enqueue_trial({key: self.space[key].encoded(own[key]) for key in self._own})

    def ask(self, count: int) -> list[Trial]:
        """Return the next trials, at most `count`, as many as are left."""
        distributions = {key: _distribution(dimension) for key, dimension in self.space.items()}
        left = self.configuration.tune.trials - len(self.trials)
        return [self._trial(self._study.ask(distributions)) for _ in range(min(count, left))]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tell the sampler the scores of trials, in the order in which they were asked for."""
        for trial in trials:
            self._study.tell(trial.asked, trial.score)

    def chosen(self) -> Configuration:
        """Return the configuration with the values of the best trial, and `tuning`, which says how."""
        best = min(self.trials, key=lambda trial: (-trial.score, trial.loss))
        if best.score == -math.inf:
            # Nothing can be chosen: it is run as it was written, and its records say so.
            return replace(self.configuration, tuning=self._account(None))
        return replace(with_values(self.configuration, best.values), tuning=self._account(best))

    def _trial(self, asked: "optuna.Trial") -> Trial:
        values = {key: dimension.decoded(asked.params[key]) for key, dimension in self.space.items()}
        if not self.trials:
            values |= self._own
        try:
            trial = Trial(values, _trial_of(self.configuration, values), asked=asked)
        except Refused as refused:
            trial = Trial(values, None, str(refused).splitlines()[0], asked=asked)
        self.trials.append(trial)
        return trial

    def _account(self, best: Trial | None) -> dict[str, Any]:
        """Return how the values were found, as plain data for every record."""
        tune, train = self.configuration.tune, self.configuration.train
        return {
            "study": tuning_study(self.configuration),
            "trials": len(self.trials),
            "seeds": list(tuning_seeds(tune)),
            # A budget of seconds has no number of updates.
            "updates": tune.updates or (None if train.seconds is not None else self.configuration.updates),
            "sampler": tune.sampler,
            "sampler_seed": tune.seed,
            "rule": RULE,
            "space": {key: dimension.plain() for key, dimension in self.space.items()},
            "chosen": {} if best is None else best.values,
            "chosen_trial": None if best is None else self.trials.index(best),
            "validation_score": None if best is None else best.score,
            "impossible": [
                {"values": trial.values, "reason": trial.reason} for trial in self.trials if trial.reason
            ],
        }


def tuned(plan: Plan, run: Run) -> Plan:
    """Return the plan with the values that tuning chose for each configuration.

    Every configuration with `tune.trials` above 0 gets so many trials over the search space of its model,
    with the same tuning seeds and updates; with a budget, the width is solved for each trial. What has the
    best median validation score is taken. Test data have no part in it.

    Parameters
    ----------
    plan : Plan
        From `plan.check`, which has checked the search spaces; it is not changed.
    run : callable
        Runs configurations, each marked `trial`, or finds their runs in a store. Some may be equal.

    Returns
    -------
    Plan
        Its configurations in the same order. Their runs have the keys that they would have if the chosen
        values had been written.
    """
    searches = [Search(c) if c.tune.trials else None for c in plan.configurations]
    asked = [search for search in searches if search is not None]
    while any(len(search.trials) < search.configuration.tune.trials for search in asked):
        rounds = [search.ask(ROUND) for search in asked]
        possible = [(t, t.configuration) for trials in rounds for t in trials if t.configuration]
        for (trial, _), seeds in zip(possible, run([c for _, c in possible]), strict=True):
            trial.judge(seeds)
        for search, trials in zip(asked, rounds, strict=True):
            search.tell(trials)
    pairs = zip(searches, plan.configurations, strict=True)
    return replace(plan, configurations=[search.chosen() if search else c for search, c in pairs])


def tuning_study(configuration: Configuration) -> str:
    """Return the study in which the trials of a configuration are kept."""
    return f"{configuration.study}.tuning"


def _trial_of(configuration: Configuration, values: Mapping[str, Any]) -> Configuration:
    tune = configuration.tune
    length = {"train.updates": tune.updates, "train.sequences": None, "train.seconds": None}
    # At other spans they would be tried on test data.
    unwatched = {"seeds": list(tuning_seeds(tune)), "diagnostics": False, "evaluate.spans": None}
    trial = with_values(configuration, {**values, **(length if tune.updates else {}), **unwatched})
    return replace(trial, study=tuning_study(configuration), trial=True)


def _study(configuration: Configuration) -> "optuna.Study":
    """Return Optuna's side of a search, in memory: the runs are in the store."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    task = [configuration.task_name, asdict(configuration.task)]
    text = json.dumps([configuration.tune.seed, configuration.model_name, task], sort_keys=True, default=str)
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    sampler: optuna.samplers.BaseSampler = (
        optuna.samplers.RandomSampler(seed)
        if configuration.tune.sampler == "random"
        else optuna.samplers.TPESampler(seed=seed, n_startup_trials=ROUND)
    )
    return optuna.create_study(direction="maximize", sampler=sampler)


def _distribution(dimension: Dimension) -> "optuna.distributions.BaseDistribution":
    from optuna import distributions

    if dimension.kind == "choice":
        # Of places, since values may be of any kind, lists too.
        return distributions.CategoricalDistribution(range(len(dimension.values)))
    low, high = dimension.values
    log = dimension.kind.startswith("log")
    if dimension.kind.endswith("int"):
        return distributions.IntDistribution(low, high, log=log)
    return distributions.FloatDistribution(low, high, log=log)


def _finite(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else otherwise

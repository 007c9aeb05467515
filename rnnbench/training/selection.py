"""Which parameters of a training are reported: the best on validation data, the last, the first to solve."""

import math
from collections.abc import Mapping
from typing import Any

from rnnbench.network import Parameters
from rnnbench.training.checkpoint import overwrite
from rnnbench.training.evaluation import Evaluation

RULES = ("best_validation", "last", "first_solved")


class Selection:
    """A copy of the parameters that would be reported if training ended now.

    Parameters
    ----------
    rule : str
        "best_validation": those of the evaluation of smallest loss, the earliest of equals. "last": those of
        the last evaluation. "first_solved": those of the first one that met the criterion, and until then as
        "best_validation".
    params : Parameters
        The initial parameters, which are reported where no evaluation is chosen.

    Attributes
    ----------
    params : Parameters
        The chosen ones.
    at : int
        The update after which they were evaluated; 0 where no evaluation is chosen.
    loss : float
        Their validation loss; infinite where no evaluation is chosen.
    score : float or None
        Their validation score; None where no evaluation is chosen.
    """

    def __init__(self, rule: str, params: Parameters) -> None:
        self.rule, self.params = rule, params.copy()
        self.at, self.loss, self.settled = 0, math.inf, False
        self.score: float | None = None

    def look(self, update: int, params: Parameters, evaluation: Evaluation) -> None:
        """Copy the parameters if the rule prefers them to the previous choice."""
        if not self._preferred(evaluation):
            return
        self.params.vector[:] = params.vector
        self.at, self.loss, self.score = update, evaluation.loss, evaluation.score

    def _preferred(self, evaluation: Evaluation) -> bool:
        if self.rule == "last":
            return True
        if self.rule == "first_solved":
            if self.settled:
                return False
            self.settled = evaluation.solved
        # A loss that is NaN is never smaller.
        return self.settled or evaluation.loss < self.loss

    def state(self) -> dict[str, Any]:
        """Return everything that later choices depend on."""
        return {"vector": self.params.vector} | {name: getattr(self, name) for name in _FACTS}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        overwrite(self.params.vector, state["vector"])
        for name in _FACTS:
            setattr(self, name, state[name])


_FACTS = ("at", "loss", "score", "settled")

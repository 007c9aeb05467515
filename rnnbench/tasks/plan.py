"""Jordan's serial order: a plan that stays the same is turned into a sequence of actions."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnbench.tasks.contract import Array, Batch, Floor, Task, accuracy, best_constant_loss, outputs, scored


@dataclass
class Plan(Task):
    """Produce a given sequence of actions for each of several plans.

    One to many. The input is the number of the plan, as an index, the same at every step: it names the
    sequence, not the position in it. The label at step t is the t-th action of the plan's sequence (cross
    entropy);
    actions are letters, numbered in alphabetical order. All plans, one sequence each, are training,
    validation and test: they are learned by heart, and the score measures that. The position follows from the
    actions so far:
    an action that is followed now by one, now by another needs more than the last output.

    Score: accuracy over all steps, in closed loop (the network reads what it did itself). Solved: every
    action of every plan right. Further score ``exact``: share of the plans whose whole sequence is right.

    Parameters
    ----------
    sequences : list of str, or str
        The sequence of each plan, a letter for each action; a string may hold several with commas between.
        They may differ in length.

    Examples
    --------
    ``sequences=[abac,cb]``: x = 0 0 0 0 and 1 1, labels = 0 1 0 2 and 2 1.

    Notes
    -----
    The exact sequences, sizes and learning rates of the report are not known to us; the sequences here are
    ours. In each, some action has different successors: the last action alone does not tell the next, which
    is why Jordan's state units average over all past ones. Jordan trained with teacher forcing, which is the
    open loop here. The report's plans are any vectors, ours are one-hot; its targets may leave an action
    open, ours do not.

    References
    ----------
    Jordan (1986), "Serial order: a parallel distributed processing approach", ICS Report 8604, University of
    California, San Diego; reprinted 1997 in "Neural-network models of cognition". Lecture notes "Recurrent
    neural networks": "input is constant (called a plan)".
    """

    sequences: Any = ("abacabad", "dabacaba", "aabbccdd", "adbacbdc")

    def __post_init__(self) -> None:
        """Check the sequences."""
        self.sequences = _texts(self.sequences)
        if len(self.actions) < 2:
            raise ValueError(f"task.sequences={self.sequences}: must have at least two different actions")

    @property
    def label(self) -> str:
        """Number of plans and of actions."""
        return f"plan {len(self.sequences)}x{max(map(len, self.sequences))} {len(self.actions)} actions"

    @property
    def actions(self) -> list[str]:
        """The letters of all sequences, sorted: action k is output k."""
        return sorted(set("".join(self.sequences)))

    @property
    def n_in(self) -> int:
        """Number of plans."""
        return len(self.sequences)

    @property
    def n_out(self) -> int:
        """Number of actions."""
        return len(self.actions)

    @property
    def loss(self) -> str:
        """Cross entropy."""
        return "cross_entropy"

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Return the sequences of all plans, whatever the size asked for."""
        lengths = np.array([len(text) for text in self.sequences], np.int64)
        inside = np.arange(lengths.max())[:, None] < lengths
        target = np.zeros(inside.shape, np.int64)
        target.T[inside.T] = [self.actions.index(letter) for letter in "".join(self.sequences)]
        x = inside * np.arange(len(lengths))
        ragged = lengths if np.ptp(lengths) else None
        return Batch(np.ascontiguousarray(x, np.int64), target, inside.astype(np.float32), ragged)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Return the sequences of all plans."""
        return self.training(rng, 1)

    def test(self, rng: np.random.Generator) -> Batch:
        """Return the sequences of all plans."""
        return self.training(rng, 1)

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether every action is right."""
        return self.score(y, batch) == 1.0

    def extra_scores(self, net: Any, params: Any, batch: Batch) -> dict[str, float]:
        """``exact``: share of the plans whose sequence is right from the first action to the last."""
        y = outputs(net, params, batch)
        right = np.isfinite(y).all(axis=2) & (y.argmax(axis=2) == batch.target)
        return {"exact": float((right | ~scored(batch)).all(axis=0).mean())}

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return floors counted on the sequences."""
        batch = self.test(rng)
        steps = scored(batch)
        plan, target = batch.x[steps], batch.target[steps]
        before = np.concatenate([np.full((1, steps.shape[1]), self.n_out), batch.target[:-1]])[steps]
        constant = accuracy(np.broadcast_to(np.bincount(target), (*steps.shape, self.n_out)), batch)
        return [
            Floor(
                "best constant",
                constant,
                best_constant_loss(batch, self.loss),
                "both",
                "the most frequent action; loss: frequencies of actions",
            ),
            Floor("chance", 1.0 / self.n_out, math.log(self.n_out), "both", "all actions equally likely"),
            Floor(
                "no memory",
                *_table(plan, target),
                "both",
                "the most frequent action of each plan: all that an input that never changes can tell",
            ),
            Floor(
                "last action alone",
                *_table(plan * (self.n_out + 1) + before, target),
                "open",
                "the best table from the plan and the true last action to the next",
            ),
            Floor("oracle", 1.0, 0.0, "both", "knows the sequences"),
        ]


def _table(case: Array, target: Array) -> tuple[float, float]:
    """Accuracy and cross entropy of the best table from a case (N,) to the label (N,)."""
    counts = np.zeros((int(case.max()) + 1, int(target.max()) + 1))
    np.add.at(counts, (case, target), 1.0)
    share = counts[case, target] / counts[case].sum(axis=1)
    return float(counts.max(axis=1).sum() / len(target)), abs(float(-np.log(share).mean()))


def _texts(value: Any) -> tuple[str, ...]:
    """Sequences from a list or from a string with commas."""
    parts = value.split(",") if isinstance(value, str) else value
    given = list(parts) if isinstance(parts, Iterable) else []
    texts = tuple(part.strip() for part in given if isinstance(part, str))
    if not texts or len(texts) < len(given) or not all(texts):
        raise ValueError(f"task.sequences={value}: must be words, one for each plan, such as [abac,cb]")
    return texts

"""The adding problem: remember two marked numbers, return their sum at the end."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rnnbench.tasks.contract import (
    Array,
    Batch,
    Floor,
    Task,
    choice,
    outputs,
    relative_score,
    scored,
    whole_number,
)


class _Variant(NamedTuple):
    """One paper's definition; see the table in the docstring of ``Adding``."""

    low: float
    shift: float
    scale: float
    lengths: str
    ends_marked: bool
    value_channel: int
    tolerance: float
    wrong_allowed: float | None
    shortest: int


VARIANTS = {
    "arjovsky2016": _Variant(0.0, 0.0, 1.0, "fixed", False, 0, 0.04, None, 2),
    "hochreiter1997": _Variant(-1.0, 0.5, 0.25, "each", True, 0, 0.04, 0.0, 20),
    "sutskever2013": _Variant(0.0, 0.0, 0.5, "each", False, 0, 0.04, 0.01, 10),
    "pascanu2013": _Variant(0.0, 0.0, 0.5, "batch", False, 1, 0.2, 0.01, 10),
    "bai2018": _Variant(0.0, 0.0, 1.0, "fixed", False, 0, 0.04, None, 2),
}


@dataclass
class Adding(Task):
    """Sum of the two marked numbers, asked for at the last step.

    At each step t the input is a pair (value v_t, marker m_t). Two steps i, j carry the marker 1. With
    v_t uniform on [low, 1), the target is ``shift + scale * (v_i + v_j)`` at the last step; no other step is
    scored. Five papers mean five tasks by this name, and their errors are not comparable:

    ============== ======= ====== ===== ====================== ================= ==========================
    variant        low     shift  scale steps i; j             sequence length L solved when
    ============== ======= ====== ===== ====================== ================= ==========================
    arjovsky2016   0       0      1     half 1; half 2         T                 score > 0.95 (ours)
    hochreiter1997 -1      0.5    1/4   first 10; see below    T..T+T/10, each   all: error < 0.04
    sutskever2013  0       0      1/2   [0,L/10); [L/10,L/2)   T..T+T/10, each   < 1 % wrong: error > 0.04
    pascanu2013    0       0      1/2   [0,L/10); [L/10,L/2)   T..1.1T-1, batch  < 1 % wrong: error**2 > 0.04
    bai2018        0       0      1     any two different      T                 score > 0.95 (ours)
    ============== ======= ====== ===== ====================== ================= ==========================

    "each": every sequence has a length of its own; "batch": one length per batch. Shorter sequences end early
    (``lengths``) and are zero beyond. Steps count from 0. ``hochreiter1997`` takes j from the first T/2 - 1
    steps that are not i, puts the marker -1 on the first and the last step, and where the first step is one
    of the two chosen, its value is 0 and its marker stays -1. ``pascanu2013`` has the marker in channel 0,
    the value in 1.

    The best constant has a mean squared error of 1/6 (target a sum) or 1/24 (a mean): any error near that
    says that nothing was learned. It is "correct" in 7.8 % (sums), 15.4 % (``sutskever2013``) and 64 %
    (``pascanu2013``, whose criterion squares the error) of the sequences.

    Parameters
    ----------
    length : int
        T, the (shortest) number of steps.
    variant : str
        One of the papers above.
    validation_size, test_size : int
        Number of sequences drawn.

    Examples
    --------
    T = 4, ``arjovsky2016``: values 0.2 0.7 0.5 0.1, markers 0 1 0 1 -> target 0.7 + 0.1 = 0.8 at step 3.

    Notes
    -----
    Differs from the papers: sequences are fresh for each update (Arjovsky and Bai reuse 100,000 and 50,000).
    Hochreiter & Schmidhuber stop when the last 2,000 training sequences are correct and the mean error is
    below 0.01; here all validation sequences must be correct. Arjovsky et al. and Bai et al. show error
    curves and state no criterion; 0.95 is ours. Sutskever's two ranges meet at L/10, here that step belongs
    to the second, so that i != j. The often quoted 0.1767 for the best constant of a sum is wrong, 2/12 is
    right.

    References
    ----------
    Arjovsky, Shah & Bengio (2016), "Unitary evolution recurrent neural networks", section 4 (adding problem).
    Hochreiter & Schmidhuber (1997), "Long short-term memory", experiment 4. Sutskever (2013), thesis, section
    4.4. Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks", and its
    code. Bai, Kolter & Koltun (2018), "An empirical evaluation of generic convolutional and recurrent
    networks".
    """

    SPAN: ClassVar[str] = "length"

    length: int = 50
    variant: str = "arjovsky2016"
    validation_size: int = 512
    test_size: int = 2560

    def __post_init__(self) -> None:
        """Check the ranges."""
        choice("task.variant", self.variant, list(VARIANTS))
        whole_number("task.length", self.length, VARIANTS[self.variant].shortest)
        whole_number("task.validation_size", self.validation_size, 1)
        whole_number("task.test_size", self.test_size, 1)

    @property
    def label(self) -> str:
        """Length, and the variant when it is not the default."""
        return f"{self.name} T={self.length}" + ("" if self.variant == "arjovsky2016" else f" {self.variant}")

    @property
    def n_in(self) -> int:
        """Value and marker."""
        return 2

    @property
    def n_out(self) -> int:
        """The sum."""
        return 1

    @property
    def open_loop(self) -> bool:
        """Only the last step has a target: nothing to feed back."""
        return False

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` fresh sequences."""
        paper = VARIANTS[self.variant]
        steps, column = max(self._possible_lengths()), np.arange(size)
        lengths = self._lengths(rng, size)
        last = lengths - 1
        x = np.zeros((steps, size, 2), dtype=np.float32)
        value, marker = x[:, :, paper.value_channel], x[:, :, 1 - paper.value_channel]
        value[...] = rng.random((steps, size), dtype=np.float32)
        if paper.low != 0.0:
            value *= 1.0 - paper.low
            value += paper.low
        first, second = self._places(rng, lengths)
        marker[first, column] = 1.0
        marker[second, column] = 1.0
        if paper.ends_marked:
            value[0, (first == 0) | (second == 0)] = 0.0
            marker[0] = -1.0
            marker[last, column] = -1.0
        target, weight = np.zeros((steps, size, 1), np.float32), np.zeros((steps, size), np.float32)
        target[last, column, 0] = paper.shift + paper.scale * (value[first, column] + value[second, column])
        weight[last, column] = 1.0
        if paper.lengths == "fixed":
            return Batch(x, target, weight, None)
        x *= (np.arange(steps)[:, None] < lengths)[:, :, None]
        return Batch(x, target, weight, lengths)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Draw ``validation_size`` sequences."""
        return self.training(rng, self.validation_size)

    def test(self, rng: np.random.Generator) -> Batch:
        """Draw ``test_size`` sequences."""
        return self.training(rng, self.test_size)

    def share_correct(self, y: Array, batch: Batch) -> float:
        """Share of the sequences whose error at the last step is below the paper's tolerance."""
        return float(self._correct(y, batch).mean())

    def solved(self, y: Array, batch: Batch) -> bool:
        """Apply the paper's own criterion; where it states none, score > 0.95."""
        allowed = VARIANTS[self.variant].wrong_allowed
        if allowed is None:
            return self.score(y, batch) > 0.95
        correct = self._correct(y, batch)
        return bool(correct.all() or (~correct).mean() < allowed)

    def extra_scores(self, net: Any, params: Any, batch: Batch) -> dict[str, float]:
        """``correct``: the share of sequences within the paper's tolerance."""
        return {"correct": self.share_correct(outputs(net, params, batch), batch)}

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return the exact figures of this variant and length; nothing is drawn.

        The variance of the target is ``(scale sigma)**2 sum_t p_t``, p_t being the probability that step t is
        marked. A linear model removes ``(scale sigma)**2 sum_t p_t**2`` of it, since markers and target are
        uncorrelated; a model of the last steps only removes the share of the marks that it sees.
        """
        paper = VARIANTS[self.variant]
        unit = paper.scale**2 * (1.0 - paper.low) ** 2 / 12.0
        constant = linear = half = 0.0
        lengths = self._possible_lengths()
        for steps in lengths:
            p = self._marked(steps)
            constant += unit * float(p.sum()) / len(lengths)
            linear += unit * float((p - p**2).sum()) / len(lengths)
            half += unit * float(p[: steps - steps // 2].sum()) / len(lengths)
        return [
            Floor("best constant", 0.0, constant, "closed", "variance of the target, exact"),
            Floor(
                "linear model of all steps",
                relative_score(linear, constant),
                linear,
                "closed",
                "exact least squares for each length: step t removes (scale sigma p_t)**2",
            ),
            Floor(
                "any model of the last half",
                relative_score(half, constant),
                half,
                "closed",
                "exact: variance of the marked numbers that lie before the last T/2 steps",
            ),
            Floor("oracle", 1.0, 0.0, "closed", "adds the marked numbers"),
        ]

    def _correct(self, y: Array, batch: Batch) -> Array:
        steps = scored(batch)
        error = np.abs(y[steps].astype(np.float64) - batch.target[steps])
        return np.asarray(error < VARIANTS[self.variant].tolerance)

    def _possible_lengths(self) -> range:
        tenth = self.length // 10
        kind = VARIANTS[self.variant].lengths
        longest = {"fixed": self.length, "each": self.length + tenth, "batch": self.length + tenth - 1}[kind]
        return range(self.length, longest + 1)

    def _lengths(self, rng: np.random.Generator, size: int) -> Array:
        possible = self._possible_lengths()
        if VARIANTS[self.variant].lengths == "each":
            return rng.integers(possible.start, possible.stop, size)
        if VARIANTS[self.variant].lengths == "batch":
            return np.full(size, rng.integers(possible.start, possible.stop))
        return np.full(size, self.length)

    def _ranges(self, steps: Any) -> tuple[Any, Any, Any, bool]:
        """Where marks may lie: first in [0, a), second in [b, c); True: the second skips the first."""
        if self.variant == "arjovsky2016":
            return steps // 2, steps // 2, steps, False
        if self.variant == "bai2018":
            return steps, 0, steps - 1, True
        if self.variant == "hochreiter1997":
            return 10, 0, self.length // 2 - 1, True
        return steps // 10, steps // 10, steps // 2, False

    def _places(self, rng: np.random.Generator, lengths: Array) -> tuple[Array, Array]:
        """Draw the two marked steps of each sequence."""
        if VARIANTS[self.variant].lengths != "each":  # NumPy draws faster between scalar limits
            first_stop, start, stop, skip = self._ranges(int(lengths[0]))
        else:
            first_stop, start, stop, skip = self._ranges(lengths)
        first = rng.integers(0, first_stop, len(lengths))
        second = rng.integers(start, stop, len(lengths))
        if skip:
            second += second >= first
        return first, second

    def _marked(self, steps: int) -> Array:
        """Probability (steps,) that a step's number is part of the sum, for sequences of so many steps."""
        first_stop, start, stop, skip = self._ranges(steps)
        t = np.arange(steps)
        first = (t < first_stop) / first_stop
        second = ((t >= start) & (t < stop)) / (stop - start)
        if skip:
            earlier = np.cumsum(first) - first
            moved = np.concatenate([[0.0], second[:-1]])
            second = earlier * moved + (1.0 - earlier - first) * second
        p: Array = first + second
        if VARIANTS[self.variant].ends_marked:
            p[0] = 0.0
        return p

"""The latching problem: keep one bit, given at the start, through noise."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rnnbench.tasks.contract import Array, Batch, Floor, Task, choice, number, scored, whole_number

#: Noise of each paper: variance of a Gaussian, half-width of a uniform distribution.
NOISE = {"bengio1994": 0.2, "lin1996": 0.155}


@dataclass
class Latch(Task):
    """Output, at the end, which of two classes the first steps belonged to.

    The class c is -1 or +1 with equal probability. Only the first ``cue`` steps depend on it, noise follows:

    - ``bengio1994``: one input, ``x_t = c`` for t < cue, then Gaussian noise of mean 0 and *variance* 0.2;
    - ``lin1996``: three inputs (u1, u2, e): u1 = 1 (class +1) or u2 = 1 (class -1) at step 0, both 0 after;
      e = 0 for t < cue, then uniform on (-0.155, 0.155).

    The target is 0.8 c at the last step (mean squared error), no other step is scored. Score: share of
    sequences whose output has the sign of c. Solved: all of them, the rule of Lin et al. for a successful
    run.

    Parameters
    ----------
    length : int
        T, number of steps.
    variant : str
        "bengio1994" or "lin1996".
    cue : int
        L, number of steps before the noise; the papers have 3.
    noise : float, optional
        Variance ("bengio1994") or half-width ("lin1996") of the noise; the paper's when left out.
    validation_size, test_size : int
        Number of sequences drawn.

    Examples
    --------
    ``bengio1994``, T = 6: x = -1 -1 -1 0.31 -0.52 0.07 -> target -0.8 at step 5.

    Notes
    -----
    Differs from the papers: in both, what the network receives during the first L steps is itself trained,
    one free number per class and step, which no data can express. ``bengio1994`` gives c itself (the
    fixed-input form of Schmidhuber et al.); with ``lin1996``, input taps of lag 0..L-1 restore the free
    numbers exactly. Both papers train one tanh unit that is the output; here the output box is linear and any
    network may be used. Sequences are fresh for each update instead of a fixed set (30 per class in Lin et
    al.). The variance 0.2 is often misread as a standard deviation, which is much easier.

    Easier than it looks: guessing weights at random solves the original within some tens of trials
    (Schmidhuber et al.), and adding up all inputs gets most of the short ``bengio1994`` sequences right.

    References
    ----------
    Bengio, Simard & Frasconi (1994), "Learning long-term dependencies with gradient descent is difficult".
    Lin, Horne, Tino & Giles (1996), "Learning long-term dependencies in NARX recurrent neural networks", the
    latching problem. Schmidhuber, Hochreiter & Bengio (2001), "Evaluating benchmark problems by random
    guessing".
    """

    SPAN: ClassVar[str] = "length"

    length: int = 20
    variant: str = "bengio1994"
    cue: int = 3
    noise: float | None = None
    validation_size: int = 512
    test_size: int = 2560

    def __post_init__(self) -> None:
        """Check the ranges."""
        choice("task.variant", self.variant, list(NOISE))
        whole_number("task.cue", self.cue, 1)
        whole_number("task.length", self.length, self.cue + 1)
        if self.noise is not None:
            number("task.noise", self.noise, 0.0)
        whole_number("task.validation_size", self.validation_size, 1)
        whole_number("task.test_size", self.test_size, 1)

    @property
    def label(self) -> str:
        """Length, and the variant when it is not the default."""
        return f"{self.name} T={self.length}" + ("" if self.variant == "bengio1994" else f" {self.variant}")

    @property
    def n_in(self) -> int:
        """One line, or a line for each class and one of noise."""
        return 1 if self.variant == "bengio1994" else 3

    @property
    def n_out(self) -> int:
        """One number whose sign is the class."""
        return 1

    @property
    def open_loop(self) -> bool:
        """Only the last step has a target: nothing to feed back."""
        return False

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` fresh sequences."""
        noise = NOISE[self.variant] if self.noise is None else self.noise
        steps = self.length
        label = rng.integers(0, 2, size)
        c = (2 * label - 1).astype(np.float32)
        x = np.zeros((steps, size, self.n_in), np.float32)
        noisy = x[self.cue :, :, -1]
        if self.variant == "bengio1994":
            x[: self.cue, :, 0] = c
            noisy[...] = math.sqrt(noise) * rng.standard_normal(noisy.shape, dtype=np.float32)
        else:
            x[0, np.arange(size), 1 - label] = 1.0
            noisy[...] = noise * (2.0 * rng.random(noisy.shape, dtype=np.float32) - 1.0)
        target, weight = np.zeros((steps, size, 1), np.float32), np.zeros((steps, size), np.float32)
        target[-1, :, 0] = 0.8 * c
        weight[-1] = 1.0
        return Batch(x, target, weight, None)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Draw ``validation_size`` sequences."""
        return self.training(rng, self.validation_size)

    def test(self, rng: np.random.Generator) -> Batch:
        """Draw ``test_size`` sequences."""
        return self.training(rng, self.test_size)

    def score(self, y: Array, batch: Batch) -> float:
        """Share of the sequences whose output has the sign of the class."""
        steps = scored(batch)
        return float((y[steps] * batch.target[steps] > 0.0).mean())

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether every sequence is classified correctly."""
        return self.score(y, batch) == 1.0

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return exact figures; nothing is drawn."""
        summed = 1.0
        if self.variant == "bengio1994":
            noise = NOISE[self.variant] if self.noise is None else self.noise
            spread = math.sqrt((self.length - self.cue) * noise)
            summed = 0.5 * (1.0 + math.erf(self.cue / (spread * math.sqrt(2.0)))) if spread else 1.0
        return [
            Floor("chance", 0.5, 0.64, "closed", "two equally likely classes; also the best constant"),
            Floor(
                "sum of all inputs",
                summed,
                None,
                "closed",
                "Phi(L / sqrt((T - L) variance)); 1 without noise on it",
            ),
            Floor("linear model of all steps", 1.0, 0.0, "closed", "reads the cue where it stands, exact"),
            Floor("oracle", 1.0, 0.0, "closed", "remembers the cue"),
        ]

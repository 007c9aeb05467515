"""The character model of the lecture notes: learn to spell "hello"."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnbench.tasks.characters import as_symbols, as_text
from rnnbench.tasks.contract import Array, Batch, Floor, Task, accuracy, best_constant_loss

#: Seeds of the words that are written for the report.
SAMPLE_SEEDS = (0, 1)


@dataclass
class Hello(Task):
    """Predict the next character of one word.

    The vocabulary holds the characters of the word in the order of their first appearance, h, e, l, o. Step t
    shows character t as an index and asks for character t + 1 (cross entropy, softmax). The one sequence is
    training, validation and test: this is spelling by heart, and the score says so. After an l comes l or o:
    only a memory can tell.

    Score: accuracy. Solved: every character right. Further score ``word``: 1 when the network, given the
    first character and then its own most likely characters, writes the whole word. ``spell`` returns what it
    writes.

    A network that reads the future is refused: the input of step t + 1 is the target of step t.

    Parameters
    ----------
    word : str
        Two or more different characters.

    Examples
    --------
    x = 0 1 2 2 (h e l l), labels = 1 2 2 3 (e l l o).

    References
    ----------
    Lecture notes "Recurrent neural networks", example of language modelling: training sequence "hello",
    vocabulary [h, e, l, o]. It goes back to Karpathy (2015), "The unreasonable effectiveness of recurrent
    neural networks".
    """

    word: str = "hello"

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not isinstance(self.word, str) or len(set(self.word)) < 2:
            raise ValueError(f"task.word={self.word!r}: must have at least two different characters")

    @property
    def label(self) -> str:
        """The word when it is another."""
        return "hello" if self.word == "hello" else f"hello ({self.word})"

    @property
    def vocabulary(self) -> list[str]:
        """Characters in the order of their index."""
        return list(dict.fromkeys(self.word))

    @property
    def n_in(self) -> int:
        """Size of the vocabulary."""
        return len(self.vocabulary)

    @property
    def n_out(self) -> int:
        """Size of the vocabulary."""
        return len(self.vocabulary)

    @property
    def loss(self) -> str:
        """Cross entropy."""
        return "cross_entropy"

    @property
    def causal_only(self) -> bool:
        """The input one step later is the target."""
        return True

    def columns(self) -> dict[str, Any]:
        """Return symbols and labels, the alphabet, and the first character of the word."""
        return super().columns() | {"alphabet": "".join(self.vocabulary), "start": self.word[0]}

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Return the word, one sequence, whatever the size asked for."""
        index = as_symbols(self.word, "".join(self.vocabulary))
        return Batch(index[:-1].copy(), index[1:].copy(), np.ones((len(index) - 1, 1), np.float32), None)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Return the word."""
        return self.training(rng, 1)

    def test(self, rng: np.random.Generator) -> Batch:
        """Return the word."""
        return self.training(rng, 1)

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether every next character is the most likely one."""
        return self.score(y, batch) == 1.0

    def spell(self, net: Any, params: Any, rng: np.random.Generator | None = None) -> str:
        """Let a network write as many characters as the word has, its first one given.

        Parameters
        ----------
        net, params : Network, Parameters
            A trained network.
        rng : numpy.random.Generator, optional
            Draws each character from the probabilities; without it the most likely one is taken.
        """
        feed = "argmax" if rng is None else "sample"
        written = net.generate(params, np.zeros((1, 1), np.int64), len(self.word) - 1, feed, rng)
        return self.word[0] + as_text(written, "".join(self.vocabulary))

    def extra_scores(self, net: Any, params: Any, batch: Batch) -> dict[str, float]:
        """``word``: 1 when the word is written from its first character, else 0."""
        return {"word": float(self.spell(net, params) == self.word)}

    def samples(self, net: Any, params: Any) -> dict[str, str]:
        """Return the word as the network writes it: its most likely characters, and drawn ones."""
        texts = {"most likely characters": self.spell(net, params)}
        for seed in SAMPLE_SEEDS:
            texts[f"temperature 1, seed {seed}"] = self.spell(net, params, np.random.default_rng(seed))
        return texts

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return floors counted on the word."""
        batch = self.test(rng)
        now, following = batch.x[:, 0], batch.target[:, 0]
        pairs = np.zeros((self.n_in, self.n_out))
        np.add.at(pairs, (now, following), 1.0)
        frequency = pairs.sum(axis=0) / pairs.sum()
        likely = pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1.0)
        return [
            Floor("chance", 1.0 / self.n_out, math.log(self.n_out), "both", "all characters equally likely"),
            Floor(
                "best constant",
                float(frequency.max()),
                best_constant_loss(batch, self.loss),
                "both",
                "the most frequent next character; loss: frequencies of characters",
            ),
            Floor(
                "no memory",
                accuracy(likely[now][:, None], batch),
                float(-np.log(likely[now, following]).mean()),
                "both",
                "the best table from a character to the next (bigrams), which a linear model is here",
            ),
            Floor("oracle", 1.0, 0.0, "both", "knows the word"),
        ]

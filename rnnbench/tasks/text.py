"""A character model of a user's text file."""

import copy
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from rnnbench.tasks import characters, ngrams
from rnnbench.tasks.contract import (
    Array,
    Batch,
    Floor,
    Task,
    accuracy,
    best_constant_loss,
    mean_loss,
    number,
    whole_number,
)
from rnnbench.tasks.split import read_split

#: Characters that each part of the file has at least.
FEWEST = 10
#: Pieces of the validation and of the test part that are evaluated at most.
MOST_PIECES = 512
#: Outputs for such a batch, at most (40 MB): fewer pieces where these or the alphabet are long.
MOST_OUTPUTS = 10_000_000
#: Steps of a stream that are computed at a time.
CHUNK = 4096
#: How the samples of a run are drawn.
TEMPERATURES, SAMPLE_SEEDS, SAMPLE_LENGTH = (0.5, 1.0), (0, 1), 200
NGRAMS = ("unigrams", "bigrams", "trigrams")


@dataclass
class Text(Task):
    """Predict the next character of a text file, at every character.

    The alphabet is the file's own characters in the order of their code points, numbered from 0; line ends
    are newline characters, whatever the file has. The file is cut, in order, into training, validation and
    test part. Training draws pieces of ``length`` characters at random places of its part (the whole part,
    once, when that is not longer): step t shows a character and asks for the next one (cross entropy,
    softmax). Validation and test batches are their parts in pieces of that length, side by side, each from
    the network's initial state: all of the part, or 512 pieces (fewer, where these or the alphabet are very
    long) spread evenly over it.

    Score: accuracy. Loss: nats per character; divided by ln 2 it is bits. Solved: at most ``goal`` bits per
    character on the validation batch. Further scores ``bits_per_character`` and
    ``validation_bits_per_character``: over every character of the test and of the validation part, read as
    one stream, the state carried from piece to piece. ``samples`` are texts that the network generates.

    A network that reads the future is refused: the input of step t + 1 is the target of step t.

    Parameters
    ----------
    path : str
        A file in UTF-8; relative to the working folder.
    length : int
        Characters of a piece.
    split : three numbers
        Fractions of the characters, for training, validation and test; they sum to 1.
    goal : float
        Bits per character that count as solved and end a training; 0 trains to the end.
    digest : str
        First 16 hexadecimal digits of the file's SHA-256. Filled in; when given, a file that has changed is
        refused.

    Raises
    ------
    ValueError
        One line that names the setting: no such file, empty, not UTF-8, a part that is too short, one
        character alone.

    Examples
    --------
    A file ``abcabd`` has the alphabet a b c d; a piece of length 3 from its start is x = 0 1 2, labels =
    1 2 0.

    References
    ----------
    Lecture notes "Recurrent neural networks", language modelling. Karpathy (2015), "The unreasonable
    effectiveness of recurrent neural networks". Floors: Witten & Bell (1991), "The zero-frequency problem",
    method C.
    """

    SPAN: ClassVar[str] = "length"

    path: str = ""
    length: int = 50
    split: Any = (0.8, 0.1, 0.1)
    goal: float = 0.0
    digest: str = ""

    def __post_init__(self) -> None:
        """Check the settings, read the file and cut it."""
        if not isinstance(self.path, str) or not self.path:
            raise ValueError(f"task.path={self.path!r}: must name a text file")
        whole_number("task.length", self.length, 1)
        number("task.goal", self.goal, 0.0)
        self.split = read_split(self.split)
        self._read()

    @property
    def label(self) -> str:
        """Name of the file, and the length of a piece."""
        name = Path(self.path).name
        return f"{name if len(name) <= 40 else name[:37] + '...'} T={self.length}"

    def at(self, span: int) -> Self:
        """Return the same task in pieces of another length; the file is not read again."""
        whole_number("task.length", span, 1)
        other = copy.copy(self)
        other.length = span
        return other

    @property
    def n_in(self) -> int:
        """Size of the alphabet."""
        return len(self._alphabet)

    @property
    def n_out(self) -> int:
        """Size of the alphabet."""
        return len(self._alphabet)

    @property
    def loss(self) -> str:
        """Cross entropy."""
        return "cross_entropy"

    @property
    def causal_only(self) -> bool:
        """The input one step later is the target."""
        return True

    @classmethod
    def example(cls, folder: Path) -> "Text":
        """Return the task of a small file: words drawn from a short list."""
        words = np.array(["the", "cat", "dog", "sat", "ran", "on", "under", "a", "mat.\n", "tree.\n"])
        path = folder / "example.txt"
        path.write_text(" ".join(np.random.default_rng(0).choice(words, 1000)), encoding="utf-8")
        return cls(path=str(path), length=20)

    def columns(self) -> dict[str, Any]:
        """Return symbols and labels, the alphabet, and the character that texts begin after: a line end."""
        return super().columns() | {"alphabet": self._alphabet, "start": self._start}

    @property
    def _start(self) -> str:
        """A line end, or the first character of a file that has none."""
        return "\n" if "\n" in self._alphabet else self._alphabet[int(self._symbols[0])]

    def training(self, rng: np.random.Generator, size: int) -> Batch:
        """Draw ``size`` pieces of the training part, or return it as one when it is not longer."""
        places = self._parts[0].stop - self.length
        if places <= 1:
            return self._pieces(np.zeros(1, np.int64), self._parts[0].stop - 1)
        return self._pieces(rng.integers(0, places, size), self.length)

    def validation(self, rng: np.random.Generator) -> Batch:
        """Return the validation part in pieces."""
        return self._batch(self._parts[1])

    def test(self, rng: np.random.Generator) -> Batch:
        """Return the test part in pieces."""
        return self._batch(self._parts[2])

    def solved(self, y: Array, batch: Batch) -> bool:
        """Whether the loss is at most ``goal`` bits per character."""
        return mean_loss(y, batch, self.loss) <= self.goal * math.log(2)

    def bits(self, net: Any, params: Any, part: str = "test") -> float:
        """Return the bits per character of a network over a whole part, read as one stream.

        Parameters
        ----------
        net, params : Network, Parameters
            A trained network.
        part : str
            "training", "validation" or "test".
        """
        asked = self._parts[("training", "validation", "test").index(part)]
        start = max(1, asked.start)
        x, label = self._symbols[start - 1 : asked.stop - 1], self._symbols[start : asked.stop]
        nats = 0.0
        for steps, y in characters.stream_of(net, params, x, CHUNK):
            p = y[np.arange(len(y)), label[steps]].astype(np.float64)
            nats -= float(np.log(np.maximum(p, np.finfo(np.float32).tiny)).sum())
        return nats / (len(x) * math.log(2))

    def extra_scores(self, net: Any, params: Any, batch: Batch) -> dict[str, float]:
        """``bits_per_character`` of the test part and ``validation_bits_per_character``."""
        return {
            "bits_per_character": self.bits(net, params),
            "validation_bits_per_character": self.bits(net, params, "validation"),
        }

    def samples(self, net: Any, params: Any) -> dict[str, str]:
        """Return texts of 200 characters, at temperatures 0.5 and 1, two of each."""
        return {
            f"temperature {temperature:g}, seed {seed}": characters.write(
                net, params, self._alphabet, self._start, SAMPLE_LENGTH, temperature, seed
            )
            for temperature in TEMPERATURES
            for seed in SAMPLE_SEEDS
        }

    def floors(self, rng: np.random.Generator) -> list[Floor]:
        """Return the scores of n-grams on the test part, counted on the training part."""
        train, _, test = self._parts
        batch = self.test(rng)
        counts = np.bincount(batch.target.ravel(), minlength=self.n_out)
        best = accuracy(np.broadcast_to(counts, (*batch.target.shape, self.n_out)), batch)
        found = [
            Floor(
                "best constant",
                best,
                best_constant_loss(batch, self.loss),
                "both",
                "frequencies of characters in the test batch",
            ),
            Floor("chance", 1.0 / self.n_out, math.log(self.n_out), "both", "characters equally likely"),
        ]
        whole, training = self._symbols[: test.stop], self._symbols[: train.stop]
        models = ngrams.predictions(training, whole, test.start, self.n_out, len(NGRAMS))
        for name, model in zip(NGRAMS, models, strict=True):
            loss, score = model.loss(), model.score(whole[test.start :])
            how = f"counted on the training part, Witten-Bell: {loss / math.log(2):.3f} bits per character"
            found.append(Floor(name, score, loss, "both", how))
        return found

    def _batch(self, part: range) -> Batch:
        """Return a part in pieces, the last characters before it read first."""
        steps = min(self.length, len(part))
        most = max(1, min(MOST_PIECES, MOST_OUTPUTS // (steps * self.n_out)))
        count = min(most, -(-len(part) // steps))
        return self._pieces(np.linspace(part.start, part.stop - steps, count).astype(np.int64) - 1, steps)

    def _pieces(self, start: Array, steps: int) -> Batch:
        """Return the pieces that begin at given characters (B,)."""
        at = start + np.arange(steps)[:, None]
        return Batch(self._symbols[at], self._symbols[at + 1], np.ones(at.shape, np.float32), None)

    def _read(self) -> None:
        """Read, number and cut the file."""
        file = characters.read(self.path)
        if self.digest not in ("", file.digest):
            raise ValueError(
                f"task.digest={self.digest}: {self.path} has changed, its digest is {file.digest}"
            )
        self.digest = file.digest
        self._alphabet, self._symbols = characters.numbered(file.text)
        if len(self._alphabet) < 2:
            raise ValueError(f"task.path={self.path}: has one character alone, {self._alphabet!r}")
        first, second = (round(len(self._symbols) * end) for end in np.cumsum(self.split[:2]))
        self._parts = range(0, first), range(first, second), range(second, len(self._symbols))
        for part, name in zip(self._parts, ("training", "validation", "test"), strict=True):
            if len(part) < FEWEST:
                raise ValueError(
                    f"task.path={self.path}: too short, the {name} part has {len(part)} of its "
                    f"{len(self._symbols)} characters; at least {FEWEST} are needed"
                )

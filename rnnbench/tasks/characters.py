"""Texts as symbols: reading a file, numbering its characters, and generating text with a network."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnbench.tasks.contract import Array


class TextFile(NamedTuple):
    """A text file in memory.

    Parameters
    ----------
    text : str
        The whole of it; every kind of line end is one newline character.
    digest : str
        First 16 hexadecimal digits of the SHA-256 of the file's bytes.
    """

    text: str
    digest: str


def read(path: str) -> TextFile:
    """Read a text file in UTF-8, with or without byte-order mark.

    Raises
    ------
    ValueError
        Missing, not a file, empty or not UTF-8; one line, names the path.
    """
    try:
        raw = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise ValueError(f"task.path={path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"task.path={path}: line {line} is not UTF-8; save the file as UTF-8") from None
    if not text:
        raise ValueError(f"task.path={path}: the file is empty")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return TextFile(text, hashlib.sha256(raw).hexdigest()[:16])


def numbered(text: str) -> tuple[str, Array]:
    """Return the characters of a text in the order of their code points, and its symbols (N,)."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    found, symbols = np.unique(codes, return_inverse=True)
    return "".join(map(chr, found.tolist())), symbols.astype(np.int64)


def as_symbols(text: str, alphabet: str) -> Array:
    """Return a text as symbols (T, 1).

    Raises
    ------
    ValueError
        A character is not in the alphabet; names it.
    """
    place = {character: number for number, character in enumerate(alphabet)}
    strange = next((character for character in text if character not in place), None)
    if strange is not None:
        shown = alphabet if len(alphabet) <= 100 else f"{alphabet[:100]} ..."
        raise ValueError(f"{strange!r} is not among the characters of the training data: {shown!r}")
    return np.array([place[character] for character in text], np.int64).reshape(-1, 1)


def as_text(symbols: Array, alphabet: str) -> str:
    """Return the text of symbols (T, 1)."""
    return "".join(alphabet[number] for number in symbols[:, 0].tolist())


def write(
    net: Any, params: Any, alphabet: str, prefix: str, length: int, temperature: float, seed: int
) -> str:
    """Continue a text with a network.

    Parameters
    ----------
    net, params : Network, Parameters
        A trained character model.
    alphabet : str
        Its characters in the order of their symbols.
    prefix : str
        The text to continue, at least one character.
    length : int
        Number of characters to generate.
    temperature : float
        1 draws from the network's own probabilities, 0 takes the most likely character.
    seed : int
        Of the draws.

    Returns
    -------
    str
        The generated text, without the prefix.

    Raises
    ------
    ValueError
        A character of the prefix is not in the alphabet.
    """
    read = as_symbols(prefix, alphabet)
    rng = np.random.default_rng(seed)
    return as_text(net.generate(params, read, length, f"sample:{temperature}", rng), alphabet)


def stream_of(net: Any, params: Any, symbols: Array, chunk: int) -> Iterator[tuple[slice, Array]]:
    """Run a network over one long sequence, carrying its state from chunk to chunk.

    Parameters
    ----------
    net, params : Network, Parameters
        A network that reads only the past.
    symbols : ndarray (T,)
        The sequence.
    chunk : int
        Steps at a time; the outputs are those of the whole sequence, whatever it is.

    Yields
    ------
    (slice, ndarray (steps, O))
        Where the chunk lies, and its outputs.
    """
    state = None
    for start in range(0, len(symbols), chunk):
        steps = slice(start, min(start + chunk, len(symbols)))
        x = np.ascontiguousarray(symbols[steps, None])
        y, state = net.forward(params, x, state=state, return_state=True)
        yield steps, y[:, 0]

"""Turning the boxes and arrows of a model into a network, with an optional embedding."""

from collections.abc import Iterable
from dataclasses import replace

from rnnbench import network
from rnnbench.network import Arrow, Box

#: The box of an embedding.
EMBEDDING = "e"


def assembled(
    boxes: Iterable[Box],
    arrows: Iterable[Arrow],
    n_in: int,
    *,
    initial: str,
    embedding: int = 0,
    output: str = "y",
) -> "network.Network":
    """Return the network of a model, with an embedding between input and network if its width is above 0.

    Parameters
    ----------
    boxes, arrows
        The model without the embedding.
    n_in : int
        Inputs I.
    initial : str
        "zero" or "learned".
    embedding : int
        Width d of a linear box `e` without bias, from which all arrows out of the input then start; 0 for
        none. For one-hot input its value is a row of ``x->e``: rows are gathered, and only these rows are
        updated.
    output : str
        Name of the output box.

    Notes
    -----
    With learned initial values an embedding that is read at a lag learns its values before the first step; an
    input read at a lag is 0 there.
    """
    if not embedding:
        return network.Network([*boxes], [*arrows], n_in, output, initial)
    inner = [replace(arrow, source=EMBEDDING) if arrow.source == "x" else arrow for arrow in arrows]
    table = Box(EMBEDDING, embedding, "linear", bias=False)
    return network.Network([table, *boxes], [Arrow("x", EMBEDDING), *inner], n_in, output, initial)


def names(letter: str, count: int) -> list[str]:
    """Return the names of `count` layers: "h", or "h1", "h2", ... from the input up."""
    return [letter] if count == 1 else [f"{letter}{number}" for number in range(1, count + 1)]

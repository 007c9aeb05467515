"""Parameters: one public vector and named views of it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnbench.network.description import Arrow, Box
from rnnbench.network.graph import INPUT_NAME


@dataclass(frozen=True)
class Entry:
    """Where a named array lies: `kind` is "arrow", "bias", "initial" or "final"."""

    name: str
    kind: str
    start: int
    shape: tuple[int, ...]

    @property
    def stop(self) -> int:
        """Offset after the last element."""
        return self.start + math.prod(self.shape)


def slots(name: str, arrows: Sequence[Arrow]) -> tuple[int, int]:
    """Return how many values before and after the sequence the arrows out of a box (or "x") read."""
    lags = [arrow.lag for arrow in arrows if arrow.source == name]
    return max([0, *lags]), max([0, *(-lag for lag in lags)])


class Layout:
    """Order and shapes of the parameters.

    By target box: incoming learned arrows stacked in declared order, then bias, initial, final.
    """

    def __init__(self, boxes: Sequence[Box], arrows: Sequence[Arrow], n_in: int, initial: str) -> None:
        sizes = {INPUT_NAME: n_in, **{box.name: box.size for box in boxes}}
        self.entries: dict[str, Entry] = {}
        self.size = 0
        for box in boxes:
            for arrow in arrows:
                if arrow.target == box.name and arrow.learned:
                    self._add(arrow.name, "arrow", (sizes[arrow.source], box.size))
            if box.bias:
                self._add(f"{box.name}.bias", "bias", (box.size,))
            before, after = slots(box.name, arrows)
            if initial == "learned" and before:
                self._add(f"{box.name}.initial", "initial", (before, box.size))
            if initial == "learned" and after:
                self._add(f"{box.name}.final", "final", (after, box.size))

    def _add(self, name: str, kind: str, shape: tuple[int, ...]) -> None:
        entry = Entry(name, kind, self.size, shape)
        self.entries[name] = entry
        self.size = entry.stop

    def start(self, name: str) -> int:
        """Return the offset of an array in the vector, or -1 if there is none of that name."""
        return self.entries[name].start if name in self.entries else -1


class Parameters(Mapping[str, NDArray[np.floating]]):
    """A mapping of named views over one vector; gradients are of the same class.

    Attributes
    ----------
    vector : ndarray (n_parameters,)
        float32 or float64; optimisers, norms and files see only this. Writing to a view writes here.
    """

    def __init__(self, layout: Layout, vector: NDArray[np.floating]) -> None:
        self._layout = layout
        self.vector = vector

    def __getitem__(self, name: str) -> NDArray[np.floating]:
        """Return the array of that name as a C-contiguous view."""
        if name not in self._layout.entries:
            raise KeyError(f"{name!r}: no such parameter; there are {', '.join(self._layout.entries)}")
        entry = self._layout.entries[name]
        return self.vector[entry.start : entry.stop].reshape(entry.shape)

    def __setitem__(self, name: str, value: object) -> None:
        """Copy a value of the right shape into the array of that name."""
        view = self[name]
        new = np.asarray(value, dtype=view.dtype)
        if new.shape != view.shape:
            raise ValueError(f"{name}: shape {new.shape} must be {view.shape}")
        view[...] = new

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in the vector's order."""
        return iter(self._layout.entries)

    def __len__(self) -> int:
        """Return the number of arrays."""
        return len(self._layout.entries)

    def copy(self) -> "Parameters":
        """Return parameters with a vector of their own."""
        return Parameters(self._layout, self.vector.copy())

    def __repr__(self) -> str:
        """Name and shape of each array."""
        arrays = ", ".join(f"{name} {entry.shape}" for name, entry in self._layout.entries.items())
        return f"Parameters({self.vector.size} {self.vector.dtype}: {arrays})"

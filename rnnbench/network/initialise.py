"""Initial weights: schemes by name, a random stream for each array."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rnnbench.network import graph
from rnnbench.network.description import Arrow

Array = NDArray[np.float64]


def _uniform(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, scale: float | None) -> Array:
    bound = 1 / np.sqrt(fan_in) if scale is None else scale
    return rng.uniform(-bound, bound, shape)


def _normal(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, scale: float | None) -> Array:
    return rng.normal(0.0, 1 / np.sqrt(fan_in) if scale is None else scale, shape)


def _truncated_normal(
    rng: np.random.Generator, shape: tuple[int, int], fan_in: int, scale: float | None
) -> Array:
    # Draws beyond two standard deviations are drawn again.
    draws = rng.standard_normal(shape)
    while (outside := np.abs(draws) > 2).any():
        draws[outside] = rng.standard_normal(int(outside.sum()))
    scaled: Array = draws * (1 / np.sqrt(fan_in) if scale is None else scale)
    return scaled


def _glorot(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, scale: float | None) -> Array:
    bound = np.sqrt(6 / (fan_in + shape[1])) * (1.0 if scale is None else scale)
    return rng.uniform(-bound, bound, shape)


def _orthogonal(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, scale: float | None) -> Array:
    tall = (max(shape), min(shape))
    q, r = np.linalg.qr(rng.standard_normal(tall))
    # The signs make the distribution uniform over orthogonal matrices (Mezzadri 2007).
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
    matrix: Array = (q if tall == shape else q.T) * (1.0 if scale is None else scale)
    return matrix


def _identity(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, scale: float | None) -> Array:
    return np.eye(*shape) * (1.0 if scale is None else scale)


def _spectral_radius(
    rng: np.random.Generator, shape: tuple[int, int], fan_in: int, scale: float | None
) -> Array:
    draws = rng.standard_normal(shape)
    if shape[0] == shape[1]:
        largest = np.abs(np.linalg.eigvals(draws)).max()
    else:
        # A rectangular block has no eigenvalues: its largest singular value takes their place.
        largest = np.linalg.norm(draws, 2)
    matrix: Array = draws * ((1.0 if scale is None else scale) / largest)
    return matrix


SCHEMES: dict[str, Callable[[np.random.Generator, tuple[int, int], int, float | None], Array]] = {
    "uniform": _uniform,
    "normal": _normal,
    "truncated_normal": _truncated_normal,
    "glorot": _glorot,
    "orthogonal": _orthogonal,
    "identity": _identity,
    "spectral_radius": _spectral_radius,
}


def parse_scheme(key: str, text: str) -> tuple[str, float | None]:
    """Split ``"scheme"`` or ``"scheme:number"``.

    Raises
    ------
    ValueError
        Naming the key, the value and the schemes allowed.
    """
    name, colon, number = str(text).partition(":")
    try:
        scale = float(number) if colon else None
    except ValueError:
        scale = float("nan")
    if name not in SCHEMES or (scale is not None and not np.isfinite(scale)):
        raise ValueError(
            f"{key}={text!r}: must be one of {', '.join(SCHEMES)}, optionally with a number: 'normal:0.1'"
        )
    return name, scale


def stream(seed: int | np.random.SeedSequence, name: str) -> np.random.Generator:
    """Return the random stream of the array of that name, whatever else the network holds."""
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    key = (*root.spawn_key, len(name), zlib.crc32(name.encode()), zlib.adler32(name.encode()))
    return np.random.default_rng(
        np.random.SeedSequence(root.entropy, spawn_key=key, pool_size=root.pool_size)
    )


def draw(
    key: str, scheme: str, seed: int | np.random.SeedSequence, name: str, shape: tuple[int, int], fan_in: int
) -> Array:
    """Draw one weight matrix.

    Parameters
    ----------
    key, scheme : str
        The argument of `Network.init` and its value, for example "input", "glorot" or "normal:0.1".
    seed : int or SeedSequence
        Root of the streams.
    name : str
        Name of the array.
    shape : (int, int)
        (source size, target size).
    fan_in : int
        Units that arrive at the target box over all arrows of the same kind.

    Returns
    -------
    ndarray of float64, of that shape
        "uniform:a" in [-a, a]; "normal:s" of standard deviation s; "truncated_normal:s" the same drawn again
        beyond 2 s, which leaves 0.88 s (without a number a and s are 1 / sqrt(fan_in)); "glorot:g" uniform
        with bound g sqrt(6 / (fan_in + target size)) (Glorot & Bengio 2010); "orthogonal:g" (Saxe et al.
        2014); "identity:g" (Le et al. 2015, IRNN); "spectral_radius:r" (Jaeger 2001).
    """
    kind, scale = parse_scheme(key, scheme)
    return SCHEMES[kind](stream(seed, name), shape, fan_in, scale)


def draw_arrows(
    sizes: Mapping[str, int],
    arrows: Sequence[Arrow],
    output: str,
    schemes: Mapping[str, str],
    seed: int | np.random.SeedSequence,
) -> Iterator[tuple[str, Array]]:
    """Yield name and initial weights of every learned arrow.

    Parameters
    ----------
    sizes : mapping
        Units of each box, and of "x".
    arrows, output
        Of the network.
    schemes : mapping
        The scheme for arrows of each kind: "input", "recurrent", "output" (see `Network.init`).
    seed : int or SeedSequence
        Root of the streams.
    """
    cyclic = graph.inside_cycles([name for name in sizes if name != graph.INPUT_NAME], arrows)
    learned = [arrow for arrow in arrows if arrow.learned]
    kinds = {a: "recurrent" if a in cyclic else "output" if a.target == output else "input" for a in learned}
    for arrow in learned:
        kind = kinds[arrow]
        alike = [a for a in learned if a.target == arrow.target and kinds[a] == kind]
        fan_in = sum(sizes[a.source] for a in alike)
        shape = (sizes[arrow.source], sizes[arrow.target])
        yield arrow.name, draw(kind, schemes[kind], seed, arrow.name, shape, fan_in)

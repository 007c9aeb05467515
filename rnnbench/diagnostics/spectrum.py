"""Spectral radius: by how much one turn round a network's loops stretches what is remembered, at most."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.network.graph import components, inner_arrows

#: Key of the largest radius of all.
WHOLE = "all"


def spectral_radius(net: Any, params: Any) -> dict[str, float]:
    """Return the spectral radius of the weights of every loop.

    The largest absolute eigenvalue of the companion matrix (`companion`): of W_hh for ``h_t = f(.. + h_{t-1}
    W_hh)``; for orders above 1, delay lines and loops over several boxes of the first-order system that does
    the same; for NARX round the output loop, of the products ``W_hy V_k``.

    Parameters
    ----------
    net : Network
        Any network.
    params : Parameters
        Its parameters.

    Returns
    -------
    dict of str to float
        By loop, named after its boxes ("h", "h.y", "m.h.y"), and the largest as "all": 0 for a network
        without loops. NaN where weights are not finite.

    Notes
    -----
    Weights only: every activation counts as the identity, its steepest linear approximation for tanh. Below 1
    a network of tanh units forgets; above 1 it may hold on, oscillate or be chaotic, its gradients may
    explode. A gate does not change it: what is computed goes round all the same.

    References
    ----------
    Jaeger (2001), "The echo state approach to analysing and training recurrent neural networks", GMD Report
    148, proposition 3. Companion matrix: Hamilton (1994), Time Series Analysis, section 1.2. Differs from
    the first in loops that pass through several layers.
    """
    names = [box.name for box in net.boxes]
    found = {}
    for loop in components(names, net.arrows):
        if inner_arrows(loop, net.arrows):
            found[".".join(loop)] = _radius(companion(net, params, loop))
    return found | {WHOLE: float(np.max(list(found.values()), initial=0.0))}


def _radius(matrix: NDArray[np.float64]) -> float:
    if not np.isfinite(matrix).all():
        return float("nan")
    return float(np.abs(np.linalg.eigvals(matrix)).max(initial=0.0))


def companion(net: Any, params: Any, boxes: Sequence[str]) -> NDArray[np.float64]:
    """Return the matrix of one step of some boxes and the arrows among them, activations left out.

    With ``v_t`` the values of all boxes, ``v_t = v_t M_0 + sum over lags k of v_{t-k} M_k``, so ``v_t = sum
    of v_{t-k} A_k`` with ``A_k = M_k (1 - M_0)^-1``; the state ``[v_{t-1} ... v_{t-p}]`` (of boxes that are
    read at a lag) then goes over into ``[v_t ... v_{t-p+1}]`` by a single matrix: ``[[A_1, 1, 0], [A_2, 0,
    1], [A_3, 0, 0]]`` for p = 3.

    Parameters
    ----------
    net : Network
        Any network.
    params : Parameters
        Its parameters.
    boxes : sequence of str
        A loop, or any boxes whose inner arrows of lag 0 form no cycle.

    Returns
    -------
    ndarray (n p, n p)
        n units of boxes that are read at a lag, p the largest lag, in the row-vector convention ``s_{t+1} =
        s_t C``. Arrows that read the future count by their distance.
    """
    sizes = {box.name: box.size for box in net.boxes}
    ends = np.cumsum([0, *(sizes[name] for name in boxes)])
    at = {name: slice(ends[n], ends[n + 1]) for n, name in enumerate(boxes)}
    inner = inner_arrows(boxes, net.arrows)
    order = max((abs(arrow.lag) for arrow in inner), default=0)
    steps = np.zeros((order + 1, ends[-1], ends[-1]))
    for arrow in inner:
        matrix = params[arrow.name] if arrow.learned else float(arrow.weight) * np.eye(sizes[arrow.source])
        steps[abs(arrow.lag), at[arrow.source], at[arrow.target]] += matrix
    lagged = {arrow.source for arrow in inner if arrow.lag}
    places = np.arange(ends[-1])
    kept = places[[any(at[name].start <= place < at[name].stop for name in lagged) for place in places]]
    with np.errstate(invalid="ignore", over="ignore"):
        # v_t (1 - M_0) = rest, so that rest is solved for with the transpose.
        present = np.linalg.solve((np.eye(ends[-1]) - steps[0]).T, steps[1:, kept].transpose(0, 2, 1))
    turned = present.transpose(0, 2, 1)[:, :, kept]
    n = len(kept)
    whole = np.eye(n * order, k=n)
    whole[:, :n] = turned.reshape(n * order, n)
    return whole

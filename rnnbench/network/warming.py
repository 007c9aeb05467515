"""Compiling the kernels, or loading them from the cache, before anything is timed.

``python -m rnnbench.network.warming backward float32`` compiles the backward pass into the cache.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnbench.kernels import compilation
from rnnbench.kernels.forward import forward
from rnnbench.kernels.optimisers import SETTINGS, SGD, Rule
from rnnbench.network.call import checked_call
from rnnbench.network.description import Arrow, Box
from rnnbench.network.network import Network
from rnnbench.network.parameters import Parameters
from rnnbench.network.passes import Pass


def warm_up(dtype: DTypeLike = np.float32) -> float:
    """Compile the kernels for a type, or load them from the cache.

    Numba compiles on one core at a time. Where nothing is in the cache yet, a second process compiles the
    backward pass while this one compiles the forward pass.

    Parameters
    ----------
    dtype : float32 or float64
        Type of the parameters to come.

    Returns
    -------
    float
        Seconds it took; about 0 when they are already loaded in this process.
    """
    start = perf_counter()
    name = np.dtype(dtype).name
    if name not in _warm:
        # Interpreted kernels leave nothing in the cache.
        folder = compilation.cache_folder() if hasattr(forward, "signatures") else ""
        # Without the mark the cache may still be complete: then the second process loads it and ends.
        mark = Path(folder) / f"compiled-{name}"
        with ExitStack() as stack:
            if folder and not mark.exists() and (child := _start_compiling("backward", name)) is not None:
                stack.callback(_end, child)
                compile_forward(name)
                child.wait()
            compile_all(name)
        if folder:
            mark.touch()
        _warm.add(name)
    return perf_counter() - start


#: Types whose kernels are loaded in this process.
_warm: set[str] = set()


def _smallest(dtype: DTypeLike) -> tuple[Network, Parameters, NDArray[Any]]:
    """Return a network of one unit, its parameters, and an input that serves as target too."""
    net = Network([Box("y", 1, "linear")], [Arrow("x", "y"), Arrow("y", "y", lag=1)], n_in=1)
    return net, net.init(dtype=dtype), np.zeros((1, 1, 1), dtype)


def compile_forward(dtype: DTypeLike) -> None:
    """Compile the forward pass, by calling it."""
    net, params, x = _smallest(dtype)
    net.forward(params, x, x, "open")


class _ZeroPass(Pass):
    """A pass whose values are 0: nothing is computed forward."""

    def _forward(self, everything: bool) -> None:
        self.buffers.values[:] = 0


def compile_backward(dtype: DTypeLike) -> None:
    """Compile the loss and the backward pass, by calling them, but not the forward pass."""
    net, params, x = _smallest(dtype)
    zero = _ZeroPass(net, checked_call(net, params, x, x, "open", None, None, None, "mse"), loss="mse")
    zero.loss_into("mse", "mean")
    zero.backward(zero.contiguous(zero.buffers.dy), fused=False, with_input=False)


def compile_all(dtype: DTypeLike) -> None:
    """Compile whatever is not compiled yet: both passes, and a block of updates."""
    net, params, x = _smallest(dtype)
    net.loss_and_grad(params, x, x, loop="open")
    block = net.training_block(x, x, dtype=dtype, capacity=1)
    block.add(x, x)
    rule = Rule(SGD, np.zeros((0, params.vector.size), dtype), np.zeros(SETTINGS), 1.0, 1.0)
    block.update(params, rule)


#: Parts that the command can compile.
PARTS = {"forward": compile_forward, "backward": compile_backward, "all": compile_all}


def _start_compiling(part: str, dtype: str) -> "subprocess.Popen[bytes] | None":
    """Start a process that compiles a part; None on a single processor, or if it cannot be started.

    Nothing depends on its success: what it has not compiled is compiled here.
    """
    if (os.cpu_count() or 1) < 2 or not sys.executable:
        return None
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "rnnbench.network.warming", part, dtype],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
    except OSError:
        return None


def _end(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        child.kill()
        child.wait()


if __name__ == "__main__":
    PARTS[sys.argv[1]](sys.argv[2])

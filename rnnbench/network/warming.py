"""Compiling, or loading from the cache, before anything is timed."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import DTypeLike

from rnnbench.kernels import compilation
from rnnbench.kernels.forward import forward
from rnnbench.kernels.optimisers import SETTINGS, SGD, Rule
from rnnbench.network.description import Arrow, Box
from rnnbench.network.network import Network

#: What the second process does: it compiles the backward pass into the cache, and calls no forward pass.
_OTHER_HALF = """
import sys
from rnnbench.network import run, warming
run.forward = lambda *arguments: None
warming.call_kernels(sys.argv[1], halfway="backward")
"""


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
        Seconds it took; about 0 when they are already in this process.
    """
    start = perf_counter()
    name = np.dtype(dtype).name
    if name not in _warm:
        # Interpreted kernels leave nothing in the cache.
        folder = compilation.cache_folder() if hasattr(forward, "signatures") else ""
        # Without the mark the cache may still be whole: then the second process finds so, and ends.
        mark = Path(folder) / f"compiled-{name}"
        with ExitStack() as stack:
            if folder and not mark.exists() and (child := _compile_other_half(name)) is not None:
                stack.callback(_end, child)
                call_kernels(name, halfway="forward")
                child.wait()
            call_kernels(name)
        if folder:
            mark.touch()
        _warm.add(name)
    return perf_counter() - start


#: Types whose kernels are in this process.
_warm: set[str] = set()


def call_kernels(dtype: DTypeLike, halfway: str = "") -> None:
    """Call the passes of a tiny network, or one of them, which compiles what is not compiled yet."""
    net = Network([Box("y", 1, "linear")], [Arrow("x", "y"), Arrow("y", "y", lag=1)], n_in=1)
    x = np.zeros((1, 1, 1), dtype)
    params = net.init(dtype=dtype)
    if halfway == "forward":
        net.forward(params, x, x, "open")
    else:
        net.loss_and_grad(params, x, x, loop="open")
    if not halfway:
        block = net.training_block(x, x, dtype=dtype, capacity=1)
        block.add(x, x)
        rule = Rule(SGD, np.zeros((0, params.vector.size), dtype), np.zeros(SETTINGS), 1.0, 1.0)
        block.update(params, rule)


def _compile_other_half(dtype: str) -> "subprocess.Popen[bytes] | None":
    """Start the second process; None where there is one processor only, or it cannot be started.

    Whatever becomes of it: what it has not compiled is compiled here.
    """
    if (os.cpu_count() or 1) < 2 or not sys.executable:
        return None
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _OTHER_HALF, dtype],
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

"""PyTorch and JAX, where they are installed, at one thread."""

import importlib.util
import os

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # The flags alone leave XLA's pool as wide as the machine: 1.7 threads were measured.
    "NPROC": "1",
    "PJRT_NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}


def installed(name):
    """Whether a library can be imported."""
    return importlib.util.find_spec(name) is not None


def load_torch():
    """Return PyTorch at one thread, or None where it is not installed."""
    if not installed("torch"):
        return None
    os.environ.update(ONE_THREAD)
    import torch

    torch.set_num_threads(1)
    return torch


def load_jax():
    """Return JAX at one thread, computing in the calling one, or None where it is not installed."""
    if not (installed("jax") and installed("jaxlib")):
        return None
    os.environ.update(ONE_THREAD)
    import jax

    # Handing a computation to another thread costs more than a small step.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    return jax


def missing():
    """Return a line for each peer that is not installed."""
    names = {"PyTorch": installed("torch"), "JAX": installed("jax") and installed("jaxlib")}
    text = "is not installed (make test-peers installs it): there is no ratio to it"
    return [f"{name} {text}" for name, there in names.items() if not there]

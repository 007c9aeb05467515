"""Fixtures of the benchmarks, and what of their results is kept: no host, no path, no list of all times."""

import importlib.metadata
import platform

import pytest

import rnnbench
from tests.benchmarks import peers
from tests.benchmarks.turns import best_of_three

VERSIONS = ("numpy", "numba", "llvmlite", "torch", "jax", "jaxlib", "pytest-benchmark")


@pytest.fixture(scope="session")
def peak():
    from tests.benchmarks.peak import Peak

    return Peak(best_of_three)


@pytest.fixture(scope="session")
def torch():
    return peers.load_torch()


@pytest.fixture(scope="session")
def jax():
    return peers.load_jax()


@pytest.hookimpl(trylast=True)
def pytest_benchmark_update_machine_info(config, machine_info):
    from llvmlite import binding

    from rnnbench.kernels.vectors import VECTOR_BYTES
    from rnnbench.sweep.provenance import provenance
    from rnnbench.training.threads import processors

    versions = {name: version for name in VERSIONS if (version := version_of(name))}
    machine_info.clear()
    machine_info.update(
        processor=f"{provenance()['processor']} ({binding.get_host_cpu_name()})",
        processors=processors(),
        architecture=platform.machine(),
        system=platform.system(),
        python=platform.python_version(),
        vector_bytes=VECTOR_BYTES,
        versions={"rnnbench": rnnbench.__version__, **versions},
        missing=peers.missing(),
    )


@pytest.hookimpl(trylast=True)
def pytest_benchmark_update_commit_info(config, commit_info):
    for name in ("project", "branch", "author_time"):
        commit_info.pop(name, None)


@pytest.hookimpl(trylast=True)
def pytest_benchmark_update_json(config, benchmarks, output_json):
    for one in output_json["benchmarks"]:
        one["stats"].pop("data", None)


def version_of(name):
    """Return an installed version, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None

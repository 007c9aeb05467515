"""Golden bits: an edit that changes numbers has to say so, by another `NUMERICS_VERSION`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rnnbench.kernels import NUMERICS_VERSION
from tests.network import golden

ROOT = Path(__file__).parents[2]
REWRITE = "NUMBA_DISABLE_JIT=1 python -m tests.network.golden"
ASK = "import json; from tests.network.golden import found; print(json.dumps(found()))"


@pytest.fixture(scope="module")
def interpreted():
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1", "RNNBENCH_VECTORS": "off"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_numbers_change_only_with_their_version(interpreted):
    kept = json.loads(golden.FILE.read_text(encoding="utf-8"))
    assert kept["numerics"] == NUMERICS_VERSION, f"the numerics have another version; run: {REWRITE}"
    changed = [
        f"{name}: {what}"
        for name, digests in (kept["digests"] | interpreted).items()
        for what in digests
        if kept["digests"].get(name, {}).get(what) != interpreted.get(name, {}).get(what)
    ]
    assert not changed, (
        f"other bits than those of numerics version {NUMERICS_VERSION}: {'; '.join(changed)}.\n"
        "If that is meant, raise NUMERICS_VERSION in rnnbench/kernels/__init__.py (stored runs are then "
        f"trained anew) and run: {REWRITE}"
    )


def test_vector_kernels_change_only_with_a_decision_on_the_version():
    kept, now = json.loads(golden.FILE.read_text(encoding="utf-8"))["sources"], golden.sources()
    changed = [name for name in now if kept.get(name) != now[name]]
    assert not changed, (
        f"rnnbench/kernels: {', '.join(changed)} changed since numerics version {NUMERICS_VERSION} was "
        "recorded.\nCompare the bits of a trained network before and after, on one machine. If they differ, "
        "raise NUMERICS_VERSION in rnnbench/kernels/__init__.py (stored runs are then trained anew). In "
        f"either case record the new source: {REWRITE}"
    )


def test_the_digest_of_a_source_ignores_comments_and_docstrings_alone():
    source = 'def f(a):\n    """Add."""\n    b = "#" + a  # why\n    return b\n'
    same = 'def f(a):\n    """Add one."""\n\n    b = "#" + a\n    # because\n    return b\n'
    assert golden.source_digest(source) == golden.source_digest(same)
    assert golden.source_digest(source) != golden.source_digest(source.replace('"#" + a', 'a + "#"'))


def test_every_network_computes_something_of_its_own(interpreted):
    networks = {name: interpreted[name] for name in golden.networks()}
    assert set(interpreted) - set(networks) == {"elementary functions"}
    assert {"exp32", "exp64", "tanh32", "tanh64"} <= set(interpreted["elementary functions"])
    for what in ("outputs", "gradient"):
        assert len({digests[what] for digests in networks.values()}) == len(networks)


def test_one_bit_is_another_digest():
    values = golden.pattern(100)
    changed = values.copy()
    changed[17] = np.nextafter(changed[17], np.float32(2))
    assert golden.digest(values) == golden.digest(values.copy())
    assert len({golden.digest(values), golden.digest(changed), golden.digest(np.abs(values))}) == 3

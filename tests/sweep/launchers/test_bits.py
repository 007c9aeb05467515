"""Every launcher trains the same bits, from any plugin, and leaves nothing outside the study."""

import os

import pytest

from tests.sweep.launchers.runs import SMALL
from tests.sweep.stored import bits, left_over

PLUGIN = '''
from dataclasses import dataclass
from rnnbench.tasks.adding import Adding

@dataclass
class Summing(Adding):
    """A task of the working folder."""
'''
LINE = f"run {SMALL} task=summing train.updates=20 seeds=2"
LAUNCHERS = {
    "threads": "",
    "basic": "hydra/launcher=basic",
    "joblib": "hydra/launcher=joblib hydra.launcher.n_jobs=2",
    "submitit_local": "hydra/launcher=submitit_local",
    "dask": "hydra/launcher=dask hydra.launcher.workers=2",
}


@pytest.mark.parametrize("name", ["basic", "joblib", "submitit_local", "dask"])
def test_the_bits_and_the_output_are_those_of_threads(name, tmp_path, monkeypatch, rnnbench):
    found = {}
    for launcher in ("threads", name):
        folder = tmp_path / launcher
        (folder / "rnnbench_plugins").mkdir(parents=True)
        (folder / "rnnbench_plugins" / "summing.py").write_text(PLUGIN)
        monkeypatch.chdir(folder)
        code, out, err = rnnbench(f"{LINE} {LAUNCHERS[launcher]}")
        assert code == 0, err
        assert err == ("hydra/launcher=basic trains one run after another\n" if launcher == "basic" else "")
        assert "solved 0 of 2" in out and len(out.splitlines()) == 1
        assert sorted(os.listdir()) == ["rnnbench_plugins", "runs"] and not left_over()
        found[launcher] = bits()
    assert found[name] == found["threads"] and len(found[name]) == 2

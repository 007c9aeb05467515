"""The flags that users of Hydra know, and completion of command lines in the shell."""

import logging
import os
import shutil
import subprocess
import sys

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from rnnbench.commands.completion import candidates
from rnnbench.config import schema


def test_cfg_job(empty, rnnbench):
    for line in (
        "run --cfg job model=rnn",
        "run -c job model=rnn",
        "run model=rnn --cfg",
    ):
        code, out, err = rnnbench(line)
        assert (code, err) == (0, "")
        config = OmegaConf.create(out)
        assert set(config) == {"sweep", *schema.sections()}
        assert (config.model.layers, config.train.updates) == (1, 1000)
    assert list(empty.iterdir()) == []


def test_cfg_of_every_configuration_of_a_sweep(empty, rnnbench):
    _, out, _ = rnnbench("run -m -c job -p task.length task.length=10,20")
    assert out == "10\n---\n20\n"


def test_cfg_hydra_and_all(empty, rnnbench):
    hydra = OmegaConf.create(rnnbench("run -c hydra hydra/launcher=dask")[1])
    assert list(hydra) == ["hydra"] and hydra.hydra.runtime.choices["hydra/launcher"] == "dask"
    everything = OmegaConf.create(rnnbench("run -c all")[1])
    assert set(everything) == {"hydra", "sweep", *schema.sections()}


def test_package_and_resolve(empty, rnnbench):
    assert rnnbench("run -c job -p init")[1] == (
        "# @package init\ninput: glorot\nrecurrent: orthogonal\noutput: glorot\nbias: 0.0\n"
    )
    line = "run -c job -p train.evaluate_every train.updates=7 train.evaluate_every=${train.updates}"
    assert rnnbench(line)[1] == "7\n"
    line = "run -c job -p train train.updates=7 train.evaluate_every=${train.updates}"
    assert "evaluate_every: ${train.updates}\n" in rnnbench(line)[1]
    assert "evaluate_every: 7\n" in rnnbench(f"{line} --resolve")[1]


def test_a_package_that_is_not_there(empty, rnnbench, capsys):
    with pytest.raises(SystemExit) as ended:
        rnnbench("run -c job -p trian")
    assert ended.value.code == 1 and "package 'trian' not found in config" in capsys.readouterr().err


def test_info(empty, rnnbench):
    (empty / "conf").mkdir()
    code, out, err = rnnbench("run --info searchpath")
    assert (code, err) == (0, "")
    rows = [line.split("|")[1].strip() for line in out.splitlines() if line.startswith("|")]
    assert rows == ["Provider", "hydra", "./conf", "main", "schema"]
    out = rnnbench("run -i defaults model=rnn experiment=example3")[1]
    assert "model/rnn" in out and "experiment/example3" in out
    assert "updates: 25000" in rnnbench("run -i config experiment=example3")[1]


def test_hydra_help(empty, rnnbench):
    code, out, err = rnnbench("run --hydra-help")
    assert (code, err) == (0, "")
    assert out.startswith("Hydra (1.3") and "hydra/launcher" in out


def test_help_names_groups_flags_and_keys(empty, rnnbench):
    (empty / "conf" / "train").mkdir(parents=True)
    (empty / "conf" / "train" / "mine.yaml").write_text("updates: 3\n")
    code, out, err = rnnbench("run --help")
    assert (code, err) == (0, "")
    assert "  train=default|mine|smoke\n" in out and "  train.updates=1000\n" in out
    for flag in ("--multirun", "--config-dir", "--cfg", "--package", "--resolve", "--info", "--hydra-help"):
        assert flag in out
    for section in schema.sections():
        assert section in out, section
    assert max(map(len, out.splitlines())) < 200


def offered(line, monkeypatch):
    monkeypatch.setenv("COMP_LINE", f"rnnbench {line}")
    return candidates()


def test_completion_of_options_keys_and_commands(empty, monkeypatch):
    assert offered("run model=el", monkeypatch) == ["model=elman"]
    assert offered("run -m task=xor model.hi", monkeypatch) == ["model.hidden="]
    assert offered("run model=rnn model.la", monkeypatch) == ["model.layers="]
    assert offered("draw task=ad", monkeypatch) == ["task=adding"]
    assert offered("run experiment=de", monkeypatch) == ["experiment=demo"]
    assert offered("run hydra/launcher=th", monkeypatch) == ["hydra/launcher=threads"]
    assert offered("re", monkeypatch) == ["report", "rerun"]
    assert offered("run model=nosuch model.h", monkeypatch) == []
    (empty / "own" / "train").mkdir(parents=True)
    (empty / "own" / "train" / "mine.yaml").write_text("updates: 3\n")
    assert offered("run -cd own train=mi", monkeypatch) == ["train=mine"]


@pytest.fixture(autouse=True)
def restored():
    """Undo what Hydra sets for the whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    HydraConfig.instance().cfg = None


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_completion_in_bash(empty):
    start = f'#!/bin/sh\nexec "{sys.executable}" -m rnnbench "$@"\n'
    (empty / "bin").mkdir()
    (empty / "bin" / "rnnbench").write_text(start)
    (empty / "bin" / "rnnbench").chmod(0o755)
    # Two words in one: the shell must not take "=" for their border.
    script = """
eval "$(rnnbench completion bash)"
echo "[$COMP_WORDBREAKS]"
COMP_LINE="rnnbench run -m model=el" COMP_POINT=24
_rnnbench rnnbench model=el -m
echo "${COMPREPLY[@]}"
"""
    environment = os.environ | {
        "PATH": f"{empty / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    *breaks, last = done.stdout.splitlines()
    assert last == "model=elman" and "=" not in "".join(breaks)


def test_completion_scripts_of_the_shells(empty, rnnbench):
    for shell in ("bash", "zsh", "fish"):
        code, out, err = rnnbench(f"completion {shell}")
        assert (code, err) == (0, "")
        asked = "bash" if shell == "zsh" else shell
        assert f"completion --query {asked}" in out

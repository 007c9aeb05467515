"""The README's examples run as they stand there."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from rnnbench import cli
from rnnbench.training import fit, stream

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def run(code):
    """Return what a block defines."""
    names = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec"), names)
    return names


def block(holding):
    (found,) = [code for code in PYTHON if holding in code]
    return found


def test_the_five_lines(capsys):
    result = run(block("rnnbench.train("))["result"]
    assert result.outcome in ("solved", "finished")
    assert f"{result.scores['test_score']}" in capsys.readouterr().out


def test_a_network_of_ones_own():
    names = run(block("loss_and_grad"))
    assert np.isfinite(names["loss"])
    assert np.isfinite(names["gradient"].vector).all()


def test_the_model_and_the_task_work_together():
    model = run(block("class Leaky"))["Leaky"](hidden=8)
    task = run(block("class Delayed"))["Delayed"](length=12, delay=2)
    net = model.build(task.n_in, task.n_out, task.output_activation)
    records = list(fit(net, task, updates=40, evaluate_every=20, seed=0))
    assert records[-1]["update"] == 40
    batch = task.test(stream(0, "test"))
    assert task.score(batch.target, batch) == 1.0
    assert [floor.score for floor in task.floors(stream(0, "test"))] == [0.0, 1.0]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] == "run"], ids=" ".join)
def test_commands_are_accepted(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{n % 7},{n % 5}\n" for n in range(200))
    Path("pump.csv").write_text(f"voltage,speed\n{rows}")
    for new in (c for c in COMMANDS if c[0] == "new"):
        assert cli.main(new) == 0
    assert cli.main(["run", "--cfg", "job", *command[1:]]) == 0
    assert "model:" in capsys.readouterr().out


def test_the_other_commands_are_commands(capsys):
    for command in (c for c in COMMANDS if c[0] == "list"):
        assert cli.main(command) == 0
    assert {c[0] for c in COMMANDS} <= set(cli.COMMANDS)
    capsys.readouterr()


def test_every_file_that_is_named_is_there():
    named = re.findall(r"`((?:rnnbench|tests|experiments|conf)/[\w/.]*)`", TEXT)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == ["rnnbench/models/leaky.py", "rnnbench/tasks/delayed.py"], (
        "only the two that are to be written"
    )

"""The command as a user starts it: in processes of its own, in an empty folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rnnbench
import rnnbench.commands
from rnnbench.cli import main
from rnnbench.commands import COMMANDS

ENVIRONMENT = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONPATH": os.pathsep.join(sys.path)}


def start(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "rnnbench", *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_help_is_quick_and_imports_nothing_heavy(tmp_path):
    code = """
import sys
from rnnbench.cli import main
assert main(["--help"]) == 0
heavy = {"numpy", "numba", "hydra", "omegaconf", "mlflow", "pandas", "rich"} & set(sys.modules)
assert not heavy, heavy
"""
    seconds = []
    for _ in range(3):
        before = os.times()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
        after = os.times()
        # Of the processor, which what else the machine does hardly changes.
        spent = (after.children_user - before.children_user, after.children_system - before.children_system)
        seconds.append(sum(spent))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("usage: rnnbench")
    # 0.04 s on an idle machine; the limit is the one that users were promised.
    assert min(seconds) < 0.25


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"rnnbench {rnnbench.__version__}\n"


def test_every_command_has_a_file_and_a_help_text(capsys):
    files = {path.stem for path in Path(rnnbench.commands.__path__[0]).glob("*.py")}
    assert set(COMMANDS) <= files
    assert main([]) == main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, about in COMMANDS.items():
        assert f"\n  {name:<11}{about}\n" in shown
        try:
            code = main([name, "--help"])
        except SystemExit as end:
            code = end.code
        assert code in (0, None) and f"rnnbench {name}" in capsys.readouterr().out, name


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("reprot demo", "reprot: unknown command (did you mean report?)\nallowed: check, completion, diff, "),
        ("--vresion", "--vresion: unknown option"),
        ("report", "the following arguments are required: STUDY\nsee: rnnbench report --help"),
        ("report demo --jsn", "unrecognized arguments: --jsn\nsee: rnnbench report --help"),
        ("completion csh", "argument shell: invalid choice: 'csh' (choose from "),
    ],
)
def test_what_is_not_a_command_is_refused(capsys, tmp_path, monkeypatch, line, said):
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"rnnbench: {said}") and len(err.splitlines()) <= 2


def test_a_model_of_ones_own_is_written_and_checked(tmp_path):
    assert start("new", "model", "leaky", cwd=tmp_path).stdout.splitlines()[0] == "rnnbench_plugins/leaky.py"
    assert "leaky: " in start("list", "models", cwd=tmp_path).stdout
    done = start("check", "leaky", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "model leaky [rnnbench_plugins/leaky.py]: all 12 contracts hold"
    assert [p.name for p in tmp_path.iterdir()] == ["rnnbench_plugins"]
    assert [p.name for p in (tmp_path / "rnnbench_plugins").iterdir()] == ["leaky.py"]


@pytest.mark.parametrize("encoding", ["ascii", "ascii:surrogateescape"])
def test_a_log_that_is_not_in_utf_8_gets_question_marks(tmp_path, encoding):
    line = [sys.executable, "-m", "rnnbench", "run", "--dry-run", "model=elman", "task.length=8"]
    ascii_only = ENVIRONMENT | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(line, cwd=tmp_path, env=ascii_only, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "elman ? adding T=8" in done.stdout


def test_a_closed_output_is_no_error(tmp_path):
    line = f"{sys.executable} -m rnnbench run --dry-run model=elman task.length=8 >&-"
    done = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_who_reads_no_further_gets_no_traceback(tmp_path):
    read, write = os.pipe()
    os.close(read)
    line = ["run", "--dry-run", "model=elman", "task.length=8"]
    done = subprocess.run(
        [sys.executable, "-m", "rnnbench", *line],
        cwd=tmp_path, env=ENVIRONMENT, stdout=write, stderr=subprocess.PIPE, text=True, timeout=300,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
def test_end_to_end(tmp_path):
    """Sweep, search_runs of a plain MLflow, report: each in a process of its own."""
    line = "model=elman,tdnn task=adding task.length=8 task.validation_size=16 task.test_size=16 seeds=2"
    done = start("run", "-m", *line.split(), "train=smoke", "model.hidden=4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [text.split()[0] for text in done.stdout.splitlines()] == ["elman", "tdnn"]
    # Said only where it takes long.
    slow = ("compiling the kernels", "on the way to MLflow")
    quiet = [text for text in done.stderr.splitlines() if not any(part in text for part in slow)]
    assert quiet == ["default: 2 configurations, 4 runs"]
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]

    code = f"""
import json, mlflow
mlflow.set_tracking_uri("sqlite:///{tmp_path / "runs" / "mlflow.db"}")
found = mlflow.search_runs(search_all_experiments=True)
columns = ["params.model", "params.seed", "metrics.final/test_score", "tags.key", "status"]
print(found[columns].to_json(orient="records"))
"""
    other = subprocess.run(
        [sys.executable, "-c", code], cwd="/", env=ENVIRONMENT, capture_output=True, text=True
    )
    assert other.returncode == 0, other.stderr
    rows = json.loads(other.stdout)
    assert {(r["params.model"], r["params.seed"], r["status"]) for r in rows} == {
        (model, seed, "FINISHED") for model in ("elman", "tdnn") for seed in ("0", "1")
    }
    assert len({r["tags.key"] for r in rows}) == 4

    report = start("report", "default", cwd=tmp_path)
    assert report.returncode == 0, report.stderr
    assert report.stdout.splitlines()[-1] == "reports/default/index.md"
    assert (tmp_path / "reports" / "default" / "table.csv").stat().st_size > 0


def test_a_refusal_is_short_and_leaves_nothing(tmp_path):
    done = start("run", "model=elmann", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "rnnbench: model=elmann: unknown model (did you mean elman?)"
    assert len(done.stderr.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []

"""`rnnbench draw`: from a command line to pictures, or to one or two plain lines."""

import json

import pytest

from rnnbench import models
from rnnbench.cli import main
from rnnbench.commands.draw import read
from tests.network import textbook

FORMS = ("folded.svg", "folded.png", "unfolded.svg", "unfolded.png")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("model", models.found())
def test_every_model_is_drawn_without_settings(model):
    network, how = read([f"model={model}"])
    assert (network.n_in, network.n_out) == (2, 1)
    assert how == {"name": model, "steps": 5, "loop": "closed", "folder": "diagrams"}


def test_files_and_their_names_on_the_terminal(tmp_path, capsys):
    assert main(["draw", "model=brnn", "model.hidden=3", "steps=3", "output=pictures"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"pictures/brnn-{form}" for form in FORMS]
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == sorted(f"brnn-{f}" for f in FORMS)
    assert [p.name for p in tmp_path.iterdir()] == ["pictures"]
    assert "3 tanh" in (tmp_path / "pictures" / "brnn-folded.svg").read_text(encoding="utf-8")


def test_settings_reach_the_network():
    tdnn, _ = read(["model=tdnn", "model.window=3", "task=temporal_order", "budget.parameters=500"])
    assert max(a.lag for a in tdnn.arrows) == 3
    assert (tdnn.n_in, tdnn.n_out) != (2, 1)
    assert abs(tdnn.n_parameters - 500) < 50
    network, _ = read(["model=rnn", "budget.macs=500"])
    assert abs(network.macs_per_step - 500) < 30


def test_a_network_from_a_file(tmp_path):
    net = textbook.skips(2, 3, 2, 2)
    (tmp_path / "mine.json").write_text(json.dumps(net.to_dict()), encoding="utf-8")
    network, how = read(["network=mine.json", "loop=open"])
    assert (network, how["name"], how["loop"]) == (net, "mine", "open")


def test_a_model_and_a_task_of_the_user(tmp_path, capsys):
    for kind in ("model", "task"):
        assert main(["new", kind, f"my_{kind}"]) == 0
    capsys.readouterr()
    assert read(["model=my_model", "task=my_task"])[1]["name"] == "my_model"
    (tmp_path / "rnnbench_plugins" / "my_model.py").write_text(
        "import nothing_of_that_name\n", encoding="utf-8"
    )
    assert main(["draw", "model=my_model"]) == 1
    assert "my_model.py" in capsys.readouterr().err


def test_help(capsys):
    assert main(["draw", "--help"]) == 0
    assert "rnnbench draw model=brnn" in capsys.readouterr().out


FILES = {
    "text.json": b"boxes",
    "bytes.json": b"\xff\xfe",
    "list.json": b"[1]",
    "empty.json": b"{}",
    "keys.json": b'{"boxes": [{"nam": "y"}], "arrows": [], "n_in": 1}',
    "kinds.json": b'{"boxes": 3, "arrows": [], "n_in": 1}',
    "cycle.json": b'{"boxes": [{"name": "y", "size": 1}], '
    b'"arrows": [{"source": "y", "target": "y"}], "n_in": 1}',
}
WRONG = {
    "model=brn": "model=brn: unknown model (did you mean brnn?)",
    "model.hiden=3": "did you mean model.hidden?",
    "model.hidden=0": "model.hidden=0: must be",
    "model=elman,rnn": "several values",
    "brnn": "did you mean model=brnn?",
    "--steps": "allowed: --help and KEY=VALUE",
    "steps=0": "steps=0: must be a whole number from 1 to 40",
    "steps=41": "from 1 to 40",
    "steps=": "steps='': must be a whole number",
    "steps=-3": "must be a whole number",
    "loop=ajar": "loop='ajar': must be one of closed, open",
    "output=": "output=: must be the name of a folder",
    "network=": "network=",
    "output=a_file": "a_file: cannot be written",
    "network=missing.json": "network=missing.json: cannot be read (No such file",
    "network=.": "network=.: cannot be read",
    "network=text.json": "network=text.json: is no JSON",
    "network=bytes.json": "is no JSON in UTF-8",
    "network=list.json": "network=list.json: describes no network",
    "network=empty.json": "'boxes' is missing",
    "network=keys.json": "network=keys.json: describes no network",
    "network=kinds.json": "describes no network",
    "network=cycle.json": "cycle y -> y",
    "network=cycle.json model=elman": "model=elman: a network from a file has no model",
    "experiment=demo": "only one is allowed here",
}


@pytest.mark.parametrize("line", WRONG)
def test_refusals_are_short_and_write_nothing(line, tmp_path, capsys):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "a_file").write_text("", encoding="utf-8")
    assert main(["draw", *line.split()]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("rnnbench: ") and 1 <= len(err.splitlines()) <= 2
    assert WRONG[line] in err
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*FILES, "a_file"])

"""`rnnbench new`: the files to start from."""

import keyword

import pytest

from rnnbench import plugins
from rnnbench.checking import check_model, check_task
from rnnbench.plugins.writing import class_name, write


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_model_to_start_from_keeps_all_contracts(folder):
    path = write("model", "slow_memory")
    assert str(path) == "rnnbench_plugins/slow_memory.py"
    made = plugins.models()["slow_memory"]()
    assert type(made).__name__ == "SlowMemory"
    assert [str(f) for f in check_model(made) if not f.holds] == []
    text = path.read_text()
    assert 25 <= len(text.splitlines()) <= 45
    assert all(word in text for word in ("Box(", "Arrow(", "lag=1", "cut_every", "SEARCH", "slow_memory"))
    assert [p.name for p in path.parent.iterdir()] == ["slow_memory.py"]


def test_a_task_to_start_from_keeps_all_contracts():
    path = write("task", "parrot")
    made = plugins.tasks()["parrot"]()
    assert (made.name, made.label, made.at(80).label) == ("parrot", "parrot T=50", "parrot T=80")
    assert [str(f) for f in check_task(made) if not f.holds] == []
    assert len(path.read_text().splitlines()) <= 60


@pytest.mark.parametrize("name", ["3x", "a-b", "a b", "", "_x", "../x", "größe", "x.py"])
def test_names_that_no_file_can_have(name, folder):
    with pytest.raises(ValueError, match="must be letters, digits and '_', a letter first"):
        write("model", name)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", [*keyword.kwlist[3:6], "null", "true", "elman", "adding"])
def test_names_that_are_taken(name, folder):
    with pytest.raises(ValueError, match=f"^{name}: is a"):
        write("task", name)
    assert list(folder.iterdir()) == []


def test_nothing_is_overwritten():
    path = write("model", "mine")
    path.write_text("precious")
    for kind in ("model", "task"):
        with pytest.raises(ValueError, match=r"mine\.py exists already; it is not overwritten"):
            write(kind, "mine")
    assert path.read_text() == "precious"


def test_class_names():
    assert class_name("my_model") == "MyModel"
    assert class_name("narx2") == "Narx2"
    assert class_name("a__b") == "AB"

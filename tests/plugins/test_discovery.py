"""What is found in `./rnnbench_plugins` and through entry points, and what is said of the rest."""

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from rnnbench import models as built_in_models
from rnnbench import plugins
from rnnbench import tasks as built_in_tasks
from tests.plugins.conftest import LEAKY


def problem():
    (only,) = plugins.problems()
    assert "\n" not in str(only)
    return str(only)


def test_without_plugins_there_is_what_is_built_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert plugins.models() == built_in_models.found()
    assert plugins.tasks() == built_in_tasks.found()
    assert plugins.problems() == []
    assert plugins.source_of(built_in_models.found()["elman"]) is None


def test_a_file_is_found_by_its_name(put):
    put("leaky")
    found = plugins.models()
    assert list(found) == sorted([*built_in_models.found(), "leaky"])
    assert found["leaky"]().build(1, 1).n_out == 1
    assert plugins.source_of(found["leaky"]).origin == "rnnbench_plugins/leaky.py"
    assert len(plugins.source_of(found["leaky"]).digest) == 16
    assert plugins.problems() == []


def test_a_file_is_executed_once_and_again_when_it_has_changed(put):
    path = put("leaky")
    first = plugins.models()["leaky"]
    assert plugins.models()["leaky"] is first
    # In the same second and of the same length: a time stamp would not tell them apart.
    path.write_text(LEAKY.replace("hidden: int = 4", "hidden: int = 5"))
    assert plugins.models()["leaky"]().hidden == 5
    assert plugins.source_of(plugins.models()["leaky"]).digest != plugins.source_of(first).digest
    assert not (path.parent / "__pycache__").exists()


def test_each_folder_has_its_own(put, tmp_path, monkeypatch):
    put("leaky")
    here = plugins.models()["leaky"]
    other = tmp_path / "other"
    (other / "rnnbench_plugins").mkdir(parents=True)
    (other / "rnnbench_plugins" / "leaky.py").write_text(LEAKY.replace("= 4", "= 7"))
    monkeypatch.chdir(other)
    assert plugins.models()["leaky"]().hidden == 7
    monkeypatch.chdir(tmp_path)
    assert plugins.models()["leaky"] is here


def test_files_may_share_a_helper(put):
    put("_shared", "WIDTH = 9\n")
    put("leaky", "from rnnbench_plugins._shared import WIDTH\n" + LEAKY.replace("= 4", "= WIDTH"))
    assert plugins.models()["leaky"]().hidden == 9


HALF = """
from dataclasses import dataclass
from rnnbench.tasks.contract import Task

@dataclass
class Half(Task):
    length: int = 3
"""

#: content: what the one line must say
UNUSABLE = {
    "def f(:\n": "cannot be imported (SyntaxError: invalid syntax, line 1)",
    "\n\n1 / 0\n": "cannot be imported (ZeroDivisionError: division by zero, line 3)",
    "import nosuchlibrary\n": "No module named 'nosuchlibrary'",
    "raise SystemExit\n": "cannot be imported (SystemExit",
    "": "defines none; one public dataclass is expected",
    "class A: pass\n": "defines none",
    LEAKY + LEAKY.replace("Leaky", "Other"): "defines 2 (Leaky, Other)",
    LEAKY.replace("@dataclass\n", ""): "its class Leaky is not a dataclass; write @dataclass above it",
    LEAKY.replace("    VERSION: ClassVar[int] = 3\n", ""): "needs a line VERSION: ClassVar[int] = 1",
    LEAKY.replace("ClassVar[int]", "int"): "needs a line VERSION: ClassVar[int] = 1",
    LEAKY.replace("= 3", "= 'new'"): "needs a line VERSION: ClassVar[int] = 1",
    HALF: "its task Half does not define floors, n_in, n_out",
}


@pytest.mark.parametrize("text", UNUSABLE)
def test_a_file_that_cannot_be_used_is_one_plain_line(text, put):
    put("bad", text)
    put("leaky")
    assert problem().startswith("rnnbench_plugins/bad.py: ")
    assert UNUSABLE[text] in problem()
    assert "leaky" in plugins.models() and "bad" not in plugins.models()


def test_files_that_are_no_text_have_no_name_or_cannot_be_read(put):
    put("bad", b"\xff\xfe")
    assert "SyntaxError" in problem()
    (put("bad").parent / "bad.py").unlink()
    put("my-model")
    assert "letters, digits and '_'" in problem()


@pytest.mark.parametrize("name", ["elman", "adding"])
def test_a_built_in_name_is_taken(name, put):
    put(name)
    assert problem() == f"rnnbench_plugins/{name}.py: {name} is a built-in name already; choose another name"
    assert plugins.models().get("elman") is built_in_models.found()["elman"]


@pytest.fixture
def distribution(put, tmp_path, monkeypatch):
    """Install a distribution that names modules under the entry point."""
    site = tmp_path / "site"

    def install(points, files):
        info = site / "fakenets-1.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fakenets\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text("[rnnbench.plugins]\n" + "\n".join(points) + "\n")
        for name, text in files.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_text(text)
        monkeypatch.syspath_prepend(site)

    yield install
    for name in [n for n in sys.modules if n.startswith("fakenets")]:
        del sys.modules[name]


def test_an_entry_point_names_a_module(distribution):
    distribution(["any = fakenets_slow"], {"fakenets_slow.py": LEAKY})
    model = plugins.models()["fakenets_slow"]
    assert plugins.source_of(model).origin == "fakenets 1.5: fakenets_slow"
    assert len(plugins.source_of(model).digest) == 16


def test_an_entry_point_names_a_package(distribution):
    files = {
        "fakenets/__init__.py": "",
        "fakenets/one.py": LEAKY,
        "fakenets/two.py": LEAKY.replace("Leaky", "Two"),
        "fakenets/helpers.py": "X = 1\n",
        "fakenets/_hidden.py": "1 / 0\n",
        "fakenets/bad.py": "1 / 0\n",
    }
    distribution(["any = fakenets"], files)
    assert {"one", "two"} <= set(plugins.models())
    assert problem() == (
        "fakenets 1.5: fakenets.bad: cannot be imported (ZeroDivisionError: division by zero)"
    )


def test_an_entry_point_that_leads_nowhere(distribution, put):
    put("leaky")
    distribution(["lost = fakenets_gone"], {})
    assert "fakenets 1.5: fakenets_gone: cannot be imported" in problem()
    assert "leaky" in plugins.models()


def test_two_plugins_of_one_name(distribution, put):
    put("fakenets_slow")
    distribution(["any = fakenets_slow"], {"fakenets_slow.py": LEAKY})
    assert "is the name of rnnbench_plugins/fakenets_slow.py already; choose another name" in problem()


def test_a_class_that_is_imported_is_not_the_files_own(put):
    put("leaky", LEAKY + "\nfrom rnnbench.models.elman import Elman\n")
    assert plugins.models()["leaky"].__name__ == "Leaky"


def test_help_looks_at_no_plugin(put):
    put("bad", "raise SystemExit('loaded')\n")
    command = [sys.executable, "-m", "rnnbench", "--help"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "loaded" not in done.stdout + done.stderr


def test_train_takes_plugins(put):
    put("leaky")
    import rnnbench

    result = rnnbench.train(model="leaky", task="adding", length=8, validation_size=8, test_size=8, updates=2)
    assert result.updates == 2


def test_a_local_class_has_no_source():
    @dataclass
    class Local:
        pass

    assert plugins.source_of(Local) is None

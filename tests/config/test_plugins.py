"""Plugins from the command line: listed, run, swept, recorded, reported; and what is said of broken ones."""

import json
import re

import pytest

from rnnbench.config import groups
from rnnbench.config.composition import compose_one, composing
from rnnbench.store import Store
from tests.commands.conftest import rnnbench
from tests.config.composing import configured

__all__ = ["rnnbench"]

SMALL = "train=smoke train.updates=2 task.length=8"


@pytest.fixture
def own(folder, rnnbench):
    """A model `leaky` and a task `parrot` as `rnnbench new` writes them."""
    assert rnnbench("new model leaky")[0] == rnnbench("new task parrot")[0] == 0
    return folder / "rnnbench_plugins"


def test_new_says_what_it_wrote(empty, rnnbench):
    code, out, err = rnnbench("new model leaky")
    assert (code, err) == (0, "")
    assert out.splitlines() == ["rnnbench_plugins/leaky.py", "try it: rnnbench check leaky"]
    assert (empty / "rnnbench_plugins" / "leaky.py").is_file()


@pytest.mark.parametrize(
    ("line", "said"),
    {
        "new": "rnnbench new --help",
        "new modle x": "invalid choice: 'modle'",
        "new model 3x": "3x: must be letters, digits",
        "new model class": "class: is a keyword of Python",
        "new task elman": "elman: is a built-in name",
        "check": "rnnbench check --help",
        "check elmn": "elmn: unknown model or task (did you mean elman?)",
        "check elman hidden=3": "hidden=3: expected model.FIELD=VALUE",
        "check elman model.hiden=3": "did you mean model.hidden?",
        "check elman model.hidden=x": "model.hidden=x: must be a whole number",
        "check elman model.hidden=[1": "model.hidden=[1: the value of model.hidden cannot be read",
        "check elman model.hidden=1,2": "several values",
        "check elman model.hidden=0": "model.hidden=0: must be a whole number of at least 1",
        "check csv task.path=gone.csv task.targets=y": "task.path=gone.csv: No such file",
    }.items(),
)
def test_wrong_lines(line, said, empty, rnnbench):
    code, out, err = rnnbench(line)
    assert (code, out) == (1, "")
    assert err.startswith("rnnbench: ") and said in err and 1 <= len(err.splitlines()) <= 2, err
    assert list(empty.iterdir()) == []


def test_a_folder_that_cannot_be_made(empty, rnnbench):
    (empty / "rnnbench_plugins").write_text("a file in the way")
    code, out, err = rnnbench("new model leaky")
    assert (code, out) == (1, "") and "cannot be written" in err and len(err.splitlines()) == 1


def test_listed_with_their_origin(own, rnnbench):
    code, out, err = rnnbench("list models")
    assert (code, err) == (0, "")
    assert re.search(r"^leaky: Recurrent network.*\[rnnbench_plugins/leaky\.py\]$", out, re.MULTILINE)
    assert "model.keep=0.9" in out and not re.search(r"^elman: .*\[", out, re.MULTILINE)
    assert (
        "parrot: Repeat the input of `delay` steps ago.  [rnnbench_plugins/parrot.py]"
        in rnnbench("list tasks")[1]
    )


def test_part_of_the_configuration(own):
    configuration = configured("model=leaky model.hidden=3 task=parrot task.delay=2")
    assert (configuration.model.hidden, configuration.task.delay) == (3, 2)
    with composing():
        assert "leaky" in groups.options()["model"] and "parrot" in groups.options()["task"]
        assert compose_one(["model=leaky"])[0].model.keep == 0.9


@pytest.mark.parametrize(
    ("line", "said"),
    {
        "model=leaky model.hiden=3": "did you mean model.hidden?",
        "model=leaky model.hidden=many": "model.hidden=many: must be a whole number",
        "model=leaky model.keep=1.5": "model.keep=1.5: must lie in [0, 1)",
        "model=leeky": "did you mean leaky?",
        "task=parrot task.delay=50": "task.delay=50: must be a whole number from 1 to 49",
    }.items(),
)
def test_refused_like_the_built_in_ones(line, said, own, rnnbench):
    code, out, err = rnnbench(f"run {line}")
    assert (code, out) == (1, "") and said in err and len(err.splitlines()) <= 2


def test_swept_in_several_threads_recorded_and_reported(own, rnnbench):
    code, out, err = rnnbench(
        f"run -m model=leaky,elman task=parrot {SMALL} model.hidden=3 seeds=3 train.threads=2"
    )
    assert code == 0, err
    assert [line.split()[0] for line in out.splitlines()] == ["leaky", "elman"]
    records = list(Store().study("default").records())
    assert {(r["model"], r["task"], r["seed"]) for r in records} == {
        (model, "parrot", seed) for model in ("leaky", "elman") for seed in range(3)
    }
    for record in records:
        source = record["provenance"].get("model_source")
        assert (record["model"] == "leaky") == bool(source)
        assert re.fullmatch(r"rnnbench_plugins/parrot\.py [0-9a-f]{16}", record["provenance"]["task_source"])
    assert rnnbench("report default")[0] == 0
    page = (own.parent / "reports" / "default" / "index.md").read_text()
    assert "rnnbench_plugins/leaky.py" in page.replace("\\", "")


def test_the_key_knows_the_version_and_the_provenance_the_source(own, rnnbench):
    line = f"run model=leaky model.hidden=3 task=parrot {SMALL}"
    path = own / "leaky.py"
    rnnbench(line)
    path.write_text(path.read_text() + "# a comment\n")
    _, out, err = rnnbench(line)
    assert out and "the file of model leaky has changed since 1 of the finished runs" in err
    _, out, err = rnnbench(f"{line} resume=off")
    assert out and "has changed" not in err
    path.write_text(path.read_text().replace("ClassVar[int] = 1", "ClassVar[int] = 2"))
    rnnbench(line)
    study = Store().study("default")
    replaced = [path for path in study.layout.removed.iterdir()]
    found = [json.loads((p / "record.json").read_bytes()) for p in replaced] + list(study.records())
    assert len(found) == 3 and len({r["provenance"]["model_source"] for r in found}) == 3
    # The second has replaced the first, whose key it has.
    assert found[0]["key"] == found[1]["key"] != found[2]["key"]


def test_a_broken_plugin_is_said_and_the_rest_works(own, rnnbench):
    (own / "bad.py").write_text("1 / 0\n")
    reason = "cannot be imported (ZeroDivisionError: division by zero, line 1)"
    said = f"rnnbench: rnnbench_plugins/bad.py: {reason}\n"
    for line in (
        "list models",
        "list tasks",
        f"run model=leaky model.hidden=3 {SMALL} task=parrot",
        "run --cfg job",
    ):
        code, out, err = rnnbench(line)
        assert code == 0 and err.startswith(said) and out
    for line in ("run model=bad", "run task=bad", "check bad"):
        assert rnnbench(line) == (1, "", said)
    assert rnnbench("list experiments")[2] == ""


def test_fields_that_no_configuration_can_hold(own, rnnbench):
    path = own / "leaky.py"
    path.write_text(path.read_text().replace("hidden: int = 32", "hidden: int | list[int] = 32"))
    code, out, err = rnnbench("list models")
    assert code == 0 and "leaky:" not in out
    assert "leaky.py: its fields cannot be keys of a configuration" in err and "write the type Any" in err
    assert len(err.splitlines()) == 1
    assert rnnbench("run model=leaky")[0] == 1


def test_a_model_that_builds_nothing(own, rnnbench):
    path = own / "leaky.py"
    path.write_text(path.read_text().replace("return Network(boxes, arrows, n_in)", "pass"))
    code, out, err = rnnbench("run model=leaky")
    assert (code, out) == (1, "")
    assert err == "rnnbench: model=leaky: build must return a Network, this is a NoneType\n"


def test_check_prints_a_line_for_each_contract(own, rnnbench):
    code, out, err = rnnbench("check leaky model.hidden=5")
    assert (code, err) == (0, "")
    *lines, last = out.splitlines()
    assert len(lines) == 12 and all(line.startswith("ok ") for line in lines)
    assert last == "model leaky [rnnbench_plugins/leaky.py]: all 12 contracts hold"
    assert rnnbench("check parrot task.length=12")[1].splitlines()[-1].endswith("all 12 contracts hold")
    assert rnnbench("check csv")[0] == rnnbench("check tdnn")[0] == 0


def test_check_names_what_fails(own, rnnbench):
    path = own / "parrot.py"
    path.write_text(path.read_text().replace("np.roll(x, self.delay, axis=0)", "np.roll(x, -1, axis=0)"))
    code, out, err = rnnbench("check parrot")
    assert code == 1
    (line,) = [line for line in out.splitlines() if line.startswith("FAILED")]
    assert line.startswith("FAILED  refusals") and "causal_only is False" in line
    assert err == "rnnbench: task parrot [rnnbench_plugins/parrot.py]: 1 of 12 contracts FAILED\n"


@pytest.mark.parametrize(
    ("entry", "said"),
    {
        '{"model.kep": ("uniform", 0, 1)}': "SEARCH of leaky: model.kep: unknown key (did you mean",
        '{"model.keep": ("uniform", 0.0, 1.0)}': "cannot be tried (model.keep=1.0: must lie in [0, 1))",
        '{"model.keep": ("choice", 0.5, "all")}': "SEARCH of leaky: model.keep=['choice', 0.5, 'all']",
        '{"model.keep": 0.5}': "SEARCH of leaky: model.keep=0.5: must be null (not tuned), [log, LOW, HIGH]",
        '{"train.dtype": ("choice", "float32", "float64")}': "train.dtype: cannot be tuned; it is no",
        "[1]": "SEARCH of leaky: [1] must map keys",
    }.items(),
)
def test_check_tries_the_search_space_of_a_model(entry, said, own, rnnbench):
    path = own / "leaky.py"
    text = path.read_text()
    path.write_text(text.replace('{"model.keep": ("uniform", 0.0, 0.99)}', entry))
    assert path.read_text() != text
    code, out, err = rnnbench("check leaky")
    (line,) = [line for line in out.splitlines() if line.startswith("FAILED")]
    assert code == 1 and line.startswith("FAILED  search ") and said in line, line
    assert err.endswith("1 of 12 contracts FAILED\n")


def test_check_of_a_model_that_declares_no_space(own, rnnbench):
    path = own / "leaky.py"
    path.write_text(path.read_text().replace("SEARCH:", "OTHER:"))
    assert rnnbench("check leaky")[1].splitlines()[-1].endswith("all 11 contracts hold")


def test_check_of_a_class_without_defaults(own, rnnbench):
    path = own / "leaky.py"
    path.write_text(path.read_text().replace("hidden: int = 32", "hidden: int"))
    code, out, _ = rnnbench("check leaky")
    assert code == 1 and out.startswith("FAILED  settings") and "cannot be made with its defaults" in out


def test_check_of_a_class_that_fails_when_it_is_made(own, rnnbench):
    path = own / "leaky.py"
    path.write_text(path.read_text().replace("if self.hidden < 1:", "if self.hiden < 1:"))
    code, out, err = rnnbench("check leaky")
    assert code == 1 and len(out.splitlines()) == len(err.splitlines()) == 1
    assert "AttributeError" in out and "(leaky.py, line 23)" in out


def test_annotations_may_be_text(own, rnnbench):
    path = own / "leaky.py"
    path.write_text(
        path.read_text().replace('"""\n\nfrom', '"""\n\nfrom __future__ import annotations\n\nfrom', 1)
    )
    assert "__future__" in path.read_text()
    assert rnnbench("list models")[2] == ""
    assert configured("model=leaky model.hidden=3 model.keep=0.5").model.keep == 0.5


def test_a_width_that_is_refused_in_build(own, rnnbench):
    path = own / "leaky.py"
    path.write_text(path.read_text().replace("if self.hidden < 1:", "if False:"))
    code, out, err = rnnbench("run model=leaky model.hidden=0")
    assert (code, out) == (1, "") and err.startswith("rnnbench: box h: size=0") and len(err.splitlines()) == 1

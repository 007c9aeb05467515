"""`rnnbench report`: page and table of stored runs, with damaged ones left out and named."""

import shutil

import pytest

from rnnbench.cli import main
from rnnbench.store import Store, Study
from tests.store.records import commit, key_of


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a small sweep."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        line = "train=smoke task.validation_size=16 task.test_size=16 model.hidden=4 study.name=small"
        line = [*line.split(), "tracking.mirror=later"]
        assert main(["run", "-m", "model=elman,mlp", "task.length=8", "seeds=2", *line]) == 0
        assert main(["run", "model=elman", "task.length=9", *line]) == 0
    return folder


@pytest.fixture
def stored(trained, folder):
    """The sweep in a working folder of its own: the keys of its runs."""
    shutil.copytree(trained / "runs" / "small", folder / "runs" / "small")
    return {(s.model, s.task_label, s.seed): s.key for s in Store().study("small").summaries().values()}


def test_page_and_table(stored, folder, rnnbench):
    skipped = {
        "model": "mlp",
        "task": "adding",
        "task_label": "adding T=9",
        "reason": "no targets are known",
    }
    Store().study("small").note("Why?", [skipped])
    code, out, err = rnnbench("report small")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "reports/small/index.md" and "adding T=8" in out
    page = (folder / "reports" / "small" / "index.md").read_text(encoding="utf-8")
    for text in (out, page):
        assert "no targets are known" in text and "elman" in text and "mlp" in text
    assert (folder / "reports" / "small" / "learning_curves.png").exists()


def test_each_record_is_read_once(stored, rnnbench, monkeypatch):
    read, keys = Study.record, []
    monkeypatch.setattr(Study, "record", lambda study, key: keys.append(key) or read(study, key))
    assert rnnbench("report small")[0] == 0
    assert sorted(keys) == sorted(stored.values())


@pytest.mark.parametrize("name", ["record.json", "history.csv", "predictions.npz"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 damaged", None])
def test_a_damaged_file_is_named_and_the_other_runs_are_reported(stored, folder, rnnbench, name, content):
    key = stored["elman", "adding T=8", 0]
    path = folder / "runs" / "small" / key / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    code, out, err = rnnbench("report small")
    assert code == 0 and "mlp" in out
    (line,) = err.splitlines()
    assert line.startswith(f"rnnbench: run small/{key}: {name} ")
    runs = (folder / "reports" / "small" / "runs.csv").read_text().splitlines()
    # A run without predictions still has its scores.
    assert len(runs) - 1 == (5 if name == "predictions.npz" else 4)


def test_studies_without_finished_runs(folder, rnnbench):
    commit(Store().study("broken"), key_of(1), outcome="failed")
    assert rnnbench("report broken") == (1, "", "rnnbench: study broken: has no finished runs\n")
    code, out, err = rnnbench("report brokn")
    assert (code, out) == (1, "") and err.startswith(
        "rnnbench: brokn: unknown study (did you mean broken?)\nallowed: "
    )
    assert not (folder / "reports").exists()


def test_a_report_that_cannot_be_written(stored, folder, rnnbench):
    (folder / "reports").write_text("a file")
    code, out, err = rnnbench("report small")
    assert (code, out) == (1, "") and err.startswith("rnnbench: ") and "reports: cannot be written" in err

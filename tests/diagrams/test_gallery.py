"""The gallery: every model, every picture it names, no address outside, whole or not at all."""

import re

import pytest

from rnnbench import models
from rnnbench.cli import main
from rnnbench.diagrams import gallery as room
from rnnbench.diagrams.gallery_page import in_html, in_markdown, lowered


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("gallery") / "models"
    assert main(["gallery", "--output", str(where)]) == 0
    return where


def test_every_model_has_its_page_parts(folder):
    page = (folder / "index.html").read_text(encoding="utf-8")
    marked = (folder / "index.md").read_text(encoding="utf-8")
    for name in set(models.found()) - set(room.WITHOUT_NETWORK):
        assert f'<h2 id="{name}">' in page and f"\n## {name}\n" in marked
        section = page.partition(f'<h2 id="{name}">')[2].partition("<h2 ")[0]
        for part in ("MATLAB", "SNNS", "PyTorch", "source", "parameters", 'class="equations"', "influence"):
            assert part in section, (name, part)
        net = models.found()[name](hidden=8).build(2, 1)
        assert f"{net.n_parameters:,} at H = 8" in section
    for wrong in ("None", "``", "_{", "&lt;sub"):
        assert wrong not in page and wrong not in marked


def test_it_works_without_a_network(folder):
    page = (folder / "index.html").read_text(encoding="utf-8")
    marked = (folder / "index.md").read_text(encoding="utf-8")
    named = re.findall(r'src="([^"]*)"', page)
    assert named and set(named) == set(re.findall(r"!\[.*?\]\((.*?)\)", marked))
    assert {path.name for path in folder.iterdir()} == {*named, "index.html", "index.md"}
    assert not re.search(r'(src|href)="(https?:)?//', page) and "<script" not in page


def test_claims_of_the_notes(folder):
    page = (folder / "index.html").read_text(encoding="utf-8")
    facts = {
        name: page.partition(f'<h2 id="{name}">')[2].partition("<h3>")[2].partition("<h3>")[0]
        for name in ("tdnn", "elman", "jordan", "rnn")
    }
    assert "not 0 up to lag 10" in facts["tdnn"]
    for name in ("elman", "jordan"):
        assert "not 0 up to lag 50" in facts[name] and "seen in training: 0 and 0" in facts[name]
    assert "seen in training: 50" in facts["rnn"]


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["gallery", "--output", str(tmp_path / "file" / "models")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_marks():
    assert lowered("h_{t} = const_{4}(h_{t−1}) W_{hh} < 1") == (
        "<i>h</i><sub>t</sub> = const<sub>4</sub>(<i>h</i><sub>t−1</sub>) <i>W</i><sub>hh</sub> &lt; 1"
    )
    assert in_html("``a < b``") == "<code>a &lt; b</code>"
    assert in_markdown("``a | b``") == "`a \\| b`"

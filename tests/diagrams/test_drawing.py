"""Diagrams as files: what is written, that it is well-formed, and that texts fit into their rooms."""

import itertools
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import rnnbench
from rnnbench.diagrams import folded, unfolded
from rnnbench.diagrams.rendering import RESOLUTION, figure_of, png, svg
from tests.models.small import EVERY
from tests.network import textbook
from tests.network.test_diagrams import CUSTOM

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = {
    "jordan": folded(textbook.jordan(2, 3, 1, 0.5), "jordan"),
    "brnn": unfolded(textbook.brnn(2, 3, 3, 1, initial="learned"), "brnn", steps=3),
}


@pytest.mark.parametrize("name", PICTURES)
def test_svg_is_well_formed_and_says_what_it_shows(name):
    root = ElementTree.fromstring(svg(PICTURES[name]))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    title, description = root[0], root[1]
    assert (title.tag, title.get("id"), title.text) == (f"{SVG}title", "title", PICTURES[name].title)
    assert (description.tag, description.get("id")) == (f"{SVG}desc", "desc")
    assert description.text == PICTURES[name].description
    assert len(root.findall(f".//{SVG}title")) == 1


@pytest.mark.parametrize("name", PICTURES)
def test_equal_diagrams_give_equal_bytes(name):
    assert svg(PICTURES[name]) == svg(PICTURES[name])
    assert png(PICTURES[name]) == png(PICTURES[name])
    assert b"<dc:date>" not in svg(PICTURES[name])


def test_png_has_the_size_of_the_sheet():
    content = png(PICTURES["brnn"])
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    size = [int.from_bytes(content[at : at + 4], "big") for at in (16, 20)]
    sheet = PICTURES["brnn"].width, PICTURES["brnn"].height
    assert size == pytest.approx([RESOLUTION * side / 72 for side in sheet], abs=1.0)


def drawn_texts(picture):
    """Every text with its extent in points."""
    figure = figure_of(picture)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    scale = 72 / figure.dpi
    found = []
    for text in figure.axes[0].texts:
        text.set_bbox(None)
        box = text.get_window_extent(canvas.get_renderer())
        found.append((text.get_text(), *(scale * side for side in box.extents)))
    return found


@pytest.mark.parametrize("name", [*EVERY, *CUSTOM])
def test_texts_are_no_wider_than_the_layout_thinks(name):
    net = CUSTOM[name] if name in CUSTOM else EVERY[name].build(2, 1)
    for picture in (folded(net, name, loop="open"), unfolded(net, name, steps=3)):
        rooms = [(label.text, label.rect) for label in picture.labels]
        rooms += [(line, node.rect) for node in picture.nodes for line in node.lines]
        texts = drawn_texts(picture)
        assert len(texts) == len(rooms)
        for text, left, bottom, right, top in texts:
            assert any(
                text == words
                and room.left - 0.1 <= left
                and right <= room.right + 0.1
                and room.bottom - 1.5 <= bottom
                and top <= room.top + 1.5
                for words, room in rooms
            ), text
        for (one, *a), (other, *b) in itertools.combinations(texts, 2):
            assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]), (one, other)


def test_letters_without_a_glyph_are_no_error():
    net = rnnbench.Network([rnnbench.Box("記憶", 2), rnnbench.Box("y", 1)],
                           [rnnbench.Arrow("x", "記憶"), rnnbench.Arrow("記憶", "y")], n_in=1)  # fmt: skip
    assert svg(folded(net, "<&>")) and png(unfolded(net))
    assert ElementTree.fromstring(svg(folded(net, "<&>")))[0].text.startswith("<&>")


def test_draw_writes_four_files_and_nothing_else(tmp_path):
    net = textbook.rnn(2, [3], 1)
    paths = rnnbench.draw(net, tmp_path / "a" / "b", name="mine", steps=2)
    names = ["mine-folded.svg", "mine-folded.png", "mine-unfolded.svg", "mine-unfolded.png"]
    assert paths == [tmp_path / "a" / "b" / name for name in names]
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == sorted(names)
    assert rnnbench.draw(net, tmp_path / "a" / "b", name="mine", steps=2) == paths


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"loop": "ajar"}, {"name": ""}, {"name": "a/b"}, {"name": ".."}]
)
def test_what_is_refused_writes_nothing(tmp_path, wrong):
    (key,) = wrong
    with pytest.raises(ValueError, match=f"^{key}="):
        rnnbench.draw(textbook.rnn(2, [3], 1), tmp_path / "out", **wrong)
    assert list(tmp_path.iterdir()) == []

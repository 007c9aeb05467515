"""How much room a text takes, without a font library: advance widths of DejaVu Sans, in ems."""

#: Height of a line, in ems.
LINE = 1.3
#: Room for a heavier cut or another font, as a factor.
SPARE = 1.03
#: Longest name that stands in a box of an unfolded diagram.
LONG_NAME = 10

_GROUPS = {
    0.28: "'ijl",
    0.32: "IJ ,.·",
    0.36: "/:;\\|-f",
    0.42: "()[]!tr",
    0.53: '"*_`‖s?z',
    0.60: "cLFkvxyPTY",
    0.64: "aeo$0123456789ESbdghnpqu{}",
    0.70: "KABVXZCR",
    0.77: "UNHD",
    0.85: "&GOQw#+<=>^~−×→M",
}
_WIDTHS = {character: width for width, characters in _GROUPS.items() for character in characters}


def text_width(text: str, size: float) -> float:
    """Return the width of a line in points, rather too large than too small.

    Parameters
    ----------
    text : str
        One line.
    size : float
        Size of the font in points.
    """
    return SPARE * size * sum(_WIDTHS.get(character, 1.0) for character in text)


def shortened(text: str, most: int) -> str:
    """Return the text, cut with an ellipsis where it has more than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def wrapped(words: list[str], size: float, width: float, separator: str = " ") -> list[str]:
    """Return the words as lines none of which is wider than `width`, unless one word is."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]}{separator}{word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines

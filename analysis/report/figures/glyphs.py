"""Names in any script: an installed font that has the letters, or their code points where none has."""

from __future__ import annotations

from functools import cache
from unicodedata import bidirectional

from matplotlib import font_manager
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

_LEFT_TO_RIGHT = "\u200e"


def make_drawable(figure: Figure) -> None:
    """Give each text of a figure fonts for all its letters; a letter that no font has becomes U+ and its number.

    Without this, Matplotlib would draw boxes and warn.
    """
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _relabel(axis)
    for text in figure.findobj(Text):
        font = font_manager.findfont(text.get_fontproperties())
        text.set_text(_written(text.get_text(), font))
        families = [_family_with(letter) for letter in sorted(_missing(text.get_text(), font))]
        if families:
            text.set_fontfamily([*text.get_fontfamily(), *dict.fromkeys(filter(None, families))])


def _relabel(axis: Axis) -> None:
    """Names along an axis, which each drawing takes from its formatter anew."""
    formatter = axis.get_major_formatter()
    if isinstance(formatter, (FixedFormatter, FuncFormatter)):
        font = font_manager.findfont(font_manager.FontProperties())
        axis.set_major_formatter(FuncFormatter(lambda value, place: _written(formatter(value, place), font)))


def _written(text: str, font: str) -> str:
    """The text with letters that no font has as code points, read from left to right whatever its script."""
    nowhere = {letter for letter in _missing(text, font) if _family_with(letter) is None}
    if nowhere:
        parts = [f" U+{ord(letter):04X} " if letter in nowhere else letter for letter in text]
        text = " ".join("".join(parts).split())
    if any(bidirectional(letter) in ("R", "AL") for letter in text) and not text.startswith(_LEFT_TO_RIGHT):
        text = _LEFT_TO_RIGHT + text
    return text


def _missing(text: str, font: str) -> set[str]:
    return {letter for letter in text if letter.isprintable() and ord(letter) not in _letters(font)}


@cache
def _letters(font: str) -> frozenset[int]:
    return frozenset(font_manager.get_font(font).get_charmap())


@cache
def _family_with(letter: str) -> str | None:
    """The family of the first installed font, by name, that has a letter."""
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        if entry.style != "normal" or entry.name.startswith("Last Resort"):  # which has a box for everything
            continue
        try:
            found = ord(letter) in _letters(entry.fname)
        except (OSError, RuntimeError):  # a font file that was removed, or that is damaged
            continue
        if found:
            return str(entry.name)
    return None

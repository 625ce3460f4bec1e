"""Texts in lines and pages, and pages as pictures.

Lines break where Unicode's line breaking algorithm (UAX #14) allows it, so also between Chinese and Japanese
characters; within a word only if it is longer than a line. Each paragraph runs in the direction of its first letter.
The lines of a text of a single page, which are centred, are about equally long: no word stands alone in the last one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from data.errors import LookalikeError
from experiments.typesetting.fonts import Font, can_shape

_LEADING = 1.25  # from line to line, as a share of the size of the letters
_NO_BREAK_BESIDE = " .,:;!?()'\"\u00a0"
_KEPT_TOGETHER = 2  # lines: a page neither ends nor begins with a single line of a longer paragraph

Measure = Callable[[str, bool], float]  # the width in pixels of a text, which may run from right to left
Coverage = npt.NDArray[np.float32]  # how much of each pixel is ink, 0 to 1: (rows, columns)


@dataclass(frozen=True)
class Line:
    """A line of text; `more` is whether its paragraph goes on in the next one."""

    text: str
    right_to_left: bool = False
    more: bool = False


@dataclass(frozen=True)
class Typesetter:
    """Sets texts in one font, `size_px` high, in lines of at most `width_px` and pages of at most `height_px`."""

    font: Font
    size_px: int
    width_px: int
    height_px: int

    def pages(self, text: str) -> tuple[tuple[Line, ...], ...]:
        """The lines of each page, at least one page. Pages of a long text are about equally full."""
        return _pages(self, text)

    def picture(self, lines: tuple[Line, ...], centred: bool = True) -> Coverage:
        """The ink of these lines on a rectangle: the smallest one, or if not `centred`, one as wide as lines may be.

        On that one each line starts at the side where its paragraph does.
        """
        if not lines:
            return np.zeros((1, 1), dtype=np.float32)
        font, step = _load(self.font, self.size_px), self._step
        ascent, descent = font.getmetrics()
        widths = [_measure(font, line.text, line.right_to_left) for line in lines]
        columns = max(1, int(np.ceil(max(widths)))) if centred else self.width_px
        rows = step * (len(lines) - 1) + ascent + descent
        # Letters may reach a little beyond what they advance.
        margin = self.size_px // 4
        sheet = Image.new("L", (columns + 2 * margin, rows))
        draw = ImageDraw.Draw(sheet)
        for place, (line, width) in enumerate(zip(lines, widths, strict=True)):
            spare = columns - width
            left = spare / 2 if centred else spare if line.right_to_left else 0.0
            at = (margin + round(left), step * place + ascent)
            draw.text(at, line.text, fill=255, font=font, anchor="ls", **_direction(line.right_to_left))
        return np.asarray(sheet, dtype=np.float32) / np.float32(255)

    @property
    def _step(self) -> int:
        return round(_LEADING * self.size_px)

    @property
    def _lines_a_page(self) -> int:
        return max(_KEPT_TOGETHER, self.height_px // self._step)


@cache
def _pages(setter: Typesetter, text: str) -> tuple[tuple[Line, ...], ...]:
    font = _load(setter.font, setter.size_px)
    measure = cache(partial(_measure, font))
    paragraphs = [paragraph.rstrip() for paragraph in text.strip("\n").split("\n")]
    set_in = [list(_lines(paragraph, setter.width_px, measure)) for paragraph in paragraphs]
    lines, most = list(chain(*set_in)), setter._lines_a_page
    full = _divide(lines, most)
    if len(full) == 1:
        evened = (_evened(*one, setter.width_px, measure) for one in zip(paragraphs, set_in, strict=True))
        return (tuple(_trimmed(list(chain(*evened)))),)
    # As many pages, but no last one with a line or two.
    even = next(n for n in range(min(_KEPT_TOGETHER, most), most + 1) if len(_divide(lines, n)) == len(full))
    return tuple(tuple(page) for page in _divide(lines, even))


def _evened(paragraph: str, lines: list[Line], width_px: int, measure: Measure) -> list[Line]:
    """The paragraph's lines, at the smallest width at which there are no more of them."""
    if len(lines) < 2:
        return lines
    widest = max(measure(unit.rstrip(), lines[0].right_to_left) for unit in _units(paragraph))
    low, high = min(ceil(widest), width_px), width_px
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if len(list(_lines(paragraph, middle, measure))) <= len(lines) else (middle + 1, high)
    return list(_lines(paragraph, high, measure))


def _divide(lines: list[Line], most: int) -> list[list[Line]]:
    """Pages of at most `most` lines, each without blank lines at its top and bottom."""
    pages: list[list[Line]] = []
    rest = _trimmed(lines)
    while len(rest) > most:
        cut = _cut(rest, most)
        pages.append(_trimmed(rest[:cut]))
        rest = _trimmed(rest[cut:])
    return [*pages, rest]


def _cut(lines: list[Line], most: int) -> int:
    """How many lines stand on the page: `most`, or fewer where that would leave a line of a paragraph alone."""
    for cut in range(most, max(most - _KEPT_TOGETHER - 1, 0), -1):
        alone_below = lines[cut - 1].more and not lines[cut].more
        alone_above = lines[cut - 1].more and (cut == 1 or not lines[cut - 2].more)
        if not (alone_below or alone_above):
            return cut
    return most


def _trimmed(lines: list[Line]) -> list[Line]:
    first = next((place for place, line in enumerate(lines) if line.text), len(lines))
    last = next((place for place in range(len(lines), 0, -1) if lines[place - 1].text), first)
    return lines[first:last]


def _lines(paragraph: str, width_px: int, measure: Measure) -> Iterator[Line]:
    """The lines of one paragraph; an empty one is an empty line."""
    right_to_left = _runs_left(paragraph)
    width = cache(lambda text: measure(text, right_to_left))
    line, taken = "", 0.0
    for unit in _fitting(_units(paragraph), width_px, width):
        # Widths of the units add up to that of the line: no letter is moved towards one beyond a possible break.
        if line and taken + width(unit.rstrip()) > width_px:
            yield Line(line.rstrip(), right_to_left, more=True)
            line, taken = "", 0.0
        line, taken = line + unit, taken + width(unit)
    yield Line(line.rstrip(), right_to_left)


@cache
def _units(paragraph: str) -> tuple[str, ...]:
    """The parts of a paragraph between which a line may break, each with the blanks that follow it."""
    try:
        from uniseg.linebreak import line_break_units
    except ImportError as error:
        raise LookalikeError(
            "missing-extra",
            f'texts cannot be set ({error}); in the folder of Lookalike, run: pip install -c constraints.txt ".[lab]"',
        ) from None

    found: list[str] = []
    for word in re.findall(r"\s*[^\s]+\s*|\s+", paragraph):
        # Most words have no break within them; the algorithm is slow, so only the others are given to it.
        if word.strip(_NO_BREAK_BESIDE).isalnum() and not any(
            unicodedata.east_asian_width(one) in "WF" for one in word
        ):
            found.append(word)
        else:
            found += line_break_units(word)
    return tuple(found)


def _fitting(units: Iterable[str], width_px: int, measure: Callable[[str], float]) -> Iterator[str]:
    """The same units, those longer than a line cut into pieces that fit."""
    for unit in units:
        if measure(unit.rstrip()) <= width_px:
            yield unit
            continue
        piece = ""
        for one in unit:
            if piece and measure((piece + one).rstrip()) > width_px and not unicodedata.combining(one):
                yield piece
                piece = ""
            piece += one
        if piece:
            yield piece


def _runs_left(paragraph: str) -> bool:
    """Whether the first letter of the paragraph runs from right to left (rules P2 and P3 of UAX #9)."""
    strong = (unicodedata.bidirectional(one) for one in paragraph)
    return next((one for one in strong if one in ("L", "R", "AL")), "L") != "L"


@cache
def _load(font: Font, size_px: int) -> ImageFont.FreeTypeFont:
    layout = ImageFont.Layout.RAQM if can_shape() else ImageFont.Layout.BASIC
    return ImageFont.truetype(str(font.path), size_px, index=font.number, layout_engine=layout)


def _measure(font: ImageFont.FreeTypeFont, text: str, right_to_left: bool) -> float:
    return float(font.getlength(text, **_direction(right_to_left))) if text else 0.0


def _direction(right_to_left: bool) -> dict[str, Any]:
    """Without Raqm Pillow takes no direction, and no text that needs one comes here (see `find_font`)."""
    return {"direction": "rtl" if right_to_left else "ltr"} if can_shape() else {}

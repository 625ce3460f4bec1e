"""Figures as files' bytes, drawn side by side."""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import matplotlib as mpl
from matplotlib.figure import Figure

from data.errors import LookalikeError

Format = Literal["svg", "pdf", "png"]
FORMATS: tuple[Format, ...] = ("svg", "png")  # unless asked for others; a page needs SVG


def formats_of(text: str) -> tuple[Format, ...]:
    """Formats named in a text such as `svg,pdf`. Raises `LookalikeError` for any other word."""
    names = [name.strip() for name in text.split(",")]
    known = {name: name for name in get_args(Format)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LookalikeError(
            "unknown-word",
            f"{unknown[0]!r} is no format of figures; give any of {', '.join(known)}, with commas between",
        )
    return tuple(dict.fromkeys(known[name] for name in names))


def render_all(figures: Mapping[str, Figure], formats: Sequence[Format]) -> dict[tuple[str, Format], bytes]:
    """Every figure as a file of every format, by its name and the format; figures are drawn side by side."""
    processes = min(len(figures), os.cpu_count() or 1)
    # A forked process has the figures already. Elsewhere each would import everything anew, which takes longer.
    if processes < 2 or not sys.platform.startswith("linux"):
        return {place: drawn for name in figures for place, drawn in _each_format(name, figures[name], formats)}
    _SHARED[:] = [(name, figure, formats) for name, figure in figures.items()]
    try:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            return dict(one for drawn in pool.imap(_shared, range(len(_SHARED)), 1) for one in drawn)
    finally:
        _SHARED.clear()


_SHARED: list[tuple[str, Figure, Sequence[Format]]] = []


def _shared(place: int) -> list[tuple[tuple[str, Format], bytes]]:
    return _each_format(*_SHARED[place])


def _each_format(name: str, figure: Figure, formats: Sequence[Format]) -> list[tuple[tuple[str, Format], bytes]]:
    return [((name, form), render(figure, form)) for form in formats]


def render(figure: Figure, form: Format) -> bytes:
    """The figure as a file's bytes: PNG at 200 dpi, or PDF or SVG with text as text.

    The same figure gives the same bytes: no date is written.
    """
    buffer = io.BytesIO()
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[form]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lookalike", "pdf.fonttype": 42}):
        figure.savefig(buffer, format=form, dpi=200, metadata=metadata, bbox_inches="tight", pad_inches=0.04)
    if figure.get_layout_engine() is not None:
        # The first drawing has placed everything; to do so again for each format takes longer than the rest.
        figure.set_layout_engine("none")
    return buffer.getvalue()

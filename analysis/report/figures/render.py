"""Figures as files' bytes, drawn side by side."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import matplotlib as mpl
from matplotlib.figure import Figure

from analysis.report.figures.glyphs import make_drawable
from analysis.side_by_side import side_by_side
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
    drawn = side_by_side(lambda name: [render(figures[name], form) for form in formats], figures)
    return {
        (name, form): data
        for name, every in zip(figures, drawn, strict=True)
        for form, data in zip(formats, every, strict=True)
    }


def render(figure: Figure, form: Format) -> bytes:
    """The figure as a file's bytes: PNG at 200 dpi, or PDF or SVG with text as text.

    The same figure gives the same bytes: no date is written.
    """
    make_drawable(figure)
    buffer = io.BytesIO()
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[form]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lookalike", "pdf.fonttype": 42}):
        figure.savefig(buffer, format=form, dpi=200, metadata=metadata, bbox_inches="tight", pad_inches=0.04)
    if figure.get_layout_engine() is not None:
        # The first drawing has placed everything; to do so again for each format takes longer than the rest.
        figure.set_layout_engine("none")
    return buffer.getvalue()

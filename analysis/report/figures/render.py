"""A figure as a file's bytes."""

from __future__ import annotations

import io
from typing import Literal

import matplotlib as mpl
from matplotlib.figure import Figure

from analysis.report.figures.glyphs import make_drawable

Format = Literal["svg", "pdf", "png"]
FORMATS: tuple[Format, ...] = ("svg", "pdf", "png")


def render(figure: Figure, form: Format) -> bytes:
    """The figure as a file's bytes: PNG at 200 dpi, or PDF or SVG with text as text.

    The same figure gives the same bytes: no date is written.
    """
    make_drawable(figure)
    buffer = io.BytesIO()
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[form]
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "lookalike", "pdf.fonttype": 42}):
        figure.savefig(buffer, format=form, dpi=200, metadata=metadata, bbox_inches="tight", pad_inches=0.04)
    return buffer.getvalue()

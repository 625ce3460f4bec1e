"""A short report: a conclusion in plain words, figures, a table, methods ready to cite, and what was read.

For analyses that need no more than a page; `analysis.report.page` is the long one.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.report.figures import render
from analysis.report.page import environment, inline
from data.files import write_bytes, write_text
from data.version import VERSION

LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib")


@dataclass(frozen=True)
class Table:
    """A table as read: the first cell of a row names it. `note` stands below."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure with its file's name and its caption."""

    name: str
    figure: Figure
    caption: str


@dataclass(frozen=True)
class Leaflet:
    """What the page says. In `methods`, `{key}` cites a work of `analysis.report.references`, `{key+key}` two."""

    title: str
    under: str
    verdict: str
    words: str
    remarks: Sequence[str]
    pictures: Sequence[Picture]
    tables: Sequence[Table]
    methods: Sequence[str]
    files: Mapping[str, str]  # name to SHA-256


@dataclass(frozen=True, eq=False)
class Results:
    """What an analysis hands over to be written: a summary, tables by name, and the page."""

    summary: dict[str, Any]
    tables: Mapping[str, pd.DataFrame]
    leaflet: Leaflet


def save(leaflet: Leaflet, folder: Path) -> None:
    """Write `report.html` and each picture as `.svg`, `.pdf` and `.png` into `folder`, which is there."""
    drawn = []
    for one in leaflet.pictures:
        vector = render(one.figure, "svg")
        write_bytes(folder / f"{one.name}.svg", vector)
        write_bytes(folder / f"{one.name}.pdf", render(one.figure, "pdf"))
        write_bytes(folder / f"{one.name}.png", render(one.figure, "png"))
        drawn.append((inline(vector, one.caption), one.caption))
    templates = environment()
    cite: Any = templates.globals["cite"]
    methods = [text.format_map(_Cited(cite)) for text in leaflet.methods]
    page = templates.get_template("leaflet.html").render(
        leaflet=leaflet, drawn=drawn, methods=methods, versions=versions()
    )
    write_text(folder / "report.html", page)


def p_value(value: float) -> str:
    """A p value as a cell of a table: `.023`, `< .001`, or nothing where there is none."""
    return "" if math.isnan(value) else "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def versions() -> dict[str, str]:
    """Of this package, Python and the libraries that a result may depend on."""
    found = {"lookalike": VERSION, "python": platform.python_version()}
    return found | {name: version(name) for name in LIBRARIES}


class _Cited(dict[str, str]):
    """`{key}` in a text becomes the work's number."""

    def __init__(self, cite: Any) -> None:
        super().__init__()
        self._cite = cite

    def __missing__(self, key: str) -> str:
        return str(self._cite(*key.split("+")))

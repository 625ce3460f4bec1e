"""What an analysis hands over, and its folder: tables, a summary, figures and the report page."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.report.figures.render import FORMATS, Format, render_all
from analysis.report.page import Page, to_html, without_pictures
from data.files import new_folder, write_bytes, write_json, write_table, write_text
from data.results.plain import without_nan
from data.shipped import VERSION

LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib")


@dataclass(frozen=True, eq=False)
class Results:
    """A summary (plain Python types, undefined values as None), tables by name, and the page."""

    summary: dict[str, Any]
    tables: Mapping[str, pd.DataFrame]
    page: Page


def summarised(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` as JSON can hold it."""
    cleaned: dict[str, Any] = without_nan(dict(content))
    return cleaned


def write(
    results: Results,
    out: Path,
    summary_name: str = "summary",
    formats: Sequence[Format] | None = None,
    more: Mapping[str, bytes] | None = None,
) -> None:
    """Write the new folder `out`: every table as `.tsv`, the summary as `.json`, `report.html`, and every figure.

    `more` are further files by name.

    Figures are written in these `formats` (`.svg` and `.png` unless others are given), and shown on the page as SVG;
    with no format there are none on the page either. Raises `LookalikeError` if `out` holds anything; nothing is
    written then.
    """
    wanted = FORMATS if formats is None else formats
    shown = results.page if wanted else without_pictures(results.page)
    figures = {one.name: one.figure for one in shown.pictures}
    drawn = render_all(figures, tuple(dict.fromkeys(("svg", *wanted))))
    page = to_html(shown, {name: drawing for (name, form), drawing in drawn.items() if form == "svg"})
    with new_folder(out) as folder:
        for name, table in results.tables.items():
            write_table(folder / f"{name}.tsv", table)
        for (name, form), drawing in drawn.items():
            if form in wanted:
                write_bytes(folder / f"{name}.{form}", drawing)
        write_json(folder / f"{summary_name}.json", results.summary)
        write_text(folder / "report.html", page)
        for name, content in (more or {}).items():
            write_bytes(folder / name, content)


def versions() -> dict[str, str]:
    """Of this package, Python and the libraries that a result may depend on."""
    found = {"lookalike": VERSION, "python": platform.python_version()}
    return found | {name: version(name) for name in LIBRARIES}

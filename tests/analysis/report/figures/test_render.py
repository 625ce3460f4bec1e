"""Figures as files: formats, drawing side by side, and what is placed once."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from analysis.report.figures.render import formats_of, render_all


def drawings(count: int) -> dict[str, Figure]:
    made = {}
    for number in range(count):
        figure = Figure(figsize=(2, 1.5), layout="constrained")
        figure.add_subplot().plot([0, number], label="a long label of the axis")
        made[f"figure{number}"] = figure
    return made


def test_side_by_side_is_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.side_by_side.cores", lambda: 2)
    together = render_all(drawings(3), ("svg", "png"))
    monkeypatch.setattr("analysis.side_by_side.cores", lambda: 1)
    alone = render_all(drawings(3), ("svg", "png"))
    assert list(together) == list(alone)
    assert together == alone
    assert together["figure0", "png"].startswith(b"\x89PNG")
    assert b"<svg" in together["figure2", "svg"]


def test_no_figure_is_no_file() -> None:
    assert render_all({}, ("svg",)) == {}


def test_formats_are_named_with_commas(refuses: Any) -> None:
    assert formats_of("svg, pdf,svg") == ("svg", "pdf")
    for text in ("", "svg,gif"):
        with refuses("unknown-word"):
            formats_of(text)

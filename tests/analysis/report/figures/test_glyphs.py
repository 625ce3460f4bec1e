"""Names in any script are drawn, without a warning, wherever they stand in a figure."""

from __future__ import annotations

import warnings

import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from analysis.report.figures import glyphs, plots
from analysis.report.figures.render import FORMATS, render

HAN, CYRILLIC, ARABIC = "王小明", "Ольга", "سارة"


def shown(figure: Figure) -> list[str]:
    """The texts of a figure as its SVG holds them."""
    return render(figure, "svg").decode().split("\n")


@pytest.fixture
def no_han(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the fonts that come with Matplotlib, which have no Han characters."""
    ours = [entry for entry in font_manager.fontManager.ttflist if "mpl-data" in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", ours)
    glyphs._family_with.cache_clear()
    yield
    glyphs._family_with.cache_clear()


@pytest.mark.usefixtures("no_han")
@pytest.mark.parametrize("form", FORMATS)
def test_a_letter_that_no_font_has_is_a_number_and_no_warning(form: str) -> None:
    rows = dict.fromkeys((HAN, CYRILLIC, ARABIC, "$a_1$"), (0.5, 0.1, 0.9))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        render(plots.forest(rows, None, None, "d′", 0), form)


@pytest.mark.usefixtures("no_han")
def test_names_stay_apart_and_drawable_ones_stay_as_they_are() -> None:
    figure = plots.forest({HAN: (0.5, 0.1, 0.9), "王": (0.1, 0, 0.2), CYRILLIC: (0.4, 0, 1)}, None, None, "d′", 0)
    text = render(figure, "svg").decode()
    assert "U+738B U+5C0F U+660E" in text
    assert text.count("U+738B") == 2
    assert CYRILLIC in text
    assert HAN not in text


def test_a_font_that_has_the_letters_is_used() -> None:
    figure = Figure()
    # Bold fraktur, which is in STIX and in no sans-serif of Matplotlib's.
    letter = next(
        chr(code)
        for entry in font_manager.fontManager.ttflist
        if entry.name == "STIXGeneral" and entry.style == "normal"
        for code in sorted(glyphs._letters(entry.fname) - glyphs._letters(font_manager.findfont("DejaVu Sans")))
        if chr(code).isprintable()
    )
    text = figure.text(0.5, 0.5, letter)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        render(figure, "png")
    assert text.get_text() == letter
    assert len(text.get_fontfamily()) > 1


def test_a_line_that_begins_with_arabic_is_read_from_left_to_right() -> None:
    figure = Figure()
    text = figure.text(0.5, 0.5, f"{ARABIC} (AUC .5)")
    render(figure, "png")
    render(figure, "svg")
    assert text.get_text() == f"\u200e{ARABIC} (AUC .5)"

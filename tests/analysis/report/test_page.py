"""The page as data, and the HTML made from it."""

from __future__ import annotations

import math
import re
from html import unescape

import pytest
from matplotlib.figure import Figure

from analysis.report.number_text import interval, listed, number, p_phrase, p_value, share
from analysis.report.page import Fact, Facts, Heading, Note, Page, Picture, Section, Small, Table, to_html
from analysis.report.references import REFERENCES

SVG = b'<?xml version="1.0"?><svg width="100pt" id="a"><metadata>x</metadata><use href="#a"/></svg>'


def page() -> Page:
    figure = Picture("curve", Figure(), "A `caption`.", "What it shows")
    return Page(
        title="<b>Title</b>",
        subtitle="Under it",
        warnings=(Note("Careful.", ("A warning.",), "warning"),),
        summary=(Note("Not decided.", ("Words.", "More words."), "verdict"), "A **bold** word.", figure),
        sections=(
            Section(
                "Numbers",
                (
                    Heading("Inside"),
                    Facts((Fact("Mean d′", "0.37", "0.1 to 0.6"),)),
                    Table(("Who", "A_z\n95% CI", "Why"), (("d_a", ".53\n.50 to .60", "<i>"),), words=(2,), note="A_z."),
                    Small("Small print."),
                ),
            ),
            Section("Another", (Picture("curve2", Figure(), "", "Another"),)),
        ),
        methods=("d_a {sun2014+hautus1995}.", "Again {hautus1995}."),
        inputs={"a.tsv": "0123"},
        versions={"lookalike": "1.2"},
    )


def html() -> str:
    return to_html(page(), {"curve": SVG, "curve2": SVG})


def test_a_page_lists_its_pictures_and_verdicts() -> None:
    assert [one.name for one in page().pictures] == ["curve", "curve2"]
    assert [one.lead for one in page().verdicts] == ["Not decided."]


def test_text_is_escaped_and_marks_become_markup() -> None:
    said = html()
    assert "<b>" not in said
    assert "<h1>&lt;b&gt;Title&lt;/b&gt;</h1>" in said
    assert "A <strong>bold</strong> word." in said
    assert "A <code>caption</code>." in said
    assert "<td>&lt;i&gt;</td>" in said


def test_a_second_line_of_a_cell_is_small_and_symbols_are_for_headers_and_notes() -> None:
    said = html()
    assert '<td class="num">.53 <small class="ci">.50 to .60</small></td>' in said
    assert 'A<sub>z</sub> <small class="ci">95% CI</small></th>' in said
    assert '<p class="small">A<sub>z</sub>.</p>' in said
    assert '<th scope="row">d_a</th>' in said  # a participant may be called so


def test_works_are_numbered_in_the_order_of_citation() -> None:
    said = html()
    assert "d<sub>a</sub> [1, 2]." in said
    assert "Again [2]." in said
    listed_works = [unescape(work) for work in re.findall("<li>(.+)</li>", said)]
    assert listed_works == [REFERENCES[key] for key in ("sun2014", "hautus1995")]


def test_pictures_are_embedded_with_ids_of_their_own() -> None:
    said = html()
    ids = re.findall(r'\bid="([^"]+)"', said)
    assert ids == ["curve-a", "curve2-a"]
    assert 'href="#curve2-a"' in said
    assert "<metadata>" not in said
    assert '<svg role="img" aria-label="What it shows" style="max-width: 130pt"' in said


def test_what_was_read_and_with_what_is_on_the_page() -> None:
    said = html()
    assert "<code>a.tsv</code></td><td><code>0123</code>" in said
    assert "SHA-256 of 1 input<" in said
    assert "lookalike 1.2. Every random draw is seeded" in said


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (number(-0.004), "0.00"),
        (number(-0.2), "−0.20"),
        (number(math.nan), "n/a"),
        (number(-math.inf), "−∞"),
        (share(0.534), ".53"),
        (share(None), "n/a"),
        (share(1.0), "1.00"),
        (interval(-0.1, 0.25), "−0.10 to 0.25"),
        (interval(0.1, 0.25, share), ".10 to .25"),
        (interval(math.nan, math.nan), "no interval"),
        (p_value(0.0004), "< .001"),
        (p_value(0.0234), ".023"),
        (p_value(0.166), ".17"),
        (p_value(None), ""),
        (p_phrase(0.0004), "p < .001"),
        (p_phrase(0.0234), "p = .023"),
        (p_phrase(math.nan), "p n/a"),
        (listed(["a", "b"]), "a; b."),
    ],
)
def test_numbers_are_printed_as_psychologists_print_them(printed: str, expected: str) -> None:
    assert printed == expected

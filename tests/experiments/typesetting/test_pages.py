"""Lines, pages and pictures of texts, without a window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.typesetting.fonts import find_font
from experiments.typesetting.pages import Line, Typesetter

HEBREW = "שלום לכולם"


def setter(width_px: int = 400, height_px: int = 300, size_px: int = 20) -> Typesetter:
    return Typesetter(find_font(""), size_px, width_px, height_px)


def written(pages: tuple[tuple[Line, ...], ...]) -> str:
    return " ".join(line.text for page in pages for line in page)


texts = st.lists(st.text(st.sampled_from("abc défg,.-שלום"), max_size=60), max_size=30).map("\n".join)


@given(texts, st.integers(60, 500), st.integers(60, 400))
def test_every_letter_of_a_text_is_on_a_page_in_order(text: str, width_px: int, height_px: int) -> None:
    pages = setter(width_px, height_px).pages(text)
    letters = [one for one in text if one.strip()]
    assert [one for one in written(pages) if one.strip()] == letters


@given(texts, st.integers(60, 500), st.integers(60, 400))
def test_no_line_is_wider_and_no_page_taller_than_the_screen(text: str, width_px: int, height_px: int) -> None:
    made = setter(width_px, height_px)
    for page in made.pages(text):
        rows, columns = made.picture(page).shape
        assert rows <= height_px + 20  # letters are 20 px high; the room between lines follows each but the last
        assert columns <= width_px + 1 + 2 * (20 // 4)


def test_a_short_text_has_one_page_and_a_long_one_as_few_as_it_needs() -> None:
    made = setter(height_px=250)  # ten lines
    assert len(made.pages("One line.")) == 1
    assert len(made.pages("\n".join("abcdefghij"))) == 1
    eleven = made.pages("\n".join("abcdefghijk"))
    assert [len(page) for page in eleven] == [6, 5]  # not ten and one
    assert made.pages("") == ((),)


def test_a_page_breaks_between_paragraphs_not_before_or_after_a_single_line_of_one() -> None:
    made = setter(width_px=100, height_px=125)  # five lines
    pages = made.pages("one\n\ntwo two two two two two two two two two two two two two two")
    for page in pages[:-1]:
        assert not (page[-1].more and (len(page) == 1 or not page[-2].more)), page
    assert len(pages[-1]) > 1
    assert all(page[0].text and page[-1].text for page in pages)


def test_a_word_longer_than_a_line_is_cut_and_other_words_are_not() -> None:
    lines = setter(width_px=120).pages("a reallyquiteremarkablylongword b")[0]
    assert len(lines) > 2
    assert "".join(line.text for line in lines).replace(" ", "") == "areallyquiteremarkablylongwordb"
    lines = setter(width_px=120).pages("several words of usual length")[0]
    assert {word for line in lines for word in line.text.split()} == {"several", "words", "of", "usual", "length"}


def test_centred_lines_are_about_equally_long_and_no_more_of_them() -> None:
    """One word in the last line would look like a mistake; where lines begin at one side they are filled."""
    text, made = "Press the LEFT arrow key if the image is real", setter(width_px=420)
    [lines] = made.pages(text)
    assert [line.text for line in lines] == ["Press the LEFT arrow", "key if the image is real"]
    assert [line.more for line in lines] == [True, False]
    filled = setter(width_px=420, height_px=50).pages(f"{text}\n\n{text}")[0]  # two pages
    assert [line.text for line in filled] == ["Press the LEFT arrow key if the image is", "real"]
    wide, narrow = (made.picture(page).shape[1] for page in (filled, lines))
    assert narrow < 0.75 * wide


def test_japanese_breaks_between_characters_but_not_before_a_full_stop() -> None:
    made = setter(width_px=100)
    [lines] = made.pages("これは日本語の文です。画像を見てください。")
    assert len(lines) > 2
    assert not any(line.text[0] in "。、" for line in lines)


def test_a_paragraph_runs_as_its_first_letter_does() -> None:
    [lines] = setter().pages(f"{HEBREW} (PsychoPy)\n\nHello {HEBREW}\n1. {HEBREW}")
    assert [line.right_to_left for line in lines if line.text] == [True, False, True]


def test_hebrew_is_drawn_from_right_to_left_and_arabic_joined() -> None:
    """The picture of a word is that of its letters in reverse, which is how it would be typed by sight."""
    made = setter()
    picture = made.picture((Line("שלום", right_to_left=True),))
    by_sight = made.picture((Line("\u202dםולש\u202c", right_to_left=False),))  # shown in this order, whatever they are
    np.testing.assert_array_equal(picture, by_sight)
    whole = made.picture((Line("سلام", right_to_left=True),))
    apart = made.picture((Line("س‌ل‌ا‌م", right_to_left=True),))  # with non-joiners between the letters
    assert whole.shape[1] < apart.shape[1]


def test_lines_of_a_page_start_at_their_own_side_and_short_texts_stand_in_the_middle() -> None:
    made = setter()
    lines = (Line("to"), Line(HEBREW, right_to_left=True))
    page = made.picture(lines, centred=False)
    assert page.shape[1] == 400 + 2 * 5
    step = 25
    first, second = (np.flatnonzero(half.any(axis=0)) for half in (page[:step], page[step:]))
    assert first.min() < 10
    assert second.max() > 400
    middle = made.picture(lines, centred=True)
    first = np.flatnonzero(middle[:step].any(axis=0))
    assert first.min() + first.max() == pytest.approx(middle.shape[1], abs=4)

"""Which font a session has, and what is refused before a participant sees empty boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFont

from experiments.typesetting import fonts
from experiments.typesetting.fonts import Font, can_shape, find_font


def test_the_usual_font_writes_latin_greek_cyrillic_hebrew_and_arabic() -> None:
    font = find_font("Größe, ψ, вопрос, שלום, سلام, 1–4 → ±\n\t\u200f")
    assert font.name == "DejaVu Sans"
    assert ImageFont.truetype(str(font.path)).getname()[0] == "DejaVu Sans"


def test_a_missing_font_is_named_by_its_characters(refuses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed", lambda: iter(()))
    with refuses("missing-font") as caught:
        find_font("画像 real, generated")
    assert "画" in str(caught.value)
    assert "fonts-noto-cjk" in str(caught.value)
    with refuses("missing-font") as caught:
        find_font("\U0001f9b7")
    assert "Tooth" in str(caught.value)
    assert "cjk" not in str(caught.value)


def test_the_computers_fonts_are_searched_and_the_language_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [
        Font("Big Serif SC Regular", Path("a")),
        Font("Noto Sans CJK JP Regular", Path("b"), 0),
        Font("Noto Sans CJK SC Regular", Path("b"), 2),
        Font("Noto Sans CJK KR Regular", Path("b"), 1),
        Font("Noto Sans CJK SC Black", Path("d"), 0, 900),
        Font("Sans of Latin", Path("c")),
    ]
    known = {font: frozenset(map(ord, "画像かな그림a")) for font in there[:5]} | {there[5]: frozenset(map(ord, "a"))}
    monkeypatch.setattr(fonts, "_installed", lambda: iter(there))
    monkeypatch.setattr(fonts, "_characters", lambda font: known.get(font, frozenset()))
    assert find_font("画像").name == "Noto Sans CJK SC Regular"
    assert find_font("画像か").name == "Noto Sans CJK JP Regular"
    assert find_font("그림").name == "Noto Sans CJK KR Regular"


def test_damaged_font_files_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    (tmp_path / "broken.ttc").write_bytes(b"ttcf\0")
    good = find_font("").path
    monkeypatch.setattr(
        "matplotlib.font_manager.findSystemFonts",
        lambda: [str(tmp_path / "broken.ttf"), str(tmp_path / "broken.ttc"), str(tmp_path / "gone.ttf"), str(good)],
    )
    assert [(font.name, font.path) for font in fonts._installed()] == [("DejaVu Sans", good)]


def test_joined_letters_are_refused_where_pillow_cannot_join_them(
    refuses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert can_shape()  # Pillow's own wheels for Linux can
    monkeypatch.setattr(fonts, "can_shape", lambda: False)
    assert find_font("Größe").name == "DejaVu Sans"
    with refuses("cannot-shape") as caught:
        find_font("שלום")
    assert "FriBiDi" in str(caught.value)

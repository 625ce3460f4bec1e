"""The font of a session: one for all that a participant reads, found by the characters it must have.

DejaVu Sans, which comes with Matplotlib, has Latin, Greek, Cyrillic, Hebrew and Arabic, so such texts look alike on
every computer. For others, Chinese and Japanese among them, the computer's own fonts are searched. A text is never
drawn with empty boxes: if no font has all its characters, it is refused before anyone reads it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.errors import LookalikeError

_DRAWN_BY_NONE = {"Cc", "Cf", "Zs", "Zl", "Zp"}  # controls, marks of direction, blanks
_HAN = ((0x2E80, 0x2FDF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_KANA, _HANGUL = ((0x3040, 0x30FF), (0x31F0, 0x31FF)), ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))
# Scripts whose letters run from right to left, join or change places: Hebrew to Myanmar, Khmer, Mongolian, and the
# forms of presentation of Hebrew and Arabic.
_SHAPED = ((0x0590, 0x0DFF), (0x0F00, 0x109F), (0x1780, 0x18AF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFC))
# Chinese, Japanese and Korean share characters that each draws in its own way; these are words in the names of fonts.
_JAPANESE = ("jp", "japanese", "gothic", "hiragino", "meiryo", "ipa", "takao")
_KOREAN = ("kr", "korean", "malgun", "nanum", "apple sd")
_CHINESE = ("sc", "simplified", "yahei", "pingfang", "wenquanyi", "heiti", "source han sans cn", "noto sans sc")


@dataclass(frozen=True)
class Font:
    """A font: its full name, its file, its number in a file that holds several, and its weight (400 is regular)."""

    name: str
    path: Path
    number: int = 0
    weight: int = 400


def find_font(texts: str) -> Font:
    """The font in which all of `texts` can be drawn: DejaVu Sans, or else one of this computer's.

    Raises `LookalikeError` (`missing-font`), naming the characters, if there is none, and (`cannot-shape`) if letters
    must be joined or run from right to left and Pillow was built without what that takes.
    """
    if is_shaped(texts) and not can_shape():
        raise LookalikeError(
            "cannot-shape",
            f"the texts have letters that join or run from right to left ({_shown(_shaped(texts))}), and this "
            "computer's Pillow cannot set them: it needs Raqm and FriBiDi (Debian, Ubuntu: apt install libfribidi0; "
            "Windows: fribidi.dll on the PATH)",
        )
    needed = frozenset(ord(one) for one in texts if unicodedata.category(one) not in _DRAWN_BY_NONE)
    usual = _usual()
    missing = needed - _characters(usual)
    if not missing:
        return usual
    found = [font for font in _installed() if needed <= _characters(font)]
    if not found:
        raise LookalikeError(
            "missing-font",
            f"no font on this computer has all characters of the texts that participants read "
            f"({_shown(missing)}); install one{_advice(missing)}, or correct the texts",
        )
    return min(found, key=lambda font: _rank(font, needed))


def is_shaped(text: str) -> bool:
    """Whether a text has letters that join, change places or run from right to left."""
    return bool(_shaped(text))


def can_shape() -> bool:
    """Whether Pillow can set such letters."""
    from PIL import features

    return bool(features.check_feature("raqm")) and bool(features.check_feature("fribidi"))


def _shaped(text: str) -> frozenset[int]:
    return frozenset(ord(one) for one in text if _within(ord(one), _SHAPED))


def _usual() -> Font:
    import matplotlib

    return Font("DejaVu Sans", Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


def _installed() -> Iterator[Font]:
    """The upright fonts on this computer; files that are no readable fonts are left out."""
    from fontTools.ttLib import TTCollection, TTFont, TTLibError
    from matplotlib.font_manager import findSystemFonts

    for path in sorted(findSystemFonts()):
        try:
            faces = (
                TTCollection(path, lazy=True).fonts
                if path.lower().endswith((".ttc", ".otc"))
                else [TTFont(path, lazy=True)]
            )
            for number, face in enumerate(faces):
                if not face["post"].italicAngle:
                    yield Font(str(face["name"].getDebugName(4)), Path(path), number, face["OS/2"].usWeightClass)
        except (OSError, KeyError, TTLibError):
            continue


@cache
def _characters(font: Font) -> frozenset[int]:
    from fontTools.ttLib import TTFont

    return frozenset(TTFont(font.path, fontNumber=font.number, lazy=True).getBestCmap() or {})


def _rank(font: Font, needed: frozenset[int]) -> tuple[bool, bool, int, bool, str, str]:
    """Fonts of the language come first, then regular ones without serifs; among equals the order of names decides."""
    name = font.name.lower()
    words: tuple[str, ...] = ()
    if any(_within(one, _KANA) for one in needed):
        words = _JAPANESE
    elif any(_within(one, _HANGUL) for one in needed):
        words = _KOREAN
    elif any(_within(one, _HAN) for one in needed):
        words = _CHINESE
    of_language = any(word in name if " " in word or len(word) > 2 else word in name.split() for word in words)
    unlike = any(word in name for word in ("serif", "mincho", "ming", "mono"))
    return not of_language, unlike, abs(font.weight - 400), "sans" not in name, name, str(font.path)


def _advice(missing: frozenset[int]) -> str:
    if any(_within(one, _HAN + _KANA + _HANGUL) for one in missing):
        return " for Chinese, Japanese or Korean (Debian, Ubuntu: apt install fonts-noto-cjk)"
    return " that has them (Debian, Ubuntu: apt install fonts-noto-core)"


def _shown(characters: frozenset[int]) -> str:
    """The first few of these characters, with their names: a terminal may have no glyph for them either."""
    first = [f"{chr(one)} {unicodedata.name(chr(one), f'U+{one:04X}').capitalize()}" for one in sorted(characters)[:3]]
    return ", ".join(first) + (f" and {len(characters) - 3} more" if len(characters) > 3 else "")


def _within(one: int, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= one <= high for low, high in spans)

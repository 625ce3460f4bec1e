"""PGM, as mini-MIAS has it, with any highest grey."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from stimuli.images import read_image

Refusal = Callable[[Path, str], str]


@pytest.mark.parametrize("top", [1, 9, 100, 255, 256, 1023, 4095, 65535])
@pytest.mark.parametrize("kind", ["P2", "P5"])
def test_every_highest_grey_is_white(tmp_path: Path, top: int, kind: str) -> None:
    samples = np.random.default_rng(top).integers(0, top + 1, (5, 7))
    samples[0, 0], samples[0, 1] = 0, top
    header = f"{kind}\n# a comment\n7 5\n{top}\n".encode()
    raw = samples.astype(">u2" if top > 255 else np.uint8).tobytes()
    plain = "\n".join(" ".join(map(str, row)) for row in samples).encode() + b"\n"
    (tmp_path / "a.pgm").write_bytes(header + (raw if kind == "P5" else plain))
    picture = read_image(tmp_path / "a.pgm")
    np.testing.assert_allclose(picture.pixels, samples / top, atol=1e-7)
    assert picture.bit_depth == int(np.ceil(np.log2(top + 1)))


def test_pillow_agrees(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(0, 256, (9, 4), dtype=np.uint8)
    for name, picture in (("a.pgm", Pillow.fromarray(samples)), ("a.ppm", Pillow.fromarray(samples).convert("RGB"))):
        picture.save(tmp_path / name)
        np.testing.assert_allclose(read_image(tmp_path / name).pixels, samples / 255, atol=1e-7)


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"P5 2 2 255\n\1\2\3", "unreadable-image", "3 of 4 samples"),
        (b"P5 2 2\n", "unreadable-image", "header is incomplete"),
        (b"P5 2 2 70000\n" + bytes(8), "unreadable-image", "highest grey 70000"),
        (b"P5 0 2 255\n", "unreadable-image", "0 x 2 px"),
        (b"P5 2 1 9\n\1\x0a", "unreadable-image", "grey 10 above its highest, 9"),
        (b"P2 2 1 255\n1 x\n", "unreadable-image", "other than whole numbers"),
        (b"P5 1 1 255\n\1P5 1 1 255\n\2", "unsupported-image", "holds 2 images"),
        (b"P4 9 1\n\0\0P4 9 1\n\0\0", "unsupported-image", "holds 2 images"),
        (b"P4 9 2\n\0\0\0", "unreadable-image", "9 of 18 samples"),
        (b"P1 2 1\n2 1", "unreadable-image", "grey 2 above its highest, 1"),
        (b"P5 2 2 255\n\1\2\3\4\5\6", "unreadable-image", "2 bytes more than its 2 x 2 px need"),
        (b"P6 1 1 255\n\1\2\3", "colour-image", "in colour"),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, content: bytes, code: str, said: str, refusal: Refusal) -> None:
    (tmp_path / "a.pgm").write_bytes(content)
    assert said in refusal(tmp_path / "a.pgm", code)


@pytest.mark.parametrize("width", [8, 11])
@pytest.mark.parametrize("kind", ["P1", "P1 packed", "P4"])
def test_bitmaps_have_1_for_black(tmp_path: Path, width: int, kind: str) -> None:
    black = np.random.default_rng(width).integers(0, 2, (5, width), dtype=np.uint8)
    lines = ["".join(map(str, row)) if "packed" in kind else " ".join(map(str, row)) for row in black]
    body = np.packbits(black, axis=1).tobytes() if kind == "P4" else "\n".join(lines).encode() + b"\n"
    (tmp_path / "a.pbm").write_bytes(f"{kind[:2]}\n# a comment\n{width} 5\n".encode() + body)
    picture = read_image(tmp_path / "a.pbm")
    np.testing.assert_array_equal(picture.pixels, 1 - black)
    assert picture.bit_depth == 1


@pytest.mark.parametrize("after", [b"", b"\n"])
def test_a_header_with_the_line_ends_of_windows_moves_no_sample(tmp_path: Path, after: bytes) -> None:
    samples = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (tmp_path / "a.pgm").write_bytes(b"P5\r\n4 3\r\n255\r\n" + samples.tobytes())
    np.testing.assert_allclose(read_image(tmp_path / "a.pgm").pixels, samples / 255, atol=1e-7)
    samples[0, 0] = 10  # which is a line end, too
    (tmp_path / "a.pgm").write_bytes(b"P5\r\n4 3\r\n255\r" + samples.tobytes())
    np.testing.assert_allclose(read_image(tmp_path / "a.pgm").pixels, samples / 255, atol=1e-7)
    (tmp_path / "a.pgm").write_bytes(b"P5\n4 3\n255\n" + samples.tobytes() + after)
    np.testing.assert_allclose(read_image(tmp_path / "a.pgm").pixels, samples / 255, atol=1e-7)

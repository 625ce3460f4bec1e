"""Whatever a file is called, its content decides how it is read."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image as Pillow

from data.errors import LookalikeError
from stimuli.images import read_image, write_png

WriteDicom = Callable[..., Path]
Refusal = Callable[[Path, str], str]
GREY = np.random.default_rng(0).integers(0, 256, (24, 24), dtype=np.uint8)
NAMES = ("a.png", "a.jpg", "a.dcm", "IM000001", "1.2.840.10008.5", "a.IMA", "a.tif", "Ä ö.txt")


def encoded(kind: str, picture: Pillow.Image | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    (picture or Pillow.fromarray(GREY)).save(buffer, format=kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM", "BMP", "GIF", "WEBP", "JPEG2000", "DICOM"])
def test_a_lossless_file_is_read_under_any_name(tmp_path: Path, write_dicom: WriteDicom, kind: str, name: str) -> None:
    if kind == "DICOM":
        write_dicom(tmp_path / name, GREY)
    else:
        (tmp_path / name).write_bytes(encoded(kind, **({"lossless": True} if kind == "WEBP" else {})))
    picture = read_image(tmp_path / name)
    np.testing.assert_allclose(picture.pixels, GREY / 255, atol=1e-7)
    assert picture.bit_depth == 8


@pytest.mark.parametrize("name", NAMES)
def test_a_jpeg_is_read_under_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(encoded("JPEG", quality=100))
    np.testing.assert_allclose(read_image(tmp_path / name).pixels, GREY / 255, atol=2 / 255)


def test_bilevel_and_palette_files_of_other_formats(tmp_path: Path) -> None:
    black_and_white = GREY > 99
    for kind in ("PPM", "BMP", "GIF"):
        (tmp_path / kind).write_bytes(encoded(kind, Pillow.fromarray(black_and_white)))
        np.testing.assert_array_equal(read_image(tmp_path / kind).pixels, black_and_white)


def test_other_formats_are_refused_where_they_hold_several_images_or_odd_pixels(
    tmp_path: Path, refusal: Refusal
) -> None:
    frames = [Pillow.fromarray(GREY), Pillow.fromarray(GREY.T)]
    (tmp_path / "a.gif").write_bytes(encoded("GIF", frames[0], save_all=True, append_images=frames[1:]))
    assert "a GIF of 2 frames" in refusal(tmp_path / "a.gif", "unsupported-image")
    (tmp_path / "a.jp2").write_bytes(encoded("JPEG2000", Pillow.fromarray(GREY.astype(np.uint16) * 16)))
    assert "a JPEG2000 of pixel format I;16" in refusal(tmp_path / "a.jp2", "unsupported-image")
    clear = np.dstack([GREY, GREY, GREY, GREY])
    (tmp_path / "a.webp").write_bytes(encoded("WEBP", Pillow.fromarray(clear), lossless=True))
    assert "transparent" in refusal(tmp_path / "a.webp", "unsupported-image")


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_colour_is_refused_even_in_one_pixel_of_one_channel(
    tmp_path: Path, kind: str, channel: int, refusal: Refusal
) -> None:
    colour = np.full((8, 8, 3), 100, np.uint8)
    colour[5, 5, channel] += 1
    (tmp_path / "a.png").write_bytes(encoded(kind, Pillow.fromarray(colour)))
    assert refusal(tmp_path / "a.png", "colour-image").startswith("is in colour")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "PPM", "BMP", "JPEG2000"])
def test_an_image_cut_short_anywhere_is_refused_in_one_clean_line(tmp_path: Path, kind: str, refusal: Refusal) -> None:
    content = encoded(kind)
    for length in (*range(0, 60), *range(60, len(content) - 1, 41), len(content) - 3):
        (tmp_path / "a.png").write_bytes(content[:length])
        assert refusal(tmp_path / "a.png", "unreadable-image").startswith("not a readable image")


def test_what_is_no_image_is_refused_by_what_it_is(tmp_path: Path, refusal: Refusal) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", encoded("PNG"))
    contents = {
        b"": "it is empty",
        b"patient,box\n1,2\n": "none of DICOM, PNG, JPEG, TIFF, PGM, BMP",
        gzip.compress(encoded("PNG")): "unpack it",
        buffer.getvalue(): "ZIP archive",
        b"version https://git-lfs.github.com/spec/v1\noid": "git lfs pull",
        b"<!DOCTYPE html><html>": "a web page",
        b"NRRD0004\n": "NRRD",
        b"Pf\n2 2\n-1.0\n" + bytes(16): "floating-point",
        b"P7\nWIDTH 1\n": "a PAM",
        b"\x76\x2f\x31\x01" + bytes(9): "OpenEXR",
        b"\xff\x0a" + bytes(9): "JPEG XL",
        b"\x00\x00\x00\x0cJXL \r\n": "JPEG XL",
        b"\x00\x00\x00\x18ftypheic": "HEIC",
    }
    for content, said in contents.items():
        for name in ("a.png", "a.dcm"):
            (tmp_path / name).write_bytes(content)
            assert said in refusal(tmp_path / name, "unreadable-image")


def test_a_missing_image_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    for name in ("none.png", "none.dcm"):
        assert refusal(tmp_path / name, "no-such-file") == "no such image"


@pytest.mark.parametrize("highest", [1023, 4095, 16383])
def test_few_bits_in_sixteen_are_told(tmp_path: Path, highest: int) -> None:
    levels = np.array([[0, highest]], np.uint16)
    write_png(tmp_path / "a.png", levels / np.float32(65535), bits=16)
    (note,) = read_image(tmp_path / "a.png").notes
    assert f"up to {highest} of 65535" in note
    write_png(tmp_path / "b.png", (levels + 1) / np.float32(65535) * (16384 / (highest + 1)), bits=16)
    assert read_image(tmp_path / "b.png").notes == ()


@given(st.binary(max_size=400))
@example(b"II*\0" + bytes(400))
@example(b"\x08\0\x05\0CS\x0a\0ISO_IR 100")
def test_any_bytes_are_an_image_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "a"
    starts = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"MM\0*", b"P5 ", b"BM", bytes(128) + b"DICM")
    for start in starts:
        path.write_bytes(start + content)
        try:
            pixels = read_image(path).pixels
            assert 0 <= pixels.min() <= pixels.max() <= 1
        except LookalikeError as error:
            if "\n" in str(error):
                pytest.fail(str(error))

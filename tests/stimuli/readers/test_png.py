"""PNG: every bit depth and colour type, and what decoders forgive in silence."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from data.errors import LookalikeError
from stimuli.images import quantise, read_image, write_png

Refusal = Callable[[Path, str], str]
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def write(path: Path, samples: np.ndarray, bits: int, colour: int, *extra: bytes, lost_rows: int = 0) -> Path:
    """A PNG by the text of the standard, its rows unfiltered; samples of shape (rows, columns[, channels])."""
    rows, columns = samples.shape[:2]
    flat = samples.reshape(rows, -1)
    if bits == 16:
        packed = [row.astype(">u2").tobytes() for row in flat]
    else:
        bit = (flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        packed = [np.packbits(row.ravel().astype(np.uint8)).tobytes() for row in bit]
    body = zlib.compress(b"".join(b"\0" + row for row in packed[: rows - lost_rows]))
    header = struct.pack(">IIBBBBB", columns, rows, bits, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", body), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def levels(bits: int, rows: int = 6, columns: int = 11) -> np.ndarray:
    """Every kind of value of a depth, and rows that do not end on a byte."""
    return np.random.default_rng(bits).integers(0, 2**bits, (rows, columns))


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_grey_of_every_depth(tmp_path: Path, bits: int) -> None:
    picture = read_image(write(tmp_path / "a.png", levels(bits), bits, GREY))
    np.testing.assert_allclose(picture.pixels, levels(bits) / (2**bits - 1), atol=1e-7)
    assert picture.bit_depth == bits


@pytest.mark.parametrize("colour", [RGB, GREY_ALPHA, RGBA])
def test_equal_channels_and_an_opaque_alpha_are_grey(tmp_path: Path, colour: int) -> None:
    samples = np.repeat(levels(8)[..., None], CHANNELS[colour], axis=2)
    if colour in (GREY_ALPHA, RGBA):
        samples[..., -1] = 255
    np.testing.assert_allclose(
        read_image(write(tmp_path / "a.png", samples, 8, colour)).pixels, levels(8) / 255, atol=1e-7
    )


@pytest.mark.parametrize("colour", [GREY_ALPHA, RGBA])
def test_one_transparent_pixel_is_refused(tmp_path: Path, colour: int, refusal: Refusal) -> None:
    samples = np.full((4, 4, CHANNELS[colour]), 255)
    samples[2, 1, -1] = 254
    assert "alpha" in refusal(write(tmp_path / "a.png", samples, 8, colour), "unsupported-image")


@pytest.mark.parametrize(
    ("colour", "code"), [(RGB, "colour-image"), (RGBA, "colour-image"), (GREY_ALPHA, "unsupported-image")]
)
def test_sixteen_bits_in_several_channels_are_refused_not_halved(
    tmp_path: Path, colour: int, code: str, refusal: Refusal
) -> None:
    samples = np.full((4, 4, CHANNELS[colour]), 0x1234)
    assert "stores 16-bit grey" in refusal(write(tmp_path / "a.png", samples, 16, colour), code)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_of_greys_is_looked_up(tmp_path: Path, bits: int) -> None:
    greys = np.random.default_rng(0).permutation(256)[: 2**bits].astype(np.uint8)
    path = write(tmp_path / "a.png", levels(bits), bits, PALETTE, chunk(b"PLTE", np.repeat(greys, 3).tobytes()))
    np.testing.assert_allclose(read_image(path).pixels, greys[levels(bits)] / 255, atol=1e-7)


def test_a_palette_counts_only_as_far_as_it_is_used(tmp_path: Path, refusal: Refusal) -> None:
    palette = chunk(b"PLTE", bytes([9, 9, 9, 200, 200, 200, 1, 2, 3]))
    clear = chunk(b"tRNS", bytes([255, 255, 0]))
    used = np.array([[0, 1, 1]])
    path = write(tmp_path / "a.png", used, 8, PALETTE, palette, clear)
    np.testing.assert_array_equal(quantise(read_image(path).pixels, 8), [[9, 200, 200]])
    assert "in colour" in refusal(write(path, used + 1, 8, PALETTE, palette), "colour-image")
    assert "transparent" in refusal(
        write(path, used, 8, PALETTE, palette, chunk(b"tRNS", bytes([0]))), "unsupported-image"
    )
    assert "palette does not have" in refusal(write(path, used + 2, 8, PALETTE, palette), "unsupported-image")


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_grey_that_is_named_transparent_is_refused_only_where_it_occurs(
    tmp_path: Path, bits: int, refusal: Refusal
) -> None:
    samples = np.array([[0, 2**bits - 1]])
    white, absent = (chunk(b"tRNS", struct.pack(">H", value)) for value in (2**bits - 1, 2**bits // 2))
    assert "transparent" in refusal(write(tmp_path / "a.png", samples, bits, GREY, white), "unsupported-image")
    if bits > 1:
        assert read_image(write(tmp_path / "a.png", samples, bits, GREY, absent)).pixels.tolist() == [[0, 1]]


def test_a_colour_that_is_named_transparent(tmp_path: Path, refusal: Refusal) -> None:
    samples = np.array([[[7, 7, 7], [9, 9, 9]]])
    named = {value: chunk(b"tRNS", struct.pack(">HHH", value, value, value)) for value in (8, 9)}
    read_image(write(tmp_path / "a.png", samples, 8, RGB, named[8]))
    assert "transparent" in refusal(write(tmp_path / "a.png", samples, 8, RGB, named[9]), "unsupported-image")


@pytest.mark.parametrize(("gamma", "accepted"), [(45455, True), (45000, True), (100_000, False), (55556, False)])
def test_greys_of_another_gamma_are_refused(tmp_path: Path, gamma: int, accepted: bool, refusal: Refusal) -> None:
    path = write(tmp_path / "a.png", levels(8), 8, GREY, chunk(b"gAMA", struct.pack(">I", gamma)))
    if accepted:
        np.testing.assert_allclose(read_image(path).pixels, levels(8) / 255, atol=1e-7)
    else:
        assert f"gamma {gamma / 1e5:g}" in refusal(path, "unsupported-image")


@pytest.mark.parametrize(("transfer", "accepted"), [(1, True), (13, True), (8, False), (16, False), (18, False)])
def test_greys_of_another_transfer_function_are_refused(
    tmp_path: Path, transfer: int, accepted: bool, refusal: Refusal
) -> None:
    """Chunk cICP, with the numbers of ITU-T H.273: BT.709, sRGB, linear, PQ and HLG."""
    path = write(tmp_path / "a.png", levels(8), 8, GREY, chunk(b"cICP", bytes((1, transfer, 0, 1))))
    if accepted:
        np.testing.assert_allclose(read_image(path).pixels, levels(8) / 255, atol=1e-7)
    else:
        assert "chunk cICP" in refusal(path, "unsupported-image")


def test_the_narrow_range_of_video_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    path = write(tmp_path / "a.png", levels(8), 8, GREY, chunk(b"cICP", bytes((1, 13, 0, 0))))
    assert "black at 16" in refusal(path, "unsupported-image")


def test_srgb_overrides_gamma(tmp_path: Path) -> None:
    extra = chunk(b"gAMA", struct.pack(">I", 100_000)), chunk(b"sRGB", b"\0")
    np.testing.assert_allclose(
        read_image(write(tmp_path / "a.png", levels(8), 8, GREY, *extra)).pixels, levels(8) / 255, atol=1e-7
    )


@pytest.mark.parametrize(
    ("across", "down", "aspect"), [(2000, 1000, 2.0), (1000, 1000, 1.0), (0, 1000, 1.0), (1000, 3000, 1 / 3)]
)
def test_the_resolution_gives_the_shape_of_a_pixel(tmp_path: Path, across: int, down: int, aspect: float) -> None:
    physical = chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    picture = read_image(write(tmp_path / "a.png", levels(8), 8, GREY, physical))
    assert picture.pixel_aspect == pytest.approx(aspect)


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_picture_that_ends_early_is_refused_though_every_checksum_is_right(
    tmp_path: Path, interlaced: bool, refusal: Refusal
) -> None:
    path = write(tmp_path / "a.png", levels(8), 8, GREY, lost_rows=1)
    content = path.read_bytes()
    if interlaced:  # Adam7 needs at least as many bytes as it has pixels
        header = content[16:28] + b"\1"
        path.write_bytes(content[:8] + chunk(b"IHDR", header) + content[33:])
    assert "not a readable image" in refusal(path, "unreadable-image")


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 5), (8, 8), (9, 17)])
def test_interlaced_pictures_are_whole(tmp_path: Path, shape: tuple[int, int]) -> None:
    samples = levels(8, *shape)
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    parts = [samples[top::down, left::across] for top, left, down, across in passes]
    rows = b"".join(b"\0" + row.astype(np.uint8).tobytes() for part in parts if part.size for row in part)
    header = struct.pack(">IIBBBBB", shape[1], shape[0], 8, GREY, 0, 0, 1)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    np.testing.assert_array_equal(quantise(read_image(tmp_path / "a.png").pixels, 8), samples)


def test_an_animation_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    frames = [Pillow.fromarray(np.full((4, 4), value, np.uint8)) for value in (10, 20, 30)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert "animation of 3 frames" in refusal(tmp_path / "a.png", "unsupported-image")


@given(st.data())
def test_any_damaged_byte_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damage")
    write_png(folder / "a.png", np.random.default_rng(0).random((9, 9), np.float32), bits=16)
    content = bytearray((folder / "a.png").read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    (folder / "b.png").write_bytes(content)
    with pytest.raises(LookalikeError) as caught:
        read_image(folder / "b.png")
    assert caught.value.code == "unreadable-image"
    assert "\n" not in str(caught.value)

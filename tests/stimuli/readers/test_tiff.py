"""TIFF: its tags decide, whatever wrote it."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from data.errors import LookalikeError
from stimuli.images import read_image

Refusal = Callable[[Path, str], str]
SHAPE = (6, 11)


def samples_of(kind: str) -> np.ndarray:
    limits = np.iinfo(kind)
    values = np.random.default_rng(0).integers(limits.min, limits.max, SHAPE, endpoint=True, dtype=kind)
    values[0, :2] = limits.min, limits.max
    return values


def expected(values: np.ndarray) -> np.ndarray:
    limits = np.iinfo(values.dtype)
    return (values.astype(float) - limits.min) / (float(limits.max) - limits.min)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "zlib", "predictor": 2},
                                     {"rowsperstrip": 2}, {"tile": (16, 16)}, {"bigtiff": True}])  # fmt: skip
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "int16"])
def test_whole_samples_of_8_and_16_bits(
    tmp_path: Path, kind: str, photometric: str, options: dict[str, Any], byteorder: str
) -> None:
    values = samples_of(kind)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric, byteorder=byteorder, **options)
    picture = read_image(tmp_path / "a.tif")
    shown = expected(values) if photometric == "minisblack" else 1 - expected(values)
    np.testing.assert_allclose(picture.pixels, shown, atol=1e-6)
    assert picture.bit_depth == 8 * values.dtype.itemsize


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_what_libtiff_compresses(tmp_path: Path, kind: str, compression: str | None) -> None:
    Pillow.fromarray(samples_of(kind)).save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_allclose(read_image(tmp_path / "a.tif").pixels, expected(samples_of(kind)), atol=1e-6)


@pytest.mark.parametrize("damage", [bytes(20), bytes([200]) * 20])
def test_a_damaged_strip_of_run_lengths_is_refused(tmp_path: Path, damage: bytes, refusal: Refusal) -> None:
    Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)).save(
        tmp_path / "a.tif", compression="packbits"
    )
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        place = file.pages[0].dataoffsets[0] + 200
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[place : place + len(damage)] = damage
    (tmp_path / "a.tif").write_bytes(content)
    assert "damaged strip" in refusal(tmp_path / "a.tif", "unreadable-image")


def test_a_fault_is_told_once(tmp_path: Path, refusal: Refusal, capfd: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).integers(0, 256, (40, 30), dtype=np.uint8)
    Pillow.fromarray(values).save(tmp_path / "a.tif", compression="tiff_lzw")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        start = file.pages[0].dataoffsets[0]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[start + 2 : start + 62] = b"\xff" * 60
    (tmp_path / "a.tif").write_bytes(content)
    assert refusal(tmp_path / "a.tif", "unreadable-image")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_a_wrong_checksum_of_a_strip_is_refused(tmp_path: Path, bits: int, refusal: Refusal) -> None:
    kind = {1: bool, 8: np.uint8, 16: np.uint16}[bits]
    values = np.random.default_rng(0).integers(0, 2**bits, (40, 30)).astype(kind)
    Pillow.fromarray(values).save(tmp_path / "a.tif", compression="tiff_adobe_deflate")
    read_image(tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        end = file.pages[0].dataoffsets[0] + file.pages[0].databytecounts[0]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[end - 1] ^= 1
    (tmp_path / "a.tif").write_bytes(content)
    assert refusal(tmp_path / "a.tif", "unreadable-image")


def test_a_strip_that_is_nowhere_is_not_black(tmp_path: Path, refusal: Refusal) -> None:
    tifffile.imwrite(tmp_path / "a.tif", samples_of("uint8"), rowsperstrip=3)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        tag = file.pages[0].tags["StripOffsets"]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[tag.valueoffset : tag.valueoffset + tag.valuebytecount // 2] = bytes(tag.valuebytecount // 2)
    (tmp_path / "a.tif").write_bytes(content)
    assert "cut short" in refusal(tmp_path / "a.tif", "unreadable-image")


def test_curves_by_which_greys_are_not_those_of_displays_are_refused(tmp_path: Path, refusal: Refusal) -> None:
    values, grey = samples_of("uint8"), np.linspace(0, 1, 256)
    display, linear = ((grey**gamma * 65535).astype(int).tolist() for gamma in (2.2, 1))
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(301, "H", 256, display, True)])
    np.testing.assert_allclose(read_image(tmp_path / "a.tif").pixels, expected(values), atol=1e-6)
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(301, "H", 256, linear, True)])
    assert "transfer function" in refusal(tmp_path / "a.tif", "unsupported-image")
    densities = (2000 * (1 - grey)).astype(int).tolist()  # 2.00 at black, in thousandths
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(290, "H", 1, 3, True), (291, "H", 256, densities, True)])
    assert "gray response curve" in refusal(tmp_path / "a.tif", "unsupported-image")
    near = np.round(-1000 * np.log10(np.clip(grey**2.2, 1e-4, 1))).astype(int)
    for photometric, curve in (("minisblack", near), ("miniswhite", near[::-1])):
        tags = [(290, "H", 1, 3, True), (291, "H", 256, curve.tolist(), True)]
        tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric, extratags=tags)
        assert read_image(tmp_path / "a.tif").pixels.shape == SHAPE


def test_the_old_way_of_jpeg_is_refused_by_name(tmp_path: Path, refusal: Refusal) -> None:
    tifffile.imwrite(tmp_path / "a.tif", samples_of("uint8"))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        tag = file.pages[0].tags["Compression"]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[tag.valueoffset : tag.valueoffset + 2] = b"\6\0"
    (tmp_path / "a.tif").write_bytes(content)
    assert "old way" in refusal(tmp_path / "a.tif", "unsupported-image")


@pytest.mark.parametrize("compression", [None, "group4", "group3", "tiff_lzw"])
def test_bilevel(tmp_path: Path, compression: str | None) -> None:
    black_and_white = np.random.default_rng(0).integers(0, 2, (9, 13)).astype(bool)
    Pillow.fromarray(black_and_white).save(tmp_path / "a.tif", compression=compression)
    picture = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels, black_and_white)
    assert picture.bit_depth == 1


def write(path: Path, body: bytes, bits: int, photometric: int | None = 1, order: str = "<", **tags: Any) -> Path:
    """A TIFF of one uncompressed strip, by the text of the standard; `tags` are numbers by name."""
    rows, columns = SHAPE
    number = {
        "compression": 259,
        "subfile": 254,
        "samples": 277,
        "palette": 320,
        "orientation": 274,
        "extra": 338,
        "fill": 266,
    }
    entries = {256: columns, 257: rows, 258: bits, 259: 1, 273: 8, 277: 1, 278: rows, 279: len(body)}
    entries |= {} if photometric is None else {262: photometric}
    entries |= {number[name]: value for name, value in tags.items()}
    late, fields = b"", b""
    start = 8 + len(body) + len(body) % 2 + 2 + 12 * len(entries) + 4
    for tag, value in sorted(entries.items()):
        if isinstance(value, (list, np.ndarray)):
            fields += struct.pack(order + "HHII", tag, 3, len(value), start + len(late))
            late += struct.pack(f"{order}{len(value)}H", *value)
        else:
            fields += struct.pack(order + "HHII", tag, 4, 1, value)
    ifd = struct.pack(order + "H", len(entries)) + fields + struct.pack(order + "I", 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    place = 8 + len(body) + len(body) % 2
    path.write_bytes(mark + struct.pack(order + "I", place) + body + bytes(len(body) % 2) + ifd + late)
    return path


def packed(values: np.ndarray, bits: int) -> bytes:
    bit = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return b"".join(np.packbits(row.ravel().astype(np.uint8)).tobytes() for row in bit)


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
def test_packed_samples_are_read_or_refused_by_name(
    tmp_path: Path, bits: int, order: str, photometric: int, refusal: Refusal
) -> None:
    values = np.random.default_rng(bits).integers(0, 2**bits, SHAPE)
    path = write(tmp_path / "a.tif", packed(values, bits), bits, photometric, order)
    if bits in (1, 2, 4) or (bits, order, photometric) == (12, "<", 1):
        shown = values / (2**bits - 1)
        picture = read_image(path)
        np.testing.assert_allclose(picture.pixels, shown if photometric else 1 - shown, atol=1e-6)
        assert picture.bit_depth == bits
    else:
        assert f"samples of {bits} bits" in refusal(path, "unsupported-image")


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("scale", [257, 256, 1])  # 16-bit entries, as Pillow puts them, and 8-bit ones of old writers
def test_a_palette_of_greys_is_looked_up(tmp_path: Path, bits: int, scale: int) -> None:
    values = np.random.default_rng(bits).integers(0, 2**bits, SHAPE)
    greys = np.random.default_rng(0).permutation(256)[: 2**bits]
    path = write(tmp_path / "a.tif", packed(values, bits), bits, 3, palette=np.tile(greys * scale, 3))
    np.testing.assert_allclose(read_image(path).pixels, greys[values] / 255, atol=1e-6)


def test_a_palette_of_colours_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    palette = np.tile(np.arange(256) * 257, 3)
    palette[300] += 1
    path = write(tmp_path / "a.tif", bytes([44] * 66), 8, 3, palette=palette)
    assert "in colour" in refusal(path, "colour-image")


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("alpha", [False, True])
def test_equal_channels_are_grey_with_all_their_bits(tmp_path: Path, kind: str, planar: str, alpha: bool) -> None:
    values = samples_of(kind)
    opaque = [np.full(SHAPE, np.iinfo(kind).max, kind)] if alpha else []
    stack = np.stack([values] * 3 + opaque, axis=-1 if planar == "contig" else 0)
    tifffile.imwrite(
        tmp_path / "a.tif", stack, photometric="rgb", planarconfig=planar, extrasamples=["unassalpha"] * alpha
    )
    picture = read_image(tmp_path / "a.tif")
    np.testing.assert_allclose(picture.pixels, expected(values), atol=1e-6)
    assert picture.bit_depth == 8 * values.dtype.itemsize


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_colour_and_transparency_are_refused(tmp_path: Path, kind: str, refusal: Refusal) -> None:
    stack = np.full((*SHAPE, 3), 100, kind)
    stack[3, 3, 2] += 1
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="rgb")
    assert "in colour" in refusal(tmp_path / "a.tif", "colour-image")
    tifffile.imwrite(
        tmp_path / "a.tif", stack[..., :2], photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]
    )
    assert "transparent" in refusal(tmp_path / "a.tif", "unsupported-image")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("float16", "floating-point samples of 16 bits"),
        ("float32", "floating-point samples of 32 bits"),
        ("float64", "floating-point samples of 64 bits"),
        ("uint32", "unsigned samples of 32 bits"),
        ("int32", "signed samples of 32 bits"),
        ("uint64", "unsigned samples of 64 bits"),
        ("complex64", "complex samples of 64 bits"),
    ],
)
def test_samples_without_a_white_are_refused_by_name(tmp_path: Path, kind: str, said: str, refusal: Refusal) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones(SHAPE, kind), photometric="minisblack")
    assert said in refusal(tmp_path / "a.tif", "unsupported-image")


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_bytes_may_be_filled_from_the_low_end(tmp_path: Path, bits: int, photometric: int) -> None:
    values = np.random.default_rng(bits).integers(0, 2**bits, SHAPE)
    turned = np.packbits(np.unpackbits(np.frombuffer(packed(values, bits), np.uint8)).reshape(-1, 8)[:, ::-1]).tobytes()
    shown = values / (2**bits - 1)
    picture = read_image(write(tmp_path / "a.tif", turned, bits, photometric, fill=2))
    np.testing.assert_allclose(picture.pixels, shown if photometric else 1 - shown, atol=1e-6)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_inside_a_tiff(tmp_path: Path, mode: str) -> None:
    blocks = np.kron(samples_of("uint8"), np.ones((8, 8), np.uint8))
    Pillow.fromarray(blocks).convert(mode).save(tmp_path / "a.tif", compression="jpeg", quality=100)
    np.testing.assert_allclose(read_image(tmp_path / "a.tif").pixels, blocks / 255, atol=1.5 / 255)


def test_several_pages_are_refused_and_a_thumbnail_is_none(tmp_path: Path, refusal: Refusal) -> None:
    values = samples_of("uint16")
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        for _ in range(3):
            file.write(values, photometric="minisblack")
    assert "holds 3 images" in refusal(tmp_path / "pages.tif", "unsupported-image")
    with tifffile.TiffWriter(tmp_path / "small.tif") as file:
        file.write(values, photometric="minisblack")
        file.write(values[::2, ::2], photometric="minisblack", subfiletype=1)
    np.testing.assert_allclose(read_image(tmp_path / "small.tif").pixels, expected(values), atol=1e-6)
    tifffile.imwrite(tmp_path / "stack.tif", np.stack([values] * 4), imagej=True)
    assert "holds 4 images" in refusal(tmp_path / "stack.tif", "unsupported-image")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_orientation_and_resolution(tmp_path: Path, orientation: int, compression: str | None) -> None:
    values = samples_of("uint8")
    path = tmp_path / "a.tif"
    if compression == "lzw":
        Pillow.fromarray(values).save(
            path, compression="tiff_lzw", tiffinfo={274: orientation, 282: 200.0, 283: 100.0, 296: 2}
        )
    else:
        tifffile.imwrite(
            path, values, photometric="minisblack", compression=compression, resolution=(200, 100),
            resolutionunit=2, extratags=[(274, "H", 1, orientation, True)],
        )  # fmt: skip
    shown = {
        1: values, 2: values[:, ::-1], 3: values[::-1, ::-1], 4: values[::-1], 5: values.T,
        6: np.rot90(values, -1), 7: np.rot90(values, -1)[::-1], 8: np.rot90(values),
    }[orientation]  # fmt: skip
    picture = read_image(path)
    np.testing.assert_allclose(picture.pixels, shown / 255, atol=1e-6)
    assert picture.pixel_aspect == pytest.approx(2 if orientation < 5 else 0.5)


def test_other_photometric_interpretations_are_refused_by_name(tmp_path: Path, refusal: Refusal) -> None:
    body = bytes(66)
    assert "whether 0 is black" in refusal(write(tmp_path / "a.tif", body, 8, None), "unsupported-image")
    assert "photometric interpretation 32844" in refusal(write(tmp_path / "b.tif", body, 8, 32844), "unsupported-image")
    assert "colour filter" in refusal(write(tmp_path / "c.tif", body, 8, 32803), "colour-image")
    equal = np.dstack([samples_of("uint8")] * 3)  # equal samples of YCbCr are colours
    tifffile.imwrite(tmp_path / "d.tif", equal, photometric="ycbcr")
    assert "is YCbCr" in refusal(tmp_path / "d.tif", "colour-image")
    tifffile.imwrite(tmp_path / "e.tif", equal, photometric="cielab")
    assert "is CIELab" in refusal(tmp_path / "e.tif", "colour-image")


TAGS = {
    "compression": st.sampled_from([1, 2, 5, 6, 7, 8, 32773, 50000]),
    "subfile": st.integers(0, 7),
    "samples": st.integers(0, 5),
    "orientation": st.integers(0, 9),
    "extra": st.integers(0, 3),
    "fill": st.integers(0, 3),
    "palette": st.just(list(range(768))),
}


@settings(max_examples=150)
@given(
    body=st.binary(min_size=66, max_size=400),
    bits=st.sampled_from([0, 1, 2, 3, 4, 8, 12, 16, 32, 64]),
    photometric=st.one_of(st.none(), st.integers(0, 9)),
    order=st.sampled_from("<>"),
    tags=st.fixed_dictionaries({}, optional=TAGS),
)
def test_any_tags_give_p_values_or_one_line(
    tmp_path_factory: pytest.TempPathFactory,
    body: bytes,
    bits: int,
    photometric: int | None,
    order: str,
    tags: dict[str, Any],
) -> None:
    path = write(tmp_path_factory.mktemp("tags") / "a.tif", body, bits, photometric, order, **tags)
    try:
        pixels = read_image(path).pixels
    except LookalikeError as error:
        if "\n" in str(error):
            pytest.fail(str(error))
        return
    assert sorted(pixels.shape) == sorted(SHAPE)
    assert 0 <= pixels.min() <= pixels.max() <= 1


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_cut_short_anywhere_is_refused_in_one_clean_line(
    tmp_path: Path, compression: str | None, refusal: Refusal
) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (24, 24), dtype=np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif", values, photometric="minisblack", compression=compression, rowsperstrip=5, metadata=None
    )
    content = (tmp_path / "a.tif").read_bytes()
    for length in (*range(0, 300, 7), *range(300, len(content), 53), len(content) - 1):
        (tmp_path / "b.tif").write_bytes(content[:length])
        assert refusal(tmp_path / "b.tif", "unreadable-image").startswith("not a readable image")

"""Standard tables against those that libjpeg writes."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

import stimuli
from stimuli.readers.jpeg_quality import quality_of, table_of


@pytest.mark.parametrize("quality", [1, 2, 24, 25, 49, 50, 51, 75, 90, 99, 100])
def test_tables_are_those_of_libjpeg(quality):
    stream = io.BytesIO()
    Pillow.new("L", (8, 8)).save(stream, "jpeg", quality=quality)
    assert tuple(Pillow.open(stream).quantization[0]) == table_of(quality)
    assert quality_of(table_of(quality)) == quality


def test_every_quality_has_its_own_table():
    assert len({table_of(quality) for quality in range(1, 101)}) == 100


@pytest.mark.parametrize(("kind", "options", "expected"), [
    ("jpeg", {"quality": 75}, 75),
    ("jpeg", {"quality": 92, "progressive": True}, 92),
    ("jpeg", {"qtables": [list(range(1, 65))]}, None),
    ("png", {}, None),
])  # fmt: skip
def test_images_have_the_quality_of_their_file(tmp_path, kind, options, expected):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32)).astype(np.uint8)
    Pillow.fromarray(pixels).save(tmp_path / f"image.{kind}", **options)
    assert stimuli.read_image(tmp_path / f"image.{kind}").jpeg_quality == expected


def test_a_turned_jpeg_has_none(tmp_path):
    """Its rows were compressed as columns."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.new("L", (24, 32), 100).save(tmp_path / "turned.jpg", exif=exif, quality=75)
    assert stimuli.read_image(tmp_path / "turned.jpg").jpeg_quality is None

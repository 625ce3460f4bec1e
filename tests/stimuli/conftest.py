"""Synthetic images and mammograms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from data.errors import LookalikeError
from stimuli.images import Pixels, read_image, write_png


@pytest.fixture(scope="session")
def refusal() -> Callable[[Path, str], str]:
    """The sentence, after the path, with which reading an image is refused with a code."""

    def refused(path: Path, code: str) -> str:
        with pytest.raises(LookalikeError) as caught:
            read_image(path)
        message = str(caught.value)
        assert caught.value.code == code, message
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
        return message.removeprefix(f"{path}: ")

    return refused


@pytest.fixture(scope="session")
def write_dicom() -> Callable[..., Path]:
    """Write a one-frame DICOM file of `stored` values; other keywords are its attributes."""

    def write(path: Path, stored: np.ndarray, **attributes: Any) -> Path:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = DigitalMammographyXRayImageStorageForPresentation
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[path.name])
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.Rows, dataset.Columns = stored.shape[:2]
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 8 * stored.dtype.itemsize
        dataset.PixelRepresentation = int(stored.dtype.kind == "i")
        for name, value in attributes.items():
            setattr(dataset, name, value)
        if "HighBit" not in attributes:
            dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelData = stored.tobytes()
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture(scope="session")
def texture() -> Callable[..., Pixels]:
    """A smooth random image in [0.1, 0.9], shape (rows, columns)."""

    def make(seed: int, rows: int = 48, columns: int = 48) -> Pixels:
        rng = np.random.default_rng(seed)
        coarse = rng.random((rows // 4 + 2, columns // 4 + 2))
        smooth = np.kron(coarse, np.ones((4, 4)))[:rows, :columns]
        return (0.1 + 0.8 * (0.8 * smooth + 0.2 * rng.random((rows, columns)))).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def write_source(texture: Callable[..., Pixels]) -> Callable[..., Path]:
    """Write a folder of mammograms and `boxes.csv`: one image, one row, for each of `boxes`.

    A box without its own values is 10 x 10 px in the middle of a 48 x 48 image, and image n shows patient n.
    """

    def write(folder: Path, boxes: list[dict[str, Any]], first: int = 0) -> Path:
        (folder / "images").mkdir(parents=True)
        rows = []
        for n, box in enumerate(boxes, start=first):
            usual = {
                "file": f"images/{n:05d}.png",
                "patient_id": f"{n:03d}",
                "x": 19,
                "y": 19,
                "width": 10,
                "height": 10,
            }
            rows.append({**usual, **box})
            if not (folder / rows[-1]["file"]).exists():
                write_png(folder / rows[-1]["file"], texture(n), bits=16)
        pd.DataFrame(rows).to_csv(folder / "boxes.csv", index=False)
        return folder

    return write


@pytest.fixture
def write_precut(texture: Callable[..., Pixels]) -> Callable[..., Path]:
    """Write a folder of patches and `patches.csv`: one 8-bit patch of 16 px and one row for each of `rows`.

    A patch without its own values shows patient n and has no box; those with `mask` get a disc in the middle.
    """

    def write(folder: Path, rows: list[dict[str, Any]], size: int = 16) -> Path:
        for name in ("images", "masks"):
            (folder / name).mkdir(parents=True)
        table = []
        for n, row in enumerate(rows):
            table.append({"file": f"images/{n:03d}.png", "patient_id": f"{n:03d}", **row})
            write_png(folder / str(table[-1]["file"]), texture(n, size, size))
            if row.get("mask"):
                write_png(folder / row["mask"], disc(size, size / 2, size / 2, size / 4))
        pd.DataFrame(table).to_csv(folder / "patches.csv", index=False)
        return folder

    return write


def disc(size: int, x: float, y: float, radius: float, rows: int | None = None) -> Pixels:
    """The share of each pixel inside a disc, by 8 x 8 samples; shape (rows or size, size)."""
    down, across = (np.arange(8 * (rows or size)) + 0.5) / 8, (np.arange(8 * size) + 0.5) / 8
    inside = (across - x) ** 2 + (down[:, None] - y) ** 2 < radius**2
    shares: Pixels = inside.reshape(rows or size, 8, size, 8).mean(axis=(1, 3)).astype(np.float32)
    return shares


@pytest.fixture(scope="session")
def draw_disc() -> Callable[..., Pixels]:
    return disc

"""DICOM files that others made: read as pydicom's own pipeline has them, or refused in one line."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from data.errors import LookalikeError
from stimuli.images import read_image

Refusal = Callable[[Path, str], str]
LIBJPEG = importlib.util.find_spec("libjpeg") is not None


@pytest.fixture(autouse=True)
def _without_pydicoms_log() -> Iterator[None]:
    """Its decoders log what they raise."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEGLSNearLossless_16.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm"])
def test_what_pylibjpeg_libjpeg_decodes_is_refused_with_its_name(name: str, refusal: Refusal) -> None:
    path = Path(pydicom.data.get_testdata_file(name))
    if name.startswith("SC_rgb"):
        assert "not grayscale" in refusal(path, "colour-image")
    elif LIBJPEG:
        assert read_image(path).pixels.ndim == 2
    else:
        assert "pip install pylibjpeg-libjpeg" in refusal(path, "unsupported-image")


def files_of(package: str) -> list[Path]:
    """The DICOM test files that a package brings; none where it is not installed."""
    found = importlib.util.find_spec(package)
    folder = Path(found.origin).parent if found and found.origin else None
    listed = [] if folder is None else [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in listed if path.suffix not in (".py", ".pyc", ".json", ".so", ".md", ".txt", ".icc")]


def flattened(dataset: Dataset, frame: int | None) -> Dataset:
    """The header with a frame's rescale and window at the top level, where alone pydicom looks for them."""
    flat = Dataset()
    flat.update(dataset)
    shared, own = (dataset.get(f"{name}FunctionalGroupsSequence") or [] for name in ("Shared", "PerFrame"))
    for groups in (*shared[:1], *own[(frame or 1) - 1 : frame or 1]):
        for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in groups.get(name) or []:
                flat.update(item)
    return flat


def pipelines(dataset: Dataset, frame: int | None) -> tuple[np.ndarray, np.ndarray]:
    """A frame as pydicom shows it, and which of its pixels are no padding."""
    stored = dataset.pixel_array if frame is None else dataset.pixel_array[frame - 1]
    header = flattened(dataset, frame)
    shown = apply_voi_lut(apply_modality_lut(stored, header), header).astype(float)
    return shown, stored != dataset.get("PixelPaddingValue", np.inf)


def assert_same_greys(ours: np.ndarray, theirs: np.ndarray, path: Path) -> None:
    """Theirs are in units of their own; each must be the other on another scale, and not upside down."""
    for one, other in ((ours, theirs), (theirs, ours)):
        design = np.column_stack([one, np.ones(one.size)])
        fit, *_ = np.linalg.lstsq(design, other, rcond=None)
        np.testing.assert_allclose(design @ fit, other, atol=1e-3 * max(float(np.ptp(other)), 1e-9), err_msg=str(path))
        if np.ptp(one) > 0:
            assert fit[0] >= 0, path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("package", "least"),
    [("pydicom.data", {"read": 40, "frames": 4, "refused": 50}), ("data_store", {"read": 15}), ("ljdata", {"read": 1})],
)
def test_files_are_read_as_pydicoms_pipeline_has_them_or_refused_in_one_line(
    package: str, least: dict[str, int]
) -> None:
    """pydicom-data is `data_store`. pylibjpeg-data (`ljdata`) is no package on PyPI, only a repository on GitHub."""
    paths = files_of(package)
    if package == "ljdata" and not paths:
        pytest.skip("pylibjpeg-data is not installed")
    counts: Counter[str] = Counter()
    for path in paths:
        dataset = pydicom.dcmread(path, force=True)
        said = str(dataset.get("NumberOfFrames"))
        several = int(said) if said.isdigit() and "PixelData" in dataset else 1
        for frame in (None,) if several < 2 else (None, 1, several):
            try:
                picture = read_image(path, frame).pixels.astype(float)
            except LookalikeError as error:
                counts["refused"] += 1
                if "\n" in str(error) or not str(error).startswith(f"{path}: "):
                    pytest.fail(f"{path}: {error}")
                continue
            assert frame is not None or several < 2, path
            counts["read" if frame is None else "frames"] += 1
            theirs, shown = pipelines(dataset, frame)
            ours = 1 - picture if dataset.PhotometricInterpretation == "MONOCHROME1" else picture
            assert_same_greys(ours[shown], theirs[shown], path)
    print(package, dict(counts), file=sys.stderr)
    assert all(counts[name] >= number for name, number in least.items()), counts

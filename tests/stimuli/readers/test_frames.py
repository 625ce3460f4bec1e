"""Files that hold several images: the one that is asked for is read as if it were alone, and none is guessed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image as Pillow
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from data.errors import LookalikeError
from stimuli.images import read_image
from stimuli.sources.boxes_table import read_source
from stimuli.sources.precut import read_precut

WriteDicom = Callable[..., Path]
Refusal = Callable[[Path, str], str]
STACK = np.random.default_rng(0).integers(0, 4096, (3, 24, 16)).astype(np.uint16)
GREYS = (STACK // 16).astype(np.uint8)


def dicom(write_dicom: WriteDicom, path: Path, stack: np.ndarray = STACK, **attributes: object) -> Path:
    usual = {"BitsStored": 12, "NumberOfFrames": len(stack), "Rows": stack.shape[1], "Columns": stack.shape[2]}
    return write_dicom(path, stack, **{**usual, **attributes})


def tiff_pages(path: Path) -> Path:
    with tifffile.TiffWriter(path) as file:
        for page in STACK:
            file.write(page, photometric="minisblack")
            file.write(page[::2, ::2], photometric="minisblack", subfiletype=1)  # a thumbnail is no page
    return path


def pnm(path: Path) -> Path:
    path.write_bytes(b"\n".join(b"P5 16 24 255\n" + page.tobytes() for page in GREYS))
    return path


def tiff_by_pillow(path: Path) -> Path:
    """LZW needs libtiff, so Pillow decodes it."""
    first, *others = map(Pillow.fromarray, GREYS)
    first.save(path, format="TIFF", save_all=True, append_images=others, compression="tiff_lzw")
    return path


def imagej(path: Path) -> Path:
    tifffile.imwrite(path, STACK, imagej=True)
    return path


WRITERS: dict[str, tuple[Callable[[Path], Path], np.ndarray]] = {
    "pages": (tiff_pages, STACK / 65535),
    "libtiff": (tiff_by_pillow, GREYS / 255),
    "ImageJ": (imagej, STACK / 65535),
    "PGM": (pnm, GREYS / 255),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_pages_are_read_one_by_one(tmp_path: Path, kind: str, refusal: Refusal) -> None:
    write, greys = WRITERS[kind]
    path = write(tmp_path / "a.tif")
    for number, page in enumerate(greys, 1):
        np.testing.assert_allclose(read_image(path, number).pixels, page, atol=1e-6)
    said = refusal(path, "unsupported-image")
    assert "holds 3 images" in said
    assert "--frame (1 to 3)" in said


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("compressed", [False, True])
def test_dicom_frames_are_read_one_by_one(
    tmp_path: Path, write_dicom: WriteDicom, photometric: str, compressed: bool, refusal: Refusal
) -> None:
    path = dicom(write_dicom, tmp_path / "a.dcm", PhotometricInterpretation=photometric)
    if compressed:
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless)
        dataset.save_as(path)
    for number, levels in enumerate(STACK, 1):
        shown = levels / 4095
        expected = 1 - shown if photometric == "MONOCHROME1" else shown
        np.testing.assert_allclose(read_image(path, number).pixels, expected, atol=1e-6)
    said = refusal(path, "unsupported-image")
    assert said == (
        "holds 3 frames, and one image is expected; name the one that you mean with --frame (1 to 3), or export it as "
        "a file of its own"
    )


def functional(center: float, spacing: float) -> Dataset:
    """The functional groups of a frame: a window, and how high its pixels are."""
    item, window, measures = Dataset(), Dataset(), Dataset()
    window.WindowCenter, window.WindowWidth, window.VOILUTFunction = center, 1000, "LINEAR_EXACT"
    measures.PixelSpacing = [spacing, 0.1]
    item.FrameVOILUTSequence, item.PixelMeasuresSequence = [window], [measures]
    return item


def test_each_frame_has_the_window_and_spacing_of_its_own_group(tmp_path: Path, write_dicom: WriteDicom) -> None:
    own = [functional(1000, 0.1), functional(2000, 0.2), functional(3000, 0.3)]
    path = dicom(
        write_dicom, tmp_path / "a.dcm",
        PerFrameFunctionalGroupsSequence=own, SharedFunctionalGroupsSequence=[functional(9, 9)],
    )  # fmt: skip
    for number, center in ((1, 1000), (2, 2000), (3, 3000)):
        picture = read_image(path, number)
        window = np.clip((STACK[number - 1] - float(center)) / 1000 + 0.5, 0, 1)
        np.testing.assert_allclose(picture.pixels, window, atol=1e-6)
        assert picture.pixel_aspect == pytest.approx(number)


def test_a_frame_without_a_group_has_the_shared_one(tmp_path: Path, write_dicom: WriteDicom) -> None:
    path = dicom(
        write_dicom, tmp_path / "a.dcm",
        PerFrameFunctionalGroupsSequence=[functional(1000, 0.1)],
        SharedFunctionalGroupsSequence=[functional(2000, 0.4)],
    )  # fmt: skip
    assert read_image(path, 1).pixel_aspect == pytest.approx(1)
    assert read_image(path, 2).pixel_aspect == pytest.approx(4)


def test_more_frames_in_the_file_than_its_header_says_are_refused(
    tmp_path: Path, write_dicom: WriteDicom, refusal: Refusal
) -> None:
    path = dicom(write_dicom, tmp_path / "a.dcm", NumberOfFrames=2)
    assert "holds 3 frames, though its header says 2" in refusal(path, "unsupported-image")


def test_the_images_of_an_mpo_have_each_their_own_orientation(tmp_path: Path, refusal: Refusal) -> None:
    """Cameras and some capture stations write two JPEGs into one file; the first alone would be half of it."""
    coarse = [Pillow.fromarray(np.kron(page[:3, :2], np.ones((8, 8), np.uint8))) for page in GREYS[:2]]
    turned = Pillow.Exif()
    turned[274] = 6
    coarse[1].encoderinfo = {"exif": turned, "quality": 100}
    coarse[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=coarse[1:], quality=100)
    assert "holds 2 images (MPO)" in refusal(tmp_path / "a.jpg", "unsupported-image")
    for number, page in enumerate(coarse, 1):
        alone = io.BytesIO()
        page.save(alone, format="JPEG", **{"quality": 100, **({"exif": turned} if number == 2 else {})})
        (tmp_path / "alone.jpg").write_bytes(alone.getvalue())
        picture = read_image(tmp_path / "a.jpg", number).pixels
        np.testing.assert_array_equal(picture, read_image(tmp_path / "alone.jpg").pixels)
    assert picture.shape == (16, 24)


@pytest.mark.parametrize("frame", [0, -1, 4, 1000])
@pytest.mark.parametrize("kind", [*WRITERS, "DICOM"])
def test_a_frame_that_is_not_there_is_refused(tmp_path: Path, write_dicom: WriteDicom, kind: str, frame: int) -> None:
    path = tmp_path / "a"
    _ = dicom(write_dicom, path) if kind == "DICOM" else WRITERS[kind][0](path)
    with pytest.raises(LookalikeError, match=rf"holds 3 \w+ \(1 to 3\), and frame {frame} was asked for") as caught:
        read_image(path, frame)
    assert caught.value.code == "out-of-range"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "PPM", "DICOM"])
def test_a_single_image_is_frame_1_and_no_other(tmp_path: Path, write_dicom: WriteDicom, kind: str) -> None:
    path = tmp_path / "a"
    if kind == "DICOM":
        write_dicom(path, GREYS[0])
    else:
        Pillow.fromarray(GREYS[0]).save(path, format=kind)
    np.testing.assert_array_equal(read_image(path, 1).pixels, read_image(path).pixels)
    with pytest.raises(LookalikeError, match="holds a single image, and frame 2 was asked for"):
        read_image(path, 2)


def test_a_column_names_frames_and_two_of_one_file_are_two_images(tmp_path: Path, write_dicom: WriteDicom) -> None:
    dicom(write_dicom, tmp_path / "a.dcm")
    table = "file,patient_id,frame,x,y,width,height\na.dcm,P1,2,1,1,8,8\na.dcm,P1,3,1,1,8,8\na.dcm,P1,,1,1,8,8\n"
    (tmp_path / "boxes.csv").write_text(table)
    second, third, rest = read_source(tmp_path, frame=1)
    assert [one.frame for one in (second, third, rest)] == [2, 3, 1]
    assert len({one.file for one in (second, third, rest)}) == 3
    for one in (second, third, rest):
        np.testing.assert_array_equal(one.read().pixels, read_image(one.path, one.frame).pixels)


@pytest.mark.parametrize(
    ("word", "code", "said"),
    [("0", "bad-value", "has no usable frame: 0 is"), ("-1", "bad-value", "-1 is"), ("1.5", "bad-value", "1.5 is"),
     ("two", "not-a-number", "frame is 'two'")],
)  # fmt: skip
def test_a_row_with_an_impossible_frame_is_named(
    tmp_path: Path, write_dicom: WriteDicom, word: str, code: str, said: str
) -> None:
    dicom(write_dicom, tmp_path / "a.dcm")
    table = f"file,patient_id,frame,x,y,width,height\na.dcm,P1,1,1,1,8,8\na.dcm,P1,{word},1,1,8,8\n"
    (tmp_path / "boxes.csv").write_text(table)
    with pytest.raises(LookalikeError, match=r"boxes.csv: row 3") as caught:
        read_source(tmp_path)
    assert caught.value.code == code
    assert said in str(caught.value)


def test_precut_patches_may_be_pages_too(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK[:, :16], photometric="minisblack")
    (tmp_path / "patches.csv").write_text("file,patient_id\na.tif,P1\n")
    (patch,) = read_precut(tmp_path, frame=3)
    np.testing.assert_allclose(patch.read().pixels, STACK[2, :16] / 65535, atol=1e-6)
    with pytest.raises(LookalikeError, match="holds 3 images"):
        read_precut(tmp_path)

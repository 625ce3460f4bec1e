"""Exports are the same images, marked as what they are, in files that other programs read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image as Pillow

from stimuli.images import quantise
from stimuli.sets import Layout, StimulusSet, read_set
from stimuli.sets.exports import Form, export_set

Refuses = Callable[[str], AbstractContextManager[Any]]
Build = Callable[..., StimulusSet]
FORMS: tuple[Form, ...] = ("png16", "tiff", "dicom")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("form", FORMS)
def test_an_export_is_the_same_set(build: Build, tmp_path: Path, form: Form, bits: int) -> None:
    made = build(Layout(main=8, practice=2, catch=2, bits=bits))
    exported = export_set(made, tmp_path / "out", form)
    same = [column for column in made.table if column not in ("file", "sha256")]
    assert exported.table[same].equals(made.table[same])
    for name in made.by_id:
        np.testing.assert_array_equal(exported.read(name), made.read(name))
    assert read_set(tmp_path / "out").about["exported"]["from_sha256"] == made.sha256
    assert exported.about["layout"] == made.about["layout"]


def test_other_programs_read_sixteen_bits_and_nothing_else(build: Build, tmp_path: Path) -> None:
    made = build(Layout(main=4, bits=16))
    wanted = quantise(made.read("s0001"), 16)
    with Pillow.open(export_set(made, tmp_path / "png", "png16").folder / "images/s0001.png") as image:
        assert image.mode == "I;16"
        assert image.info == {}
        np.testing.assert_array_equal(np.asarray(image), wanted)
    with tifffile.TiffFile(export_set(made, tmp_path / "tiff", "tiff").folder / "images/s0001.tif") as file:
        (page,) = file.pages
        names = {tag.name for tag in page.tags}
        np.testing.assert_array_equal(page.asarray(), wanted)
    assert not names & {"Software", "DateTime", "ImageDescription", "HostComputer", "Artist"}


def test_a_dicom_file_says_what_it_is(build: Build, tmp_path: Path) -> None:
    made = build(Layout(main=8))
    exported = export_set(made, tmp_path / "out", "dicom")
    studies: dict[str, str] = {}
    for row in exported.table.itertuples():
        file = pydicom.dcmread(exported.folder / row.file)
        generated = row.truth == "generated"
        assert file.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
        assert list(file.ImageType) == ["DERIVED", "SECONDARY"]
        assert file.SyntheticData == ("YES" if generated else "NO")
        assert file.ConversionType == ("SYN" if generated else "WSD")
        assert ("Synthetic image" in file.DerivationDescription) == generated
        assert "not for diagnosis" in file.DerivationDescription
        assert "not for diagnosis" in file.SeriesDescription
        # Nobody is invented: a keyed code, or a name that no person has.
        assert file.PatientID == (f"SYNTHETIC-{made.sha256[:8]}" if generated else row.patient)
        assert str(file.PatientName) == ("Synthetic^Image" if generated else "")
        assert [file.PatientBirthDate, file.PatientSex, file.StudyDate, file.ReferringPhysicianName] == [""] * 4
        assert ("PatientIdentityRemoved" in file) == (not generated)
        assert "BurnedInAnnotation" not in file  # nobody looked
        assert (file.PresentationLUTShape, file.RescaleSlope, file.RescaleIntercept) == ("IDENTITY", 1, 0)
        np.testing.assert_array_equal(file.pixel_array, quantise(made.read(row.stimulus_id), 16))
        assert studies.setdefault(file.PatientID, file.StudyInstanceUID) == file.StudyInstanceUID
    assert len(set(studies.values())) == len(studies) == 5  # four patients, and nobody


def test_the_same_export_has_the_same_bytes_and_each_image_an_id(build: Build, tmp_path: Path) -> None:
    made = build(Layout(main=6))
    first, second = (export_set(made, tmp_path / name, "dicom") for name in "ab")
    assert list(first.table["sha256"]) == list(second.table["sha256"])
    uids = [pydicom.dcmread(first.folder / file).SOPInstanceUID for file in first.table["file"]]
    assert len(set(uids)) == 6
    assert all(uid.is_valid and len(uid) <= 64 for uid in uids)
    other = export_set(build(Layout(main=6, seed=1), "other"), tmp_path / "c", "dicom")
    assert pydicom.dcmread(other.folder / "images/s0001.dcm").SOPInstanceUID not in uids


def test_unknown_formats_and_occupied_folders_are_refused(build: Build, tmp_path: Path, refuses: Refuses) -> None:
    made = build(Layout(main=4))
    with refuses("unknown-choice"):
        export_set(made, tmp_path / "out", "jpeg")  # type: ignore[arg-type]
    with refuses("occupied"):
        export_set(made, made.folder, "tiff")

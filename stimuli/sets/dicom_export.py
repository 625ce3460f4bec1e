"""A stimulus as a DICOM file that cannot be taken for an examination.

The object is a Secondary Capture image (PS3.3 A.8.1): the one for greys that no modality acquired. A mammography object
would claim an exposure, a view and a device that there were not. The multi-frame kinds must say whether annotations are
burned in, and of real images, and of tissue from them, nobody knows.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from data.shipped import VERSION

_SERIES = "Stimuli of an experiment; not for diagnosis"
_GENERATED = "Synthetic image, made by a computer; it shows no patient and is not for diagnosis"
_REAL = "Part of a patient's image, resampled for an experiment; not for diagnosis"


def write_dicom(
    path: Path,
    greys: npt.NDArray[np.uint16],
    stimulus_id: str,
    patient: str,
    generated: bool,
    number: int,
    set_sha256: str,
) -> None:
    """Write one stimulus of the set with this hash; `greys` are P-values times 65535.

    The same stimulus gives the same bytes: UIDs are made from the set's hash and there is no date. Each patient has a
    study of their own; generated images are in one of a patient called Synthetic Image, whatever tissue is in them.
    """
    person = f"SYNTHETIC-{set_sha256[:8]}" if generated else patient
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = _uid(set_sha256, "instance", stimulus_id)
    dataset.StudyInstanceUID = _uid(set_sha256, "study", person)
    dataset.SeriesInstanceUID = _uid(set_sha256, "series", person)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    _say_whose(dataset, person, generated)
    dataset.Modality = "OT"
    dataset.SeriesDescription = _SERIES
    dataset.SeriesNumber = 1
    dataset.Manufacturer = "Lookalike"
    dataset.SoftwareVersions = VERSION
    dataset.InstanceNumber = number
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.ConversionType = "SYN" if generated else "WSD"
    dataset.SyntheticData = "YES" if generated else "NO"
    dataset.DerivationDescription = _GENERATED if generated else _REAL
    dataset.ImageComments = stimulus_id
    _add_pixels(dataset, greys)
    dataset.save_as(path, enforce_file_format=True)


def _say_whose(dataset: Dataset, person: str, generated: bool) -> None:
    """The patient's and the study's attributes; what is not known or not to be known is empty."""
    dataset.PatientName = "Synthetic^Image" if generated else ""
    dataset.PatientID = person
    for name in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID"):
        setattr(dataset, name, "")
    for name in ("AccessionNumber", "Laterality", "PatientOrientation"):
        setattr(dataset, name, "")
    if not generated:
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = "Pixels and a keyed code of the patient only"


def _add_pixels(dataset: Dataset, greys: npt.NDArray[np.uint16]) -> None:
    """The pixels, as P-values: no look-up table or window is to be applied."""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.Rows, dataset.Columns = greys.shape
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.PixelData = greys.astype("<u2").tobytes()


def _uid(*parts: str) -> UID:
    """A UID made from a UUID (PS3.5 B.2), itself made from the parts."""
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '/'.join(parts)).int}")

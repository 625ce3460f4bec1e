"""Stimulus sets for other programs: 16-bit PNG, TIFF, or DICOM marked as what it is.

An export is itself a stimulus set, with the same ids and the same P-values, so it is verified wherever it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import tifffile

from data.errors import LookalikeError
from data.files import new_folder, sha256, write_json, write_table
from data.shipped import VERSION
from stimuli.images import Pixels, quantise, write_png
from stimuli.sets.dicom_export import write_dicom
from stimuli.sets.stored import StimulusSet, read_set

Form = Literal["png16", "tiff", "dicom"]


def export_set(stimuli: StimulusSet, out: Path | str, form: Form) -> StimulusSet:
    """Write a stimulus set anew with 16-bit images in another format.

    Parameters
    ----------
    stimuli : StimulusSet
        A set, as `read_set` returns it.
    out : path
        A folder that does not exist yet, or is empty.
    form : {"png16", "tiff", "dicom"}
        Greyscale PNG, TIFF (uncompressed), or DICOM (Secondary Capture).

    Returns
    -------
    StimulusSet
        The new set on disk: the same ids, truths and order, and P-values that are equal to 1/65535.

    Raises
    ------
    LookalikeError
        For another format, an occupied folder, or a missing or altered image.

    Notes
    -----
    DICOM files say what they are: Image Type DERIVED and SECONDARY, Synthetic Data YES for a generated image and NO
    for a real one, Conversion Type SYN or WSD, and a Derivation Description. A real image's Patient ID is its keyed
    code, and nothing else is said of the person. P-values are stored as they are, which Presentation LUT
    Shape IDENTITY states.

    References
    ----------
    DICOM PS3.3, A.8.4 (the object) and C.12.1.1.1 (Synthetic Data).

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> noise = np.random.default_rng(0).random((2, 16, 16), dtype=np.float32)
    >>> real, generated = ([stimuli.Candidate(image, "seed:0")] for image in noise)
    >>> made = stimuli.build_set("set", real, generated, stimuli.Layout(main=2), provenance={})
    >>> exported = stimuli.export_set(made, "tiffs", "tiff")
    >>> exported.table["file"].tolist()
    ['images/s0001.tif', 'images/s0002.tif']
    >>> bool(np.array_equal(exported.read("s0001"), made.read("s0001")))
    True
    """
    if form not in _FORMS:
        raise LookalikeError("unknown-choice", f"format is {form!r}; choose {', '.join(get_args(Form))}")
    suffix, write = _FORMS[form]
    table = stimuli.table.copy()
    with new_folder(Path(out)) as folder:
        (folder / "images").mkdir()
        for place, row in enumerate(stimuli.table.to_dict("records")):
            file = f"images/{row['stimulus_id']}.{suffix}"
            write(folder / file, stimuli.read(row["stimulus_id"]), row, place + 1, stimuli.sha256)
            table.loc[place, ["file", "sha256"]] = file, sha256(folder / file)
        write_table(folder / "stimuli.csv", table)
        exported = {"format": form, "bits": 16, "from_sha256": stimuli.sha256, "lookalike_version": VERSION}
        write_json(folder / "stimuli.json", stimuli.about | {"exported": exported})
    return read_set(out)


def _write_png(path: Path, pixels: Pixels, *_: Any) -> None:
    write_png(path, pixels, bits=16)


def _write_tiff(path: Path, pixels: Pixels, *_: Any) -> None:
    # Without description and software, so that files hold nothing but the image.
    tifffile.imwrite(path, quantise(pixels, 16), photometric="minisblack", metadata=None, software=False)


def _write_dicom(path: Path, pixels: Pixels, row: dict[str, Any], number: int, set_sha256: str) -> None:
    patient = row["patient"] if isinstance(row["patient"], str) else ""
    generated = row["truth"] == "generated"
    write_dicom(
        path, quantise(pixels, 16).astype(np.uint16), row["stimulus_id"], patient, generated, number, set_sha256
    )


_FORMS: dict[str, tuple[str, Callable[..., None]]] = {
    "png16": ("png", _write_png),
    "tiff": ("tif", _write_tiff),
    "dicom": ("dcm", _write_dicom),
}

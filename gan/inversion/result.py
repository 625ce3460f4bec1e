"""Inverted images on disk: reconstructions, residual maps, codes, and a table that names each one's patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import new_folder, sha256, write_json, write_table
from data.shipped import VERSION
from gan.checkpoint import Model
from gan.codes import ImageCode, read_codes, write_codes
from gan.image_tables import read_image_table
from gan.inversion.encoder_file import StoredEncoder
from gan.inversion.invert import Inversion
from gan.inversion.settings import InversionSettings
from stimuli.export import write_sheet
from stimuli.images import Pixels, read_image, write_png
from stimuli.patches import PatchSet

FORMAT = "lookalike-inverted/1"
COLUMNS = ("patch_id", "patient", "split", "file", "sha256", "residual")
RESIDUAL_GAIN = 2.0  # of residual maps: mid-grey is no difference, and half of the range is all of it
_SHEET = 12  # images on the sheet: given, reconstructed, residual


@dataclass(frozen=True)
class Inverted:
    """Inverted images as they are stored.

    Attributes
    ----------
    folder : path
        Where they are.
    table : DataFrame
        One row per image: patch, patient, split, files and measures.
    about : dict
        Model, encoder, patch set and settings.
    codes : list of ImageCode
        What makes each image, in the order of the table.

    Examples
    --------
    >>> import gan, pandas as pd
    >>> gan.Inverted("nowhere", pd.DataFrame({"patient": ["a"]}), {}, []).patients
    ['a']
    """

    folder: Path
    table: pd.DataFrame
    about: dict[str, Any]
    codes: list[ImageCode]

    @property
    def patients(self) -> list[str]:
        """Codes of the patients whose images these are."""
        return sorted(self.table["patient"].unique())


def save_inverted(
    out: Path | str,
    found: Inversion,
    rows: pd.DataFrame,
    patches: PatchSet,
    model: Model,
    encoder: StoredEncoder,
    settings: InversionSettings,
) -> pd.DataFrame:
    """Write inverted patches into a new folder.

    Parameters
    ----------
    out : path
        A folder that does not exist yet, or is empty.
    found : Inversion
        What `invert` returned.
    rows : DataFrame
        The rows of the patches in their order.
    patches : PatchSet
        The set that they are of.
    model, encoder, settings : Model, StoredEncoder, InversionSettings
        What they were inverted with.

    Returns
    -------
    DataFrame
        The content of `inverted.csv`: each image's patch, patient and split, its files, and its measures.

    Raises
    ------
    LookalikeError
        If `out` is occupied.

    Examples
    --------
    >>> import gan, stimuli
    >>> stimuli.write_phantoms("film", 40, lesion_px=16)
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", stimuli.Cut(16))
    >>> model = gan.Model(gan.Generator(gan.Architecture(16)).requires_grad_(False), "", {})
    >>> encoder = gan.StoredEncoder(gan.Encoder(gan.Architecture(16)).eval(), "", "", {})
    >>> rows, how = patches.select("study").head(2), gan.InversionSettings(steps=1)
    >>> found = gan.invert(model, encoder, gan.Vgg16(), patches.read_all(rows), how)
    >>> len(gan.save_inverted("inverted", found, rows, patches, model, encoder, how))
    2
    """
    with new_folder(Path(out)) as folder:
        for part in ("images", "residuals"):
            (folder / part).mkdir()
        listed = []
        for row, image, residual in zip(rows.itertuples(), found.images, found.residuals, strict=True):
            file, map_ = f"images/{row.patch_id}.png", f"residuals/{row.patch_id}.png"
            write_png(folder / file, image, bits=16)
            write_png(folder / map_, _grey(residual), bits=8)
            listed.append((row.patch_id, row.patient, row.split, file, sha256(folder / file), map_))
        table = pd.DataFrame(listed, columns=list(COLUMNS)).join(found.table)
        write_table(folder / "inverted.csv", table)
        write_codes(folder / "codes.json", image_codes(found, rows), model)
        write_json(folder / "inverted.json", _about(found, patches, model, encoder, settings))
        shown = min(_SHEET, len(found.images))
        pictures = [*found.targets[:shown], *found.images[:shown], *(_grey(one) for one in found.residuals[:shown])]
        write_sheet(folder / "sheet.png", pictures, columns=shown, readable_px=192)
    return table


def image_codes(found: Inversion, rows: pd.DataFrame) -> list[ImageCode]:
    """What makes each reconstruction, with its patient, for morphs and compositions."""
    return [
        ImageCode(
            str(row.patch_id),
            found.codes[number],
            tuple(layer[number, 0] for layer in found.noise),
            f"patch {row.patch_id}, inverted",
            (str(row.patient),),
        )
        for number, row in enumerate(rows.itertuples())
    ]


def read_inverted(folder: Path | str, model: Model) -> Inverted:
    """Read inverted images, and verify that they are a model's and unaltered.

    Parameters
    ----------
    folder : path
        What `save_inverted` wrote.
    model : Model
        The model with which they will be used.

    Returns
    -------
    Inverted
        Table, codes, and how they were made.

    Raises
    ------
    LookalikeError
        If a file is missing, altered or of another format, or the codes are of another model.

    Examples
    --------
    >>> import gan
    >>> from data import LookalikeError
    >>> try:
    ...     gan.read_inverted("nowhere", gan.Model(gan.Generator(gan.Architecture(16)), "", {}))
    ... except LookalikeError as error:
    ...     print(error.code)
    no-such-file
    """
    folder = Path(folder)
    table, about = read_image_table(folder, "inverted", FORMAT, COLUMNS, COLUMNS, "invert the patches again")
    codes = read_codes(folder / "codes.json", model)
    named = [(one.name, one.patients) for one in codes]
    if named != [(row.patch_id, (row.patient,)) for row in table.itertuples()]:
        raise LookalikeError(
            "altered-file", f"{folder / 'inverted.csv'}: patches or patients are not those of codes.json; restore it"
        )
    return Inverted(folder, table, about, codes)


def _grey(residual: Pixels) -> Pixels:
    """A residual map as P-values: mid-grey where nothing was lost, bright where the given image was brighter."""
    grey: Pixels = np.clip(0.5 + RESIDUAL_GAIN * residual, 0, 1).astype(np.float32)
    return grey


def _about(
    found: Inversion, patches: PatchSet, model: Model, encoder: StoredEncoder, settings: InversionSettings
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "lookalike_version": VERSION,
        "model_sha256": model.sha256,
        "encoder_sha256": encoder.sha256,
        "patches_sha256": patches.sha256,
        "key_fingerprint": patches.about["key_fingerprint"],
        "context": patches.about["context"],
        "credit": patches.about["credit"],
        "settings": settings.to_dict(),
        "perceptual_weight": found.perceptual_weight,
        "residual": f"0.5 + {RESIDUAL_GAIN:g} x (given - reconstructed), P-values",
    }


def read_masks(folder: Path | str, names: Sequence[str]) -> Pixels:
    """Soft masks of patches, `<patch_id>.png` each. Raises `LookalikeError` naming one that is missing."""
    missing = [name for name in names if not (Path(folder) / f"{name}.png").is_file()]
    if missing:
        raise LookalikeError(
            "missing-file", f"{folder}: {len(missing)} masks are missing, such as {missing[0]}.png; draw one per patch"
        )
    read = [read_image(Path(folder) / f"{name}.png").pixels for name in names]
    odd = next((name for name, one in zip(names, read, strict=True) if one.shape != read[0].shape), None)
    if odd is not None:
        raise LookalikeError("wrong-size", f"{Path(folder) / odd}.png: not of the size of the others; resample it")
    return np.stack(read)

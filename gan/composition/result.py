"""Composed images on disk: images with their parents, their certificate, their codes, and a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import LookalikeError
from data.files import new_folder, sha256, write_json, write_table
from data.shipped import VERSION
from gan.checkpoint import Model
from gan.codes import ImageCode, read_codes, write_codes
from gan.composition.certificate import COMPOSED
from gan.composition.compose import OUTSIDE, Composition, name_of
from gan.composition.figure import write_family, write_figure
from gan.composition.parts import Part
from gan.image_tables import read_image_table
from gan.inversion.encoder_file import StoredEncoder
from stimuli.images import Pixels, read_image, write_png

FORMAT = "lookalike-composed/1"
COLUMNS = ("image", "file", "sha256", "texture", "shape", "texture_patient", "shape_patient")
NOBODY = ""  # in place of a patient's code, on disk a missing cell


@dataclass(frozen=True)
class Composed:
    """Composed images as they are stored.

    Attributes
    ----------
    folder : path
        Where they are.
    table : DataFrame
        One row per image: file, texture and shape by name, both patients, certificate.
    about : dict
        Model, encoder, settings, sources of the parts.
    codes : list of ImageCode
        What makes each image, in the order of the table.

    Examples
    --------
    >>> import gan, pandas as pd
    >>> gan.Composed("nowhere", pd.DataFrame({"texture_patient": ["a"], "shape_patient": ["b"]}), {}, []).patients
    ['a', 'b']
    """

    folder: Path
    table: pd.DataFrame
    about: dict[str, Any]
    codes: list[ImageCode]

    @property
    def patients(self) -> list[str]:
        """Codes of the patients whose lesions these images are made from."""
        return sorted(set(self.table["texture_patient"]).union(self.table["shape_patient"]) - {NOBODY})

    def read(self, row: Any) -> Pixels:
        """The P-values of one image, given its table row."""
        return read_image(self.folder / str(row.file)).pixels


def save_composed(
    out: Path | str,
    composition: Composition,
    certificate: pd.DataFrame,
    model: Model,
    encoder: StoredEncoder,
    about: dict[str, Any] | None = None,
) -> pd.DataFrame:
    """Write composed images into a new folder.

    Parameters
    ----------
    out : path
        A folder that does not exist yet, or is empty.
    composition : Composition
        What `compose` returned.
    certificate : DataFrame
        What `certify` returned.
    model, encoder : Model, StoredEncoder
        What they were composed with.
    about : dict, optional
        More on where the parts are from, for `composed.json`.

    Returns
    -------
    DataFrame
        The content of `composed.csv`: each image's file, parents and certificate.

    Raises
    ------
    LookalikeError
        If `out` is occupied, or two images have the same parents.

    Examples
    --------
    >>> import gan, numpy as np
    >>> model = gan.Model(gan.Generator(gan.Architecture(16)).requires_grad_(False), "", {})
    >>> encoder = gan.StoredEncoder(gan.Encoder(gan.Architecture(16)).eval(), "", "", {})
    >>> image, mask = np.random.default_rng(0).random((16, 16), dtype=np.float32), np.zeros((16, 16), np.float32)
    >>> mask[4:12, 4:12] = 1
    >>> part = gan.Part("a", image, mask)
    >>> composed = gan.compose(model, encoder, gan.Vgg16(), [(part, part)], gan.InversionSettings(steps=2))
    >>> _ = gan.save_composed("composed", composed, gan.certify(composed, gan.Vgg16()), model, encoder)
    >>> gan.read_composed("composed", model).table[["texture", "shape"]].values.tolist()
    [['a', 'a']]
    """
    with new_folder(Path(out)) as folder:
        (folder / "images").mkdir()
        listed = []
        for pair, image in zip(composition.pairs, composition.images, strict=True):
            file = f"images/{name_of(pair)}.png"
            write_png(folder / file, image, bits=16)
            patients = (part.patient or NOBODY for part in pair)
            listed.append((name_of(pair), file, sha256(folder / file), *(part.name for part in pair), *patients))
        own = certificate[certificate["method"] == COMPOSED].drop(columns=["image", "method"]).reset_index(drop=True)
        fit = composition.found.table[["code_distance", "steps", "seconds"]]
        covered = pd.DataFrame(
            [(one.scale, one.covered) for one in composition.transfers], columns=["scale", "covered"]
        )
        table = pd.DataFrame(listed, columns=list(COLUMNS)).join([own, covered, fit])
        write_table(folder / "composed.csv", table.replace({NOBODY: None}))
        write_table(folder / "comparison.csv", certificate)
        write_codes(folder / "codes.json", composition.codes, model)
        write_json(folder / "composed.json", _about(composition, model, encoder) | (about or {}))
        write_figure(folder / "figure4.png", composition)
        write_family(folder / "family.png", composition)
    return table


def read_composed(folder: Path | str, model: Model | None = None) -> Composed:
    """Read composed images, and verify that they are unaltered and, if one is given, a model's.

    Parameters
    ----------
    folder : path
        What `save_composed` wrote.
    model : Model, optional
        The model with which the codes will be used; without one they are not read.

    Returns
    -------
    Composed
        Table, how they were made, and codes.

    Raises
    ------
    LookalikeError
        If a file is missing, altered or of another format, the table's patients are not those of the codes, or the
        codes are of another model.

    Examples
    --------
    >>> import gan
    >>> from data import LookalikeError
    >>> try:
    ...     gan.read_composed("nowhere")
    ... except LookalikeError as error:
    ...     print(error.code)
    no-such-file
    """
    folder = Path(folder)
    table, about = read_image_table(folder, "composed", FORMAT, COLUMNS, COLUMNS, "compose the images again")
    for name in ("texture_patient", "shape_patient"):
        table[name] = table[name].fillna(NOBODY)
    if [_parents(row) for row in table.itertuples()] != [tuple(one.items()) for one in about.get("parents", [])]:
        raise LookalikeError(
            "altered-file", f"{folder / 'composed.csv'}: parents or patients are not those of composed.json; restore it"
        )
    return Composed(folder, table, about, [] if model is None else read_codes(folder / "codes.json", model))


_PARENTS = ("image", "texture", "shape", "texture_patient", "shape_patient")


def _parents(row: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name, getattr(row, name)) for name in _PARENTS)


def _about(composition: Composition, model: Model, encoder: StoredEncoder) -> dict[str, Any]:
    sources: dict[str, Part] = {part.name: part for pair in composition.pairs for part in pair}
    return {
        "format": FORMAT,
        "lookalike_version": VERSION,
        "model_sha256": model.sha256,
        "encoder_sha256": encoder.sha256,
        "settings": composition.settings.to_dict(),
        "perceptual_weight": composition.found.perceptual_weight,
        "outside_weight": 0.0 if composition.settings.objective == "paper" else OUTSIDE,
        "parts": {name: part.source for name, part in sources.items()},
        "parents": [
            dict(
                zip(
                    _PARENTS,
                    (name_of(pair), *(p.name for p in pair), *(p.patient or NOBODY for p in pair)),
                    strict=True,
                )
            )
            for pair in composition.pairs
        ],
    }

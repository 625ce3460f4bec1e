"""What every layout yields, and what several of them need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import LookalikeError
from stimuli.masks import Box, Outline

NORMAL = "shows no lesion"  # an image that was read by a radiologist and has none
MISSING = "image is not in the folder"  # few download a whole collection
AGAIN = "is listed twice"
_FEW = 3


@dataclass(frozen=True)
class Found:
    """A lesion as a collection lists it.

    Attributes
    ----------
    file : path
        The mammogram.
    patient_id, laterality, view, pathology : str
        In the words of `stimuli.sources.tables`; empty where unknown, except the patient.
    box : (float, float, float, float), optional
        Left, top, width and height in pixels of the file; None where the mask has to say.
    mask : path or Outline, optional
        What of the image is the lesion.
    left_out : str
        Why no patch can be cut; empty if one can. The file may be missing then.
    shape : (int, int), optional
        Rows and columns of the image that the box is a place in; None where the collection does not say.
    """

    file: Path
    patient_id: str
    laterality: str = ""
    view: str = ""
    pathology: str = ""
    box: Box | None = None
    mask: Path | Outline | None = None
    left_out: str = ""
    shape: tuple[int, int] | None = None


class Index:
    """The files below a folder by the names of the folders that they are in, and by their own without suffix."""

    def __init__(self, folder: Path, suffixes: Sequence[str]) -> None:
        self.folder = folder
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in suffixes and path.is_file():
                inside = path.relative_to(folder)
                for name in {*inside.parts[:-1], inside.stem}:
                    self._by_name[name].append(path)

    def all(self, name: str) -> list[Path]:
        """The files in any folder of this name, or of this name themselves."""
        return self._by_name.get(name, [])

    def only(self, name: str, table: Path) -> Path | None:
        """The one file of this name, None if there is none. Raises `LookalikeError` if there are several."""
        found = self.all(name)
        if len(found) < 2:
            return found[0] if found else None
        several = ", ".join(path.relative_to(self.folder).as_posix() for path in found[:_FEW])
        raise LookalikeError(
            "ambiguous-file", f"{self.folder}: {name} of {table.name} may be any of {several}; keep one"
        )

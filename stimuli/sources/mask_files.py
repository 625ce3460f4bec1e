"""Which mask belongs to which image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from data.errors import LookalikeError
from stimuli.readers.formats import SUFFIXES
from stimuli.sources.tables import present


def masks_of(
    files: Sequence[str], named: Sequence[str], folder: Path, table: Path, masks: Path | None
) -> list[Path | None]:
    """The mask of each image, None where there is none: from a folder of masks, else as the table names it.

    Parameters
    ----------
    files, named : sequence of str
        The image of each row of the table, and what the row gives as its mask (empty for none).
    folder, table : path
        Where the table's files are, and the table.
    masks : path, optional
        A folder with files named as the images, whatever their suffix: at the same place below the folder, else
        anywhere below it. Replaces what the table names.

    Raises
    ------
    LookalikeError
        If a named mask or the folder is missing, no mask has the name of an image, or names are not unique.
    """
    if masks is None:
        return [present(folder, name, table) if name else None for name in named]
    if not masks.is_dir():
        raise LookalikeError("no-such-folder", f"{masks}: no such folder; give the folder that holds the masks")
    found = sorted(path for path in masks.rglob("*") if path.suffix.lower() in SUFFIXES)
    placed = {path.relative_to(masks).with_suffix("").as_posix(): path for path in found}
    stems: dict[str, list[Path]] = {}
    for one in found:
        stems.setdefault(one.stem, []).append(one)
    images = Counter(PurePosixPath(file).stem for file in set(files))
    chosen: list[Path | None] = []
    for file in files:
        image = PurePosixPath(file)
        path = placed.get(image.with_suffix("").as_posix())
        others = stems.get(image.stem, [])
        if path is None and others and (len(others) > 1 or images[image.stem] > 1):
            raise LookalikeError(
                "ambiguous-mask",
                f"{masks}: {image.stem} is the name of several masks or images; put the masks into folders named as "
                "those of the images, or name them in the table's column mask",
            )
        chosen.append(path or next(iter(others), None))
    if not any(chosen):
        raise LookalikeError("no-images", f"{masks}: holds no mask with the name of an image, such as {files[0]}")
    return chosen

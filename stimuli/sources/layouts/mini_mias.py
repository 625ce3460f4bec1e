"""mini-MIAS: PGM files and `Info.txt`, whose circles count rows from the bottom edge.

References
----------
Suckling et al. 1994, Excerpta Medica International Congress Series 1069:375–378; its README says that each pair of
films is one patient, left breasts having even numbers, and that y is measured from the bottom.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stimuli.readers.formats import SUFFIXES
from stimuli.sources.layouts.found import MISSING, NORMAL, Found, Index

# mdb001 G CIRC B 535 425 197: film, tissue, kind, severity, x, y and radius of a circle around the lesion.
_LINE = re.compile(r"^\s*(mdb(\d+)\w*)\s+[FGD]\s+(CALC|CIRC|SPIC|MISC|ARCH|ASYM|NORM)\b(.*)$", re.IGNORECASE)
_CIRCLE = re.compile(r"^\s*([BM])(?:\s+(\d+)\s+(\d+)\s+(\d+))?", re.IGNORECASE)
_SIDE_PX = 1024  # of every film of mini-MIAS; MIAS itself has larger ones, for which Info.txt does not hold
_SEVERITY = {"B": "BENIGN", "M": "MALIGNANT"}


def tables(folder: Path, given: Path | None) -> list[Path]:
    """`Info.txt` in the folder, in any case, or the file given, if it lists films of MIAS."""
    candidates = [given] if given is not None else sorted(folder.glob("[Ii][Nn][Ff][Oo].[Tt][Xx][Tt]"))
    return [path for path in candidates if path.is_file() and any(_LINE.match(line) for line in _lines(path))][:1]


def lesions(folder: Path, found: list[Path]) -> Iterator[Found]:
    """One lesion for each line that has a severity, and one that says so for each film of normal tissue."""
    (table,) = found
    index = Index(folder, SUFFIXES)
    for line in _lines(table):
        film = _LINE.match(line)
        circle = _CIRCLE.match(film[4]) if film else None
        normal = film is not None and film[3].upper() == "NORM"
        if film is None or (circle is None and not normal):
            continue
        file, number = index.only(film[1], table), int(film[2])
        known = Found(
            file or folder / film[1],
            f"MIAS {(number + 1) // 2:03d}",
            "RIGHT" if number % 2 else "LEFT",
            "MLO",
            "NORMAL" if circle is None else _SEVERITY[circle[1].upper()],
            left_out=NORMAL if circle is None else "has no coordinates" if file else MISSING,
            shape=(_SIDE_PX, _SIDE_PX),
        )
        if circle is None:
            if file is not None:
                yield known
            continue
        if circle[2] is None or file is None:
            yield known
            continue
        x, up, radius = (int(circle[group]) for group in (2, 3, 4))
        y = _SIDE_PX - up
        if radius and min(x, y) - radius >= 0 and max(x, y) + radius <= _SIDE_PX:
            box = (float(x - radius), float(y - radius), 2.0 * radius, 2.0 * radius)
            yield replace(known, box=box, left_out="")
        else:
            yield replace(known, left_out="has a circle that reaches outside the image")


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()

"""`participants.tsv`, the participants table of a BIDS data set: one row for every participant with exported data.

Labs edit this file by hand: rows and columns of their own are kept character by character.
"""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

from data.bids import read_sidecar
from data.errors import LookalikeError
from data.files import decoded, found_separator, read_json, write_json, write_text
from experiments.records.participants import EXPERTISE, read_participant

COLUMN_NOTES: dict[str, dict[str, Any]] = {
    "participant_id": {"Description": "Random code; this data set holds no name for it."},
    "observer": {
        "Description": "Who answered in session 1.",
        "Levels": {
            "human": "a person",
            "scripted": "prepared answers, to test the set-up",
            "simulated": "a simulated observer, not a person",
        },
    },
    "expertise": {"Description": "The reader's training.", "Levels": EXPERTISE},
    "years": {"Description": "Years of reading such images.", "Units": "year"},
    "volume_per_year": {"Description": "Cases read per year.", "Units": "case/year"},
    "corrected_vision": {
        "Description": "Whether vision was corrected in the sessions.",
        "Levels": {"yes": "with glasses or lenses", "no": "without"},
    },
    "room_light_lux": {"Description": "Illuminance at the screen.", "Units": "lx"},
    "viewing_distance_cm": {"Description": "From eye to screen.", "Units": "cm"},
}
_OF_READER = tuple(COLUMN_NOTES)[2:]
_QUOTED = re.compile(r'(?m)(^|\t)"([^"]|"")*"\r?(\t|$)')
_ABANDONED_S = 60.0  # far longer than writing the file takes


def list_participants(data: Path) -> None:
    """Give every exported participant a row, and each of our columns a note in `participants.json`.

    A column about readers is added once a participant has a value for it. Sessions may end at the same moment on
    several computers, and the last to write the file may not have seen the others' rows. So each reads the file again
    after writing it, until no row is missing; the last writer does so too, and so does every later export.
    """
    path = Path(data) / "participants.tsv"
    while True:
        header, *rows = _lines(path)
        columns = header.split("\t")
        if "participant_id" not in columns:
            raise LookalikeError(
                "missing-column", f"{path}: column participant_id is missing; restore it as the first column"
            )
        listed = {_cell(row, columns, "participant_id") for row in rows}
        missing = {name: _row(data, name, sidecar) for name, sidecar in _exported(data) if name not in listed}
        if not missing:
            break
        new = [name for name in _OF_READER if name not in columns and any(name in one for one in missing.values())]
        columns += new
        header = "\t".join(columns)
        rows = [row + "\tn/a" * (len(columns) - len(row.split("\t"))) if new else row for row in rows]
        rows += ["\t".join(known.get(column, "n/a") for column in columns) for known in missing.values()]
        write_text(path, "\n".join([header, *rows]) + "\n")
    _note_columns(path.with_suffix(".json"), columns)


def remove_participant(data: Path, code: str) -> None:
    """Remove a participant's rows, and half-written copies of the file with that row that a crash left behind.

    The file is read once more to see that they are gone. Raises `LookalikeError` as `check_readable` does, and
    (`cannot-remove`) if a row is still there.
    """
    path = Path(data) / "participants.tsv"
    if path.exists():
        header, *rows = _lines(path)
        columns = header.split("\t")
        kept = [row for row in rows if not _is_of(row, columns, code)]
        if kept != rows:
            write_text(path, "\n".join([header, *kept]) + "\n")
        if any(_is_of(row, columns, code) for row in _lines(path)[1:]):
            raise LookalikeError(
                "cannot-remove",
                f"{path}: still has a row for participant {code}; close the program that has it open, then withdraw "
                "again",
            )
    for partial in Path(data).glob(f".{path.name}.*.partial"):
        with suppress(FileNotFoundError):  # another process has just finished writing it
            named = re.search(rf"\bsub-{code}\b".encode(), partial.read_bytes())
            if named and time.time() - partial.stat().st_mtime > _ABANDONED_S:
                partial.unlink()


def check_readable(data: Path) -> None:
    """Raise `LookalikeError` if `participants.tsv` exists and cannot be read."""
    _lines(Path(data) / "participants.tsv")


def _lines(path: Path) -> list[str]:
    """The header and the rows, with tabs between their cells.

    If a spreadsheet has saved the table in a way of its own (quotes, semicolons, commas), its cells are read as that
    program meant them; the next time it is written, it is a BIDS table again.
    """
    try:
        text = decoded(path.read_bytes()) if path.exists() else "participant_id\tobserver\n"
    except UnicodeDecodeError as error:
        raise LookalikeError(
            "not-utf8",
            f"{path}: not UTF-8 ({error.reason} at byte {error.start}), so no row was changed; all answers and tables "
            f"are safe; save it as UTF-8 in a text editor, then 'lookalike export {path.parent}'",
        ) from None
    separator = found_separator(text, "\t")
    if separator == "\t" and not _QUOTED.search(text):
        return text.splitlines() or [""]
    rows = csv.reader(StringIO(text, newline=""), delimiter=separator)
    return ["\t".join(re.sub(r"\s", " ", cell) for cell in row) for row in rows if row] or [""]


def _is_of(row: str, columns: list[str], code: str) -> bool:
    return (_cell(row, columns, "participant_id") or "").strip() in (f"sub-{code}", code)


def _cell(row: str, columns: list[str], column: str) -> str | None:
    cells = row.split("\t")
    place = columns.index(column) if column in columns else len(cells)
    return cells[place] if len(cells) > place else None


def _row(data: Path, name: str, sidecar: Path) -> dict[str, str]:
    """What is known of a participant, by column."""
    known = {"participant_id": name, "observer": _observer(sidecar)}
    try:
        person = read_participant(data, name.removeprefix("sub-"))
    except LookalikeError:
        return known  # one participant's damaged file must not stop the others' export
    values = {} if person is None else {column: getattr(person.reader, column) for column in _OF_READER}
    words = {True: "yes", False: "no"}
    return known | {
        column: words[value] if isinstance(value, bool) else str(value)
        for column, value in values.items()
        if value is not None
    }


def _exported(data: Path) -> Iterator[tuple[str, Path]]:
    """Every participant with a table and a sidecar, by name, and the sidecar of their first session."""
    for folder in sorted(Path(data).glob("sub-*")):
        sidecars = [path.with_suffix(".json") for path in folder.glob("ses-*/beh/*_beh.tsv")]
        # By length first: session 10 comes after session 2.
        there = sorted((len(path.parts[-3]), path) for path in sidecars if path.exists())
        if there:
            yield folder.name, there[0][1]


def _observer(sidecar: Path) -> str:
    try:
        return str(read_sidecar(sidecar).get("Observer") or "n/a")
    except LookalikeError:
        return "n/a"  # as above


def _note_columns(path: Path, columns: list[str]) -> None:
    """Describe our columns in the sidecar; what the lab has written there is kept."""
    there = read_json(path) if path.exists() else {}
    missing = {name: note for name, note in COLUMN_NOTES.items() if name in columns and name not in there}
    if missing:
        write_json(path, {**there, **missing})

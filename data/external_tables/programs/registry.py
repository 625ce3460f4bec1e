"""Which program wrote a table: by its content for formats of their own, by the names of columns for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from data.errors import LookalikeError
from data.external_tables.files.records import read_records
from data.external_tables.files.sheet import Sheet
from data.external_tables.files.text import read_text_table
from data.external_tables.files.workbook import OLE, ZIP, read_workbook
from data.external_tables.mapping import TableMapping
from data.external_tables.names import known_names
from data.external_tables.programs import eprime, gorilla, jspsych, mrmc, opensesame, psychopy, qualtrics
from data.external_tables.programs.export import Export

_Recognise = Callable[[set[str]], bool]
_Adapt = Callable[[Sheet, TableMapping], Export]
# By the name that an import file calls them.
_PROGRAMS: Mapping[str, tuple[_Recognise, _Adapt]] = {
    "psychopy": (psychopy.recognise, psychopy.adapt),
    "jspsych": (jspsych.recognise, jspsych.adapt),
    "opensesame": (opensesame.recognise, opensesame.adapt),
    "gorilla": (gorilla.recognise, gorilla.adapt),
    "qualtrics": (qualtrics.recognise, qualtrics.adapt),
    "eprime": (eprime.recognise, eprime.adapt),
    "mrmc": (mrmc.recognise, mrmc.adapt),
    "imrmc": (mrmc.recognise_imrmc, mrmc.adapt_imrmc),
}
_NAMES = (*eprime.NAMES, *gorilla.NAMES, *jspsych.NAMES, *qualtrics.NAMES, "expName", "subject_nr")


def read_export(path: Path, mapping: TableMapping) -> Export:
    """The cells of a file, and what its program, if it is known, says of them.

    Raises `LookalikeError` if the file is missing or not a table, or `mapping` names a program that is not known.
    """
    program = mapping.file.program
    if program not in ("", "none", *_PROGRAMS):
        raise LookalikeError("bad-setting", f"file.program is {program!r}; there are none, {', '.join(_PROGRAMS)}")
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise LookalikeError("no-such-file", f"{path}: no such file") from None
    if not content.strip():
        raise LookalikeError("not-a-table", f"{path}: is empty; it needs a header and a row per trial")
    known = known_names(mapping, _NAMES)
    if program != "none" and mrmc.opens_imrmc(content):
        return mrmc.read_imrmc(path, content, mapping)
    if content.startswith(ZIP) and program != "none" and not mapping.file.sheet:
        workbook = mrmc.read_rjafroc(path, content, mapping)
        if workbook is not None:
            return workbook
    sheet = _sheet(path, content, known, mapping)
    names = set(sheet.cells.columns)
    for name, (recognise, adapt) in _PROGRAMS.items():
        if program == name or (not program and recognise(names)):
            return adapt(sheet, mapping)
    return Export(sheet, one_person=False)


def _sheet(path: Path, content: bytes, known: frozenset[str], mapping: TableMapping) -> Sheet:
    given = mapping.file
    if content.startswith((ZIP, OLE)):
        return read_workbook(path, content, known, given.sheet, given.header_row)
    if eprime.opens(content) and given.program != "none":
        return eprime.read(path, content, known)
    if path.suffix.lower() in (".json", ".jsonl") or content.lstrip(b"\xef\xbb\xbf \t\r\n")[:2] in (b"[{", b'{"'):
        return read_records(path, content, known)
    return read_text_table(path, content, known, given)

"""Tables in text files: encoding and separator are found out."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from pathlib import Path

from data.errors import LookalikeError
from data.external_tables.files.sheet import Sheet, plain_name, sheet_of
from data.external_tables.mapping import FileSettings

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GZIP = b"\x1f\x8b"
_DOCUMENTS = ("%PDF-", "{\\rtf")
_SEPARATORS = (",", "\t", ";", "|")
_INVISIBLE = ("\ufeff", "\u200b")  # marks of joined files, and blanks without width that a browser's copy brings
_LOOKED_AT = 60  # rows from which the separator is found out
_STATED = re.compile(r'^"?sep=(?P<separator>.)"?\s*$')  # Excel's own first line


def read_text_table(path: Path, content: bytes, known: frozenset[str], given: FileSettings) -> Sheet:
    """The cells of a CSV file of any kind. Raises `LookalikeError` if it is not text or not a table."""
    text, notes = decoded(path, content, given.encoding)
    # A lone carriage return ends a line in files of old Macs.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for invisible in _INVISIBLE:
        text = text.replace(invisible, "")
    if text.lstrip().startswith("<"):
        raise LookalikeError(
            "not-a-table", f"{path}: is a web page or XML, whatever its name; open it in Excel, save it as .xlsx or CSV"
        )
    if text.startswith(_DOCUMENTS):
        raise LookalikeError("not-a-table", f"{path}: is a document, not a table; save the table in it as .xlsx or CSV")
    first, _, rest = text.partition("\n")
    stated = _STATED.match(first)
    if stated:
        text = "\n" + rest  # rows are counted as in the file
    separator = given.separator or (stated["separator"] if stated else _separator(path, text, known))
    if separator == "\\t":
        separator = "\t"
    if len(separator) != 1:
        raise LookalikeError("bad-setting", f"file.separator is {separator!r}; it must be one character, or \\t")
    rows = _rows(path, text, separator)
    comma = given.decimal == "," or (given.decimal != "." and separator == ";")
    return sheet_of(path, rows, known, given.header_row, comma, notes)


def decoded(path: Path, content: bytes, encoding: str = "") -> tuple[str, tuple[str, ...]]:
    """The text of a file, and what to say of its encoding. Raises `LookalikeError` if it is not text."""
    if encoding:
        try:
            return content.decode(encoding), ()
        except LookupError:
            raise LookalikeError(
                "bad-setting", f"file.encoding is {encoding!r}; Python knows no such encoding"
            ) from None
        except UnicodeDecodeError as error:
            raise LookalikeError(
                "not-a-table", f"{path}: is not written in {encoding} (byte {error.start + 1}); correct file.encoding"
            ) from None
    if content.startswith(_GZIP):
        raise LookalikeError("not-a-table", f"{path}: is compressed by gzip; unpack it")
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    name = marked or _unmarked_utf16(content)
    notes: tuple[str, ...] = ()
    try:
        text = content.decode(name or "utf-8")
    except UnicodeDecodeError:
        if name is not None and marked is None:
            raise _no_text(path) from None
        if name is not None:
            raise LookalikeError(
                "not-a-table", f"{path}: begins as {name} and is not; save it as UTF-8 and try again"
            ) from None
        text = _western(path, content)
        notes = (
            f"{path.name}: is not UTF-8, so it was read as Windows-1252; if letters are wrong, save it as UTF-8 "
            '(or, for answers, write encoding = "..." under [file] in an import file)',
        )
    if "\0" in text:
        raise _no_text(path)
    return text, notes


def _no_text(path: Path) -> LookalikeError:
    return LookalikeError("not-a-table", f"{path}: is not a text file; save it as CSV or .xlsx")


def _western(path: Path, content: bytes) -> str:
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        raise LookalikeError(
            "not-a-table",
            f"{path}: is neither UTF-8 nor UTF-16 nor Windows-1252; save it as UTF-8, or name its encoding in an "
            "import file (encoding under [file])",
        ) from None


def _unmarked_utf16(content: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Western text is zero."""
    some = content[:2000]
    even, odd = some[::2].count(0), some[1::2].count(0)
    if max(even, odd) < 0.3 * len(some) / 2:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _separator(path: Path, text: str, known: frozenset[str]) -> str:
    """The character between cells: the one that gives a header of known names, or rows of one width."""
    lines = "\n".join(text.split("\n", _LOOKED_AT)[:_LOOKED_AT])
    usual = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
    scores = {}
    for separator in _SEPARATORS:
        rows = [row for row in csv.reader(io.StringIO(lines), delimiter=separator) if any(map(str.strip, row))]
        names = max((len({plain_name(cell) for cell in row} & known) for row in rows), default=0)
        widths = Counter(len(row) for row in rows if len(row) > 1)
        alike = max(widths.values(), default=0) / max(1, len(rows))
        scores[separator] = (names, round(alike, 1), separator == usual, max(widths, default=0))
    best = max(scores, key=lambda separator: scores[separator])
    if scores[best][1] == 0 and re.search(r"\S[ ]+\S", lines):
        return " "  # R's write.table
    return best


def _rows(path: Path, text: str, separator: str) -> list[list[str]]:
    csv.field_size_limit(2**31 - 1)
    # Strict, because a quotation mark that is never closed would swallow all rows after it.
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=separator != "\t"
    )
    found: list[list[str]] = []
    try:
        found.extend(rows)
    except csv.Error as error:
        raise LookalikeError(
            "not-a-table", f"{path}: not readable as a table (row {len(found) + 1}: {error}); check its quotation marks"
        ) from None
    return found

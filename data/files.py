"""Writing so that a crash leaves either the old file or the new one, never half of one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import warnings
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd

from data.errors import LookalikeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_STATED = re.compile(r"\Asep=.\r?\n")  # a first line of Excel's
_LONGEST_NAME = 255  # bytes of a file's name, on all usual file systems


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def write_bytes(path: Path, content: bytes, private: bool = False) -> None:
    """Write atomically: to a neighbour, flushed to the disk, then renamed over `path`.

    A `private` file can be read by its owner only, from its first moment on.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            os.chmod(name, 0o666 & ~_umask())  # mkstemp makes private files
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table atomically: `.tsv` with tabs, anything else with commas; missing is `n/a`."""
    separator = "\t" if Path(path).suffix == ".tsv" else ","
    write_text(path, frame.to_csv(sep=separator, index=False, na_rep="n/a", lineterminator="\n"))


def read_json(path: Path) -> Any:
    """Read a JSON file that holds one object, as all of ours do.

    Raises `LookalikeError` if it is missing, not JSON, or not an object.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LookalikeError("no-such-file", f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise LookalikeError(
            "not-json", f"{path}: not readable as JSON ({error}); restore the file or make it again"
        ) from None
    if not isinstance(content, dict):
        raise LookalikeError("not-json", f"{path}: not a JSON object {{...}}; restore the file or make it again")
    return content


def parse_toml(path: Path, content: bytes) -> dict[str, Any]:
    """The settings in a TOML file's `content`. Raises `LookalikeError`, naming `path`, if it is not TOML."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LookalikeError("not-toml", f"{path}: not readable as TOML ({error})") from None


def read_table(path: Path, required: tuple[str, ...], text: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a `.csv` or `.tsv` table, with `n/a` and empty cells as missing.

    It may have gone through a spreadsheet: commas, semicolons or tabs between cells, decimal commas where those are
    semicolons, quotes, a byte order mark, UTF-16. Blanks around the names of columns do not count. `required` columns
    must be present; `text` columns are read as strings, so that an id such as `001` stays what it is. Raises
    `LookalikeError` if the file is missing, empty, malformed, has numbers that can be read in two ways, or lacks a
    required column.
    """
    path = Path(path)
    try:
        content = _STATED.sub("", decoded(path.read_bytes()))
        separator = found_separator(content, "\t" if path.suffix == ".tsv" else ",")
        header = pd.read_csv(StringIO(content), sep=separator, nrows=0, index_col=False).columns
        texts: dict[Any, type] = {name: str for name in header if name.strip() in text}
        decimal = _decimal(path, _parsed(content, separator, str), set(texts)) if separator == ";" else "."
        frame = _parsed(content, separator, texts, decimal)
        frame.columns = frame.columns.str.strip()
    except FileNotFoundError:
        raise LookalikeError("no-such-file", f"{path}: no such file") from None
    except pd.errors.ParserWarning:
        raise LookalikeError(
            "ragged-table", f"{path}: its rows have more cells than its header; correct the table"
        ) from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise LookalikeError("not-a-table", f"{path}: not readable as a table ({str(error).strip()})") from None
    missing = [column for column in required if column not in frame.columns]
    if missing:
        raise LookalikeError(
            "missing-column",
            f"{path}: column {', '.join(missing)} is missing; it has {', '.join(map(str, frame.columns))}",
        )
    return frame


def decoded(content: bytes) -> str:
    """The text of a table: UTF-8, or UTF-16 where a byte order mark says so. Raises `UnicodeDecodeError`."""
    return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")


def found_separator(content: str, usual: str) -> str:
    """What stands between the cells of a table's header: the `usual` one, if it is there, or else the commonest."""
    header = re.sub(r'"[^"]*"', "", content.partition("\n")[0])
    return max((usual, "\t", ";", ","), key=lambda one: (one == usual and one in header, header.count(one)))


def _parsed(content: str, separator: str, types: Any, decimal: str = ".") -> pd.DataFrame:
    with warnings.catch_warnings():
        # Rows longer than the header: by default pandas moves every cell one column to the left.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            StringIO(content),
            sep=separator,
            na_values=["n/a", ""],
            keep_default_na=False,
            dtype=types,
            decimal=decimal,
            index_col=False,
        )


def _decimal(path: Path, cells: pd.DataFrame, texts: set[str]) -> str:
    """The decimal sign of a table with semicolons, which spreadsheets write in languages with decimal commas.

    Raises `LookalikeError` where a number may be meant in two ways: `1.234` may be a thousand or a little over one.
    """
    numbers = [value for name in cells if name not in texts for value in cells[name].dropna()]
    comma = any(re.fullmatch(r"[+-]?\d*,\d+", value) for value in numbers)
    unclear = r"[+-]?\d*\.\d+" if comma else r"[+-]?\d{1,3}(\.\d{3})+"
    doubtful = next((value for value in numbers if re.fullmatch(unclear, value)), None)
    if doubtful is not None:
        raise LookalikeError(
            "semicolons",
            f"{path}: has semicolons between its cells, so {doubtful} may be meant in two ways; save it with commas "
            "between cells and decimal points",
        )
    return "," if comma else "."


def inside(folder: Path, name: object, where: str) -> Path:
    """The path of a file that a manifest names, in the manifest's folder.

    Raises `LookalikeError`, naming the place `where`, unless the name is a relative path that stays in the folder,
    links followed: a manifest from elsewhere must not make a program read or hand on other files.
    """
    text = name if isinstance(name, str) else ""
    folder = Path(folder)
    if not text.strip() or "\0" in text:
        raise LookalikeError("unsafe-path", f"{where}: file has no name; give the file's path within {folder}")
    if "\\" in text or PureWindowsPath(text).drive or PurePosixPath(text).is_absolute() or ".." in text.split("/"):
        raise LookalikeError(
            "unsafe-path",
            f"{where}: file is {text!r}; write a path within {folder}, with / between folders and without ..",
        )
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in text.split("/")):
        raise LookalikeError("unsafe-path", f"{where}: file is {text[:40]!r}..., longer than a file's name can be")
    try:
        led = (folder / text).resolve()
    except (OSError, RuntimeError):  # links in a circle
        raise LookalikeError("unsafe-path", f"{where}: file is {text!r}, a link that leads nowhere") from None
    if led == folder.resolve() or not led.is_relative_to(folder.resolve()):
        raise LookalikeError(
            "unsafe-path", f"{where}: file is {text!r}, which leads out of {folder}; copy the file into it"
        )
    return folder / text


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a new folder as a whole: work in a neighbour, which becomes `path` only on success.

    Raises `LookalikeError` if `path` exists and holds anything: results are never overwritten.
    """
    path = Path(path)
    if path.resolve() == Path.cwd():
        raise LookalikeError("current-folder", f"{path}: is the folder that you are in; name a new one")
    refuse_occupied(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent))
    try:
        partial.chmod(0o777 & ~_umask())
        yield partial
        refuse_occupied(path)  # another process may have been quicker
        if path.exists():
            path.rmdir()
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def sync_folder(folder: Path) -> None:
    """Put a folder's entries on the disk; a file's own fsync does not promise that."""
    if os.name == "nt":  # Windows has no such call and keeps its directory journal itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def refuse_occupied(path: Path) -> None:
    """Raise `LookalikeError` if `path` is a file or a folder that holds anything."""
    path = Path(path)
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        another = "name" if path.is_file() else "folder"
        raise LookalikeError(
            "occupied", f"{path}: exists already and is never overwritten; choose another {another} or remove it"
        )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""Files that mention a participant: in the data folder, beside it, and in the current folder.

Exports and results may be anywhere, but mostly they are beside the data.
"""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOST_FILES = 20_000  # below a folder other than the data folder: it may be a whole home directory
MOST_BYTES = 64 * 2**20  # of one file
_TEXTS = {
    *("", ".csv", ".tsv", ".json", ".jsonl", ".txt", ".imrmc", ".html", ".md", ".log", ".toml", ".xml", ".svg"),
    *(".yaml", ".yml", ".py", ".ipynb", ".r", ".rmd", ".m"),
}


@dataclass(frozen=True)
class Mentions:
    """The result of a search for a code.

    `named_in` are the files whose name or text contains the code as a whole word. `looked_in` are the folders that were
    searched, with all below them. `not_looked_into` is what could not be read, other disks, and files above
    `MOST_BYTES`. `all_looked_at` says whether no folder beside the data held more than `MOST_FILES` files.
    """

    named_in: tuple[Path, ...]
    looked_in: tuple[Path, ...]
    not_looked_into: tuple[Path, ...]
    all_looked_at: bool


def find_mentions(data: Path, participant: str, apart_from: Path) -> Mentions:
    """Search all of `data` except one file, then its parent folder and the current one, nearest folders first.

    Outside `data`, hidden folders, virtual environments and other disks are skipped; links are never followed. Text
    files are read, in UTF-8 or UTF-16; of other files only the name is checked. What cannot be read is reported, not
    raised.
    """
    data, here, apart_from = Path(data).resolve(), Path.cwd().resolve(), Path(apart_from).resolve()
    word = re.compile(rf"(?<![A-Za-z0-9]){participant}(?![A-Za-z0-9])".encode())
    named: list[Path] = []
    unread: list[Path] = []
    seen: set[Path] = set()
    all_looked_at = True
    for start in (data, data.parent, here):
        for number, path in enumerate(_files(start, start == data, seen, unread)):
            if start != data and number == MOST_FILES:
                all_looked_at = False
                break
            if path != apart_from and _names(path, word, unread):
                named.append(path)
    looked_in = (data.parent,) if here.is_relative_to(data.parent) else (data.parent, here)
    return Mentions(tuple(named), looked_in, tuple(unread), all_looked_at)


def _files(start: Path, everywhere: bool, seen: set[Path], unread: list[Path]) -> Iterator[Path]:
    """Files of `start`, then of the folders in it, and so on down; folders in `seen` are not entered again."""
    waiting, disk = deque([start]), _disk(start)
    while waiting:
        folder = waiting.popleft()
        if folder in seen:
            continue
        seen.add(folder)
        try:
            if not everywhere and _disk(folder) != disk:  # or not a disk at all: some files of /proc never end
                unread.append(folder)
                continue
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            unread.append(folder)
            continue
        if not everywhere and any(entry.name in ("pyvenv.cfg", "conda-meta") for entry in entries):
            continue
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                yield folder / entry.name
            elif entry.is_dir(follow_symlinks=False) and (everywhere or not entry.name.startswith(".")):
                waiting.append(folder / entry.name)


def _disk(folder: Path) -> int:
    return os.stat(folder).st_dev


def _names(path: Path, word: re.Pattern[bytes], unread: list[Path]) -> bool:
    if word.search(os.fsencode(path.name)):
        return True
    if path.suffix.lower() not in _TEXTS:
        return False
    try:
        if path.stat().st_size <= MOST_BYTES:
            with open(path, "rb") as file:
                start = file.read(1 << 12)
                utf16 = start.startswith((BOM_UTF16_LE, BOM_UTF16_BE))  # as spreadsheets write it
                if b"\0" in start and not utf16:  # not text, whatever its suffix
                    return False
                text = start + file.read()
            # A code in UTF-16 is found once the zero bytes are removed.
            return bool(word.search(text.replace(b"\0", b"") if utf16 else text))
    except OSError:
        pass
    unread.append(path)
    return False

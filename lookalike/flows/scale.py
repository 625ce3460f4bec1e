"""Comparisons from files to one table, simulated ones, and which loop they were of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from data.bids import beh_files, read_sidecar
from data.errors import LookalikeError
from data.files import read_table, sha256, write_table
from data.loops import ANCHORS, Loop, read_loop
from data.scales import LoopIdentity, Scale
from data.simulated.comparer import SimulatedComparer, draw_triads
from lookalike.console import pairs

_TEXT = ("participant", "response", "role", "loop", "observer")
_IMAGES, _TRIADS, _PARTICIPANTS, _LENGTH_JND = 12, 600, 3, 24.0


def read_answers(
    paths: Sequence[Path], columns: str = "", of_loop: str | None = None, task: str = "triads"
) -> tuple[pd.DataFrame, dict[str, str]]:
    """All tables as one, and the SHA-256 of each file.

    A folder is one with `sub-*` folders, of whose tables those of `task` are read; a table without the column
    `participant` is one participant's, named as the file. `columns` renames, as ours=theirs with commas. Raises
    `LookalikeError` if a file is missing or no table, or there is nothing of the loop `of_loop`.
    """
    theirs = {name: ours for ours, name in pairs(columns, "--columns").items()}
    parts, files = [], {}
    for path, participant, observer in _files(paths, task):
        part = read_table(path, (), text=(*_TEXT, *theirs))
        absent = [name for name in theirs if name not in part.columns]
        if absent:
            raise LookalikeError("missing-column", f"{path}: has no column {absent[0]!r}, which --columns names")
        part = part.rename(columns=theirs)
        if "participant" not in part.columns:
            part = part.assign(participant=participant)
        if observer is not None and "observer" not in part.columns:
            part = part.assign(observer=observer)
        parts.append(part)
        files[path.name if path.name not in files else str(path)] = sha256(path)
    table = pd.concat(parts, ignore_index=True)
    if of_loop is not None:
        if "loop" not in table.columns or not (table["loop"] == of_loop).any():
            raise LookalikeError("no-such-loop", f"no comparison is of the loop {of_loop!r} (column loop)")
        table = table[table["loop"] == of_loop]
    return table, files


def _files(paths: Sequence[Path], task: str) -> list[tuple[Path, str, str | None]]:
    """Each table, whose it is, and which kind of observer answered, if a sidecar says so."""
    found: list[tuple[Path, str, str | None]] = []
    for path in paths:
        if not path.is_dir():
            found.append((path, path.stem, None))
            continue
        for one in beh_files(path, task, cure="name their task with --task"):
            known = read_sidecar(one.path) if one.path.with_suffix(".json").is_file() else {}
            found.append((one.path, one.participant, known.get("Observer")))
    return found


def loop_compared(folder: Path) -> tuple[Loop, LoopIdentity, dict[str, bytes]]:
    """A loop, what says which it is, and the files with its anchors' codes, if it has them.

    Raises `LookalikeError` if the loop or a file is missing or altered.
    """
    loop = read_loop(folder)
    identity = LoopIdentity(loop.model_sha256, loop.anchors_sha256, loop.path, loop.metric, len(loop.frames))
    if loop.anchors_sha256 is None:  # classic stimuli, and loops of the first format
        return loop, identity, {}
    anchors = folder / ANCHORS
    numbers = anchors.with_suffix(".safetensors")
    if not numbers.is_file():
        raise LookalikeError("missing-file", f"{numbers}: missing, but {ANCHORS} needs it; restore it")
    return loop, identity, {path.name: path.read_bytes() for path in (anchors, numbers)}


def write_simulated(path: Path, closed: bool, seed: int) -> pd.DataFrame:
    """Write a table of simulated triads: three observers, 600 each, to whom one part of the loop looks larger.

    Raises `LookalikeError` if the file exists.
    """
    if path.exists():
        raise LookalikeError("occupied", f"{path}: exists already and is never overwritten; choose another name")
    around = np.arange(_IMAGES) / _IMAGES
    sizes = 1 + 0.6 * np.cos(2 * np.pi * around) if closed else (1 + around)[:-1]
    where = tuple((360 * around).tolist() if closed else np.linspace(0, 180, _IMAGES).tolist())
    scale = Scale(where, tuple((sizes / sizes.sum() * _LENGTH_JND).tolist()), closed)
    parts = []
    for number, rng in enumerate(np.random.default_rng(seed).spawn(_PARTICIPANTS), start=1):
        triads = draw_triads(where, _TRIADS, closed=closed, rng=rng)
        answers = SimulatedComparer(scale, lapse=0.01).answer(triads, rng)
        parts.append(answers.assign(participant=f"sim{number}", observer="simulated"))
    table = pd.concat(parts, ignore_index=True)
    write_table(path, table)
    return table

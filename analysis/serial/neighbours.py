"""Which trials of a session are neighbours: they follow one another, and no break lies between them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from data.arrays import Flags
from data.errors import LookalikeError
from data.trials import refuse_rows


def by_participant(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The trials sorted by participant, and each participant's in the order shown (see `slices_by_participant`).

    Raises `LookalikeError` if a column, a participant, a trial number or an `after_gap` is missing, or if one
    participant has the same trial number twice.
    """
    missing = [column for column in ("participant", "trial", *columns) if column not in frame.columns]
    if missing:
        raise LookalikeError("missing-column", f"the trials lack column {', '.join(missing)}")
    for column in ("participant", "trial", "after_gap"):
        if column in frame.columns:
            refuse_rows(frame[column].isna(), "the trials", f"{column} is missing", code="missing-value")
    twice = frame.duplicated(["participant", "trial"], keep=False)
    cure = "give one session of each participant"
    refuse_rows(twice, "the trials", "a participant has this trial number twice", cure, code="repeated-trial")
    return frame.sort_values(["participant", "trial"], kind="stable")


def slices_by_participant(shown: pd.DataFrame) -> list[tuple[str, slice]]:
    """Each participant's rows of a table that is sorted by participant."""
    names = shown["participant"].to_numpy(dtype=object)
    first = _firsts(shown)
    return [(str(names[start]), slice(start, end)) for start, end in pairwise([*first, len(names)])]


def _firsts(shown: pd.DataFrame) -> list[int]:
    names = shown["participant"].to_numpy(dtype=object)
    return [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist()] if len(names) else []


def linked(table: pd.DataFrame) -> Flags:
    """Whether each trial, of sessions in the order shown, has the one before as its neighbour.

    The first trial has none; nor has a trial whose number leaves a gap (the table lacks one in between) or whose
    `after_gap` is true (a break or a resume came just before it; the column may be missing).
    """
    follows = np.asarray(np.diff(table["trial"].to_numpy(dtype=np.float64), prepend=-np.inf) == 1, dtype=np.bool_)
    follows[_firsts(table)] = False
    if "after_gap" not in table.columns:
        return follows
    gap: Flags = table["after_gap"].to_numpy(dtype=np.bool_)
    return follows & ~gap


def places(trials: int, lag: int) -> tuple[slice, slice]:
    """Places of the trials to be explained, and of those `lag` trials before them (−1: one after)."""
    later, earlier = slice(abs(lag), None), slice(None, max(trials - abs(lag), 0))
    return (later, earlier) if lag > 0 else (earlier, later)


def unbroken(link: Flags, lag: int) -> Flags:
    """For each pair of `places`: whether no break lies between the two."""
    run = np.cumsum(~link)
    now, other = places(link.size, lag)
    return np.asarray(run[now] == run[other], dtype=np.bool_)

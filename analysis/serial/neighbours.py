"""Which trials of a session are neighbours: they follow one another, and no break lies between them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.arrays import Flags
from data.errors import LookalikeError
from data.trials import refuse_rows


def by_participant(frame: pd.DataFrame, columns: list[str]) -> list[tuple[str, pd.DataFrame]]:
    """Each participant's trials in the order shown, sorted by participant.

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
    return [(str(name), table.sort_values("trial")) for name, table in frame.groupby("participant", sort=True)]


def linked(table: pd.DataFrame) -> Flags:
    """Whether each trial of a session, in the order shown, has the one before as its neighbour.

    The first trial has none; nor has a trial whose number leaves a gap (the table lacks one in between) or whose
    `after_gap` is true (a break or a resume came just before it; the column may be missing).
    """
    follows = np.asarray(np.diff(table["trial"].to_numpy(dtype=np.float64), prepend=-np.inf) == 1, dtype=np.bool_)
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

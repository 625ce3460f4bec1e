"""What is known of participants: expertise, cases read a year and the like, one row per person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data.errors import LookalikeError
from data.files import read_table

BIDS_TABLE = "participants.tsv"


def read_people(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """Columns participant and `names` of a table with a row per participant, such as a data set's `participants.tsv`.

    `participant_id` is BIDS's name of the column, with `sub-` before each code. Raises `LookalikeError` if the table or
    a column is missing, or a participant has two rows.
    """
    table = read_table(path, tuple(names), text=("participant", "participant_id", *names))
    column = next((name for name in ("participant", "participant_id") if name in table), None)
    if column is None:
        raise LookalikeError("missing-column", f"{path}: column participant (or participant_id) is missing; add it")
    people = table[[*names]].assign(participant=table[column].str.strip().str.removeprefix("sub-"))
    twice = people["participant"].duplicated()
    if twice.any():
        raise LookalikeError(
            "duplicate-id",
            f"{path}: participant {people.loc[twice, 'participant'].iloc[0]} has two rows (row {twice.idxmax() + 2}); "
            "remove one",
        )
    return people[["participant", *names]]

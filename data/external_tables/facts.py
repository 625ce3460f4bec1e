"""What tables and their sidecars say of each session: who answered, when, and what was shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from data.external_tables.cells import Part
from data.external_tables.columns import kinds_of_observer
from data.external_tables.sources import TableFile
from data.trials import KEYS, SESSION_FACTS, refuse_rows


def facts_of(
    trials: pd.DataFrame, table: pd.DataFrame, files: Sequence[TableFile], parts: Sequence[Part], source: str
) -> dict[tuple[str, int], dict[str, Any]]:
    """By participant and session, in the words of a sidecar. Raises `LookalikeError` if a table contradicts itself.

    All of `SESSION_FACTS` are taken from a table that has them all; `observer` alone, if it holds words of ours only.
    """
    named = [name for name in SESSION_FACTS if name in table]
    if named != list(SESSION_FACTS):
        named = ["observer"] if "observer" in table and kinds_of_observer(table["observer"]) else []
        table = table.assign(observer=table["observer"].str.casefold()) if named else table
    facts: dict[tuple[str, int], dict[str, Any]] = {}
    told = {str(file.path): file.facts for file in files if file.facts}
    for part in parts:
        for participant, session in (
            trials.loc[trials.index.isin(part.trials.index), [*KEYS]].drop_duplicates().to_numpy()
        ):
            if told.get(part.where):
                facts[participant, session] = dict(told[part.where])
    if not named:
        return facts
    of_session = table[named].groupby([trials["participant"], trials["session"]])
    for column, kinds in of_session.nunique(dropna=False).items():
        rows = pd.MultiIndex.from_frame(trials[list(KEYS)])
        several = pd.Series(kinds.reindex(rows).to_numpy() > 1, index=trials.index)
        message = f"{column} is not the same throughout a session"
        refuse_rows(several, source, message, "correct the table", code="contradictory-facts")
    for (participant, session), part in of_session:
        row = part.iloc[0]
        found = {SESSION_FACTS[name]: _plain(name, row[name]) for name in named if pd.notna(row[name])}
        facts[participant, session] = {**facts.get((participant, session), {}), **found}
    return facts


def _plain(name: str, value: Any) -> Any:
    """A cell as the sidecar would have it: numbers and true or false are not words there."""
    if name in ("days_since_first", "confidence_levels", "seed"):
        number = pd.to_numeric(value, errors="coerce")
        return value if pd.isna(number) else number.item() if hasattr(number, "item") else number
    if name == "complete":
        return str(value).casefold() in ("true", "1", "yes")
    return value

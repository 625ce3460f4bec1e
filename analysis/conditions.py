"""Conditions within one study: generators, image sizes, groups of participants. Which trial belongs to which.

A trial table may have a column `condition`. A generated image's condition is the one whose discrimination is measured;
a real image belongs to its own condition, or, where the cell is empty, to every condition in which its participant saw
generated images, as when two generators are judged beside the same real images. One participant may judge an image in
several conditions.

For sessions that Lookalike recorded, and for any table, conditions may come from elsewhere: a table by image,
participant or session; a column of the stimulus set; or the stimulus set itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.sessions import Session
from data.errors import LookalikeError
from data.files import read_table
from data.trials import KEYS

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

MOST_CONDITIONS = 12  # more are compared by no one table
STIMULUS_SET = "stimulus_set"
_BY = ("participant", "session", "stimulus_id")


@dataclass(frozen=True)
class Wanted:
    """Where conditions come from: `what` was asked for (None: a column of the table, if it has one)."""

    what: str | None = None
    stimuli: StimulusSet | None = None
    in_table: bool = False  # the user named the table's column

    @property
    def asked(self) -> bool:
        """Whether the user asked for conditions, so that they must be usable."""
        return self.what is not None or self.in_table


def with_conditions(sessions: list[Session], wanted: Wanted) -> tuple[list[Session], tuple[str, ...], dict[str, Path]]:
    """The sessions with a column `condition` in their tables, if there are conditions; notes; and files that were read.

    Raises `LookalikeError` if conditions that were asked for cannot be used, saying why; those that a table merely has
    are then left out, with a note.
    """
    files: dict[str, Path] = {}
    if wanted.what is not None:
        sessions, files = _from_elsewhere(sessions, wanted)
    main = [one.main for one in sessions if one.session == 1]
    if not any("condition" in table for table in main):
        return sessions, (), files
    why = _unusable(pd.concat(main, ignore_index=True))
    if why is None:
        return [_named(one) for one in sessions], (), files
    if wanted.asked:
        raise LookalikeError("unusable-conditions", f"conditions cannot be compared: {why}")
    kept = [replace(one, main=one.main.drop(columns="condition", errors="ignore")) for one in sessions]
    return kept, (f"the column condition was not used: {why}",), files


def conditions_of(measure: pd.DataFrame) -> tuple[str, ...]:
    """The conditions of generated images, by name; none without a column `condition`."""
    if "condition" not in measure:
        return ()
    return tuple(sorted(measure.loc[measure["truth"] == "generated", "condition"].dropna().unique()))


def by_condition(measure: pd.DataFrame) -> pd.DataFrame:
    """The trials with a column `modality`, their condition; real images of no condition stand in each of their own.

    An image has its own id (`image`) again, whatever it was called to tell its conditions apart.
    """
    names = conditions_of(measure)
    table = measure.assign(modality=measure["condition"])
    if "image" in table:
        table = table.assign(stimulus_id=table["image"]).drop(columns="image")
    shared = table["modality"].isna()
    parts = [table[~shared]]
    seen = table[table["truth"] == "generated"].groupby("modality")["participant"].unique()
    parts += [table[shared & table["participant"].isin(seen[name])].assign(modality=name) for name in names]
    return pd.concat(parts, ignore_index=True)


def told_apart(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with an id of its own for an image in each condition, where anyone judged one in several.

    The image's id is then in the column `image`.
    """
    if "condition" not in trials or not trials.duplicated([*KEYS, "stimulus_id"]).any():
        return trials
    suffix = " (" + trials["condition"].astype(str) + ")"
    named = trials["stimulus_id"].astype(str).where(trials["condition"].isna(), trials["stimulus_id"] + suffix)
    return trials.assign(image=trials["stimulus_id"], stimulus_id=named)


def _named(one: Session) -> Session:
    """The session with its conditions as words; without the column it has none."""
    main = one.main
    condition = main["condition"] if "condition" in main else pd.Series(np.nan, index=main.index, dtype=object)
    words = condition.map(lambda cell: str(cell).strip(), na_action="ignore").astype(object)
    return replace(one, main=main.assign(condition=words))


def _unusable(main: pd.DataFrame) -> str | None:
    """Why the conditions cannot be compared, if they cannot."""
    of_generated = main.loc[main["truth"] == "generated", "condition"]
    names = sorted(of_generated.dropna().astype(str).str.strip().unique())
    real = set(main.loc[main["truth"] == "real", "condition"].dropna().astype(str).str.strip())
    if of_generated.isna().any():
        gone = int(of_generated.isna().sum())
        return f"{gone} of {len(of_generated)} trials with generated images have no condition; only real images may"
    if len(names) < 2:
        only = f"all generated images of session 1 are of one condition, {names[0]}" if names else "there are none"
        return f"{only}; two or more are needed"
    if real - set(names):
        alone = sorted(real - set(names))[0]
        return f"condition {alone} has real images only; leave the cell of real images that belong to all empty"
    if len(names) > MOST_CONDITIONS:
        return f"there are {len(names)} different ones, and {MOST_CONDITIONS} at most are compared"
    return None


def _from_elsewhere(sessions: list[Session], wanted: Wanted) -> tuple[list[Session], dict[str, Path]]:
    what = str(wanted.what)
    if what == STIMULUS_SET:
        return _by_set(sessions), {}
    if Path(what).is_file():
        table = _read(Path(what))
        return [_merged(one, table, what) for one in sessions], {f"conditions {Path(what).name}": Path(what)}
    if wanted.stimuli is not None and what in wanted.stimuli.table and what != "stimulus_id":
        shown = wanted.stimuli.table
        column = shown[what].astype(object).where(shown[what].notna() & (shown[what] != ""), np.nan)
        if what == "source":  # seed:7 is one of seed
            column = column.astype(str).str.partition(":")[0].where(shown["truth"] == "generated", np.nan)
        table = pd.DataFrame({"stimulus_id": shown["stimulus_id"].astype(str), "condition": column})
        # A factor of composed images says nothing of real ones, which stand beside all.
        return [_merged(one, table, f"column {what} of the stimulus set") for one in sessions], {}
    there = "" if wanted.stimuli is None else f", or a column of the set: {', '.join(wanted.stimuli.table.columns)}"
    raise LookalikeError(
        "no-such-file",
        f"--conditions {what}: no such file; give a table with condition and {', '.join(_BY[:2])} or {_BY[2]}, or "
        f"{STIMULUS_SET}{there or ', or with --stimuli the name of one of its columns'}",
    )


def _by_set(sessions: list[Session]) -> list[Session]:
    """Each stimulus set is a condition; the images of one are none of another's."""
    sets = list(dict.fromkeys(one.stimulus_set for one in sessions if one.session == 1))
    if None in sets:
        raise LookalikeError(
            "unusable-conditions", "conditions cannot be compared: some sessions do not name their stimulus set"
        )
    names = {one: f"set {str(one)[:8]}" for one in sets}
    kept = []
    for one in sessions:
        name = names.get(one.stimulus_set, np.nan)
        ids = one.main["stimulus_id"].astype(str) + (f" of {name}" if len(sets) > 1 else "")
        kept.append(replace(one, main=one.main.assign(condition=name, stimulus_id=ids)))
    return kept


def _read(path: Path) -> pd.DataFrame:
    """A table of conditions, by whichever of `_BY` it has. Raises `LookalikeError` if it is none, or repeats a key."""
    table = read_table(path, ("condition",), text=("condition", "participant", "stimulus_id"))
    keys = [name for name in _BY if name in table]
    if not keys:
        raise LookalikeError(
            "missing-column", f"{path}: has no column {' or '.join(_BY)}, so no trial has a condition; add one"
        )
    table = table[[*keys, "condition"]].astype({name: str for name in keys if name != "session"})
    twice = table.duplicated(keys)
    if twice.any():
        row = table.loc[twice, keys].iloc[0]
        found = ", ".join(f"{name} {row[name]}" for name in keys)
        raise LookalikeError("duplicate-id", f"{path}: {found} is there twice (row {twice.idxmax() + 2}); remove one")
    return table


def _merged(one: Session, table: pd.DataFrame, source: str) -> Session:
    keys: Sequence[str] = [name for name in table if name != "condition"]
    main = one.main.drop(columns="condition", errors="ignore")
    known = table.set_index(list(keys))["condition"]
    wanted = main[list(keys)].astype({name: str for name in keys if name != "session"})
    places = pd.MultiIndex.from_frame(wanted) if len(keys) > 1 else pd.Index(wanted[keys[0]])
    absent = ~places.isin(known.index) & (main["truth"] == "generated").to_numpy()
    if absent.any():
        row = wanted[absent].iloc[0]
        raise LookalikeError(
            "missing-value",
            f"{source}: has no condition for {', '.join(f'{name} {row[name]}' for name in keys)} (participant "
            f"{one.participant}, session {one.session}); add it",
        )
    return replace(one, main=main.assign(condition=known.reindex(places).to_numpy()))

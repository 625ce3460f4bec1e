"""The sessions of a study as they are found: in a BIDS folder, or in external tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.audit import Recorded, check_images, check_record
from data.bids import BehFile, beh_files, read_beh, read_sidecar, unexported_sessions
from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping
from data.external_tables.read import TrialTable, read_external_table
from data.trials import KEYS, OBSERVERS

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Session:
    """One session as found: its main and catch trials, and what its sidecar says."""

    participant: str
    session: int
    path: Path
    main: pd.DataFrame
    catch: pd.DataFrame
    observer: str
    complete: bool
    stimulus_set: str | None
    study: str | None
    started: str | None
    days_since_first: float
    recorded: Recorded  # the record and plan in `sourcedata`, if there are any
    time_limit_s: float | None = None  # of an answer, if there was one

    @cached_property
    def answered(self) -> int:
        return int(self.main["response"].notna().sum())

    @cached_property
    def rated(self) -> int:
        return int((self.main["response"].notna() & self.main["confidence"].notna()).sum())


def from_bids(folder: Path, task: str, stimuli: StimulusSet | None) -> list[Session]:
    """Every session of a task below a BIDS folder, by participant and session.

    A table is checked against the session's record and plan where `sourcedata` holds them, and against
    `stimuli` where it is given. Raises `LookalikeError` as `analysis.trials.load_trials` does.
    """
    _refuse_unexported(folder)
    tables = [(file, read_beh(file)) for file in beh_files(folder, task)]
    found = [
        _session(
            file.participant,
            file.session,
            file.path,
            _of_role(table, "main"),
            _of_role(table, "catch"),
            read_sidecar(file.path),
            check_record(folder, file, table),
        )
        for file, table in tables
    ]
    _refuse_other_sets(found, None if stimuli is None else stimuli.sha256)
    if stimuli is not None:
        for file, table in tables:
            check_images(file, table, stimuli)
    # Where the set is not stated, the same id may be another image for another participant.
    _refuse_contradictions([(one.stimulus_set or f"of {one.participant}", one) for one in found])
    return found


def from_table(
    source: Path | Sequence[Path], mapped: TableMapping, stimuli: StimulusSet | None, task: str | None = None
) -> tuple[list[Session], TrialTable]:
    """Every session of external tables, and the tables as read.

    Who answered and which set was shown is not stated, unless the table says so. Raises `LookalikeError` as
    `read_external_table` does, and if an image has two truths or is not in `stimuli`, or if the table
    names another set.
    """
    external = read_external_table(source, mapping=mapped, task=task)
    path = Path(source) if isinstance(source, (str, Path)) else Path(source[0])
    if stimuli is not None:
        check_images(BehFile(path, "", 0), external.trials, stimuli)
    main, catch = (_by_session(_of_role(external.trials, role)) for role in ("main", "catch"))
    nothing = external.trials.iloc[:0]
    found = [
        _session(
            str(participant),
            int(session),
            path,
            main.get((participant, session), nothing),
            catch.get((participant, session), nothing),
            external.facts.get((participant, session), {}),
        )
        for participant, session in external.trials.groupby([*KEYS]).groups
    ]
    if external.facts:
        _refuse_other_sets(found, None if stimuli is None else stimuli.sha256)
    _refuse_contradictions([(one.stimulus_set or str(path), one) for one in found])
    return found, external


def _refuse_unexported(folder: Path) -> None:
    """Refuse recorded answers that no table holds: they would be left out silently."""
    waiting = unexported_sessions(folder)
    if waiting:
        first, more = waiting[0], len(waiting) - 1
        raise LookalikeError(
            "not-exported",
            f"{first.folder}: participant {first.participant}, session {first.session} was recorded "
            f"({first.answered} answers) and has no table{f' ({more} more like it)' if more else ''}: "
            f"run 'lookalike export {folder}' (a session that is still running is exported at its end), "
            "or move the record out of the folder",
        )


def _session(
    participant: str,
    session: int,
    path: Path,
    main: pd.DataFrame,
    catch: pd.DataFrame,
    sidecar: Mapping[str, Any],
    recorded: Recorded = Recorded((), None),  # noqa: B008 - frozen
) -> Session:
    observer, days = sidecar.get("Observer"), sidecar.get("DaysSinceFirstSession")
    limit = sidecar.get("TimeLimit")
    return Session(
        participant=participant,
        session=session,
        path=path,
        main=main,
        catch=catch,
        observer=observer if observer in OBSERVERS else NOT_STATED,
        complete=str(sidecar.get("Complete")) != "False",
        stimulus_set=_text(sidecar.get("StimulusSetSHA256")),
        study=_text(sidecar.get("StudySHA256")),
        started=_text(sidecar.get("Started")),
        days_since_first=float(days) if isinstance(days, Real) else np.nan,
        recorded=recorded,
        time_limit_s=float(limit) if isinstance(limit, Real) else None,
    )


def _of_role(table: pd.DataFrame, role: str) -> pd.DataFrame:
    there = (table["role"] == role).to_numpy()
    return (table if there.all() else table[there]).reset_index(drop=True)


def _by_session(trials: pd.DataFrame) -> dict[tuple[str, int], pd.DataFrame]:
    """The trials of each session, whose rows are neighbours: slices of one table, which copy nothing."""
    sizes = trials.groupby([*KEYS], sort=False).size()
    ends = sizes.cumsum()
    return {
        key: trials.iloc[end - size : end].reset_index(drop=True)
        for key, size, end in zip(sizes.index, sizes, ends, strict=True)
    }


def _text(value: object) -> str | None:
    return str(value) if value else None


def _refuse_other_sets(found: list[Session], stimuli_sha256: str | None) -> None:
    first = {one.participant: one.stimulus_set for one in found if one.session == 1}
    for one in found:
        sidecar = one.path.with_suffix(".json")
        sidecar = sidecar if sidecar.exists() else one.path  # an external table has none
        if stimuli_sha256 is not None and one.stimulus_set != stimuli_sha256:
            was = f"comes from stimulus set {one.stimulus_set[:12]}" if one.stimulus_set else "names no stimulus set"
            raise LookalikeError(
                "other-set",
                f"{sidecar}: the record {was}, not {stimuli_sha256[:12]}; "
                "give the set that was shown, or move this session out of the folder",
            )
        before = first.get(one.participant)
        if one.session > 1 and before and one.stimulus_set and one.stimulus_set != before:
            raise LookalikeError(
                "other-set",
                f"{sidecar}: the retest shows stimulus set {one.stimulus_set[:12]}, session 1 showed {before[:12]}; "
                "a retest must show the same set, so move this session out of the folder",
            )


def _refuse_contradictions(found: list[tuple[str, Session]]) -> None:
    """Refuse an image id with two truths, given sessions and a name for the set of images that each shows."""
    known: dict[tuple[str, str], tuple[str, Session]] = {}
    for images, one in found:
        for stimulus, truth in zip(one.main["stimulus_id"].to_numpy(), one.main["truth"].to_numpy(), strict=True):
            before, where = known.setdefault((images, stimulus), (truth, one))
            if before != truth:
                other = where.path if where.path != one.path else f"participant {where.participant}'s trials"
                raise LookalikeError(
                    "contradictory-truth",
                    f"{one.path}: {stimulus} is {truth} here (participant {one.participant}) and {before} in {other}; "
                    "correct the wrong one",
                )

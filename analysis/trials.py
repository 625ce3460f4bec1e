"""Which trials are analysed: session 1 is the measure, retests stand apart, and every session is accounted for.

A session is *kept*, *flagged* (kept, and the report says what to check) or *excluded* (not analysed, and the report
says why). Nothing is dropped silently, and a retest is never pooled with session 1: a participant who comes back has
already seen the images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.audit import AUDIT_COLUMNS, FASTEST_S, copies, findings_of
from analysis.conditions import Wanted, told_apart, with_conditions
from analysis.people import BIDS_TABLE, read_people
from analysis.sessions import NOT_STATED, Session, from_bids, from_table
from data.arrays import Flags
from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping
from data.external_tables.read import recorded_here, refuse_mapping_of_folder
from data.files import sha256
from data.shipped import DEFAULT_TASK
from data.study import Study, StudyFile
from data.trials import rating

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet


@dataclass(frozen=True)
class Trials:
    """The trials of one study, selected and accounted for.

    `measure` holds the main trials of session 1 and `retests` those of later sessions, both with the
    columns of `data.trials` (with conditions also `condition`, and `image` where an image was judged in several: its
    `stimulus_id` then names the condition too) and without excluded sessions; unanswered trials stay in, without a
    response. `catch` holds the catch trials (known fakes) of session 1. In all three, `max_run` is the longest run of
    one truth that the session's order could have: its plan's; without a plan, the study file's; without that too, what
    the plans at hand of all first sessions agree on. It is missing if there was no limit or it is not known.
    `sessions` has one row per session found (see `SESSION_COLUMNS`), `audit` one per finding in a session
    (`analysis.audit.audit`).
    `files` maps every file read, relative to the source, to its SHA-256; `filled` says what an external table lacked
    and how that was filled in, `notes` what else its reader should know,
    `doubts` which of its values look implausible. `people` has participant and the covariates that were asked for,
    one row per person, if any were.
    """

    measure: pd.DataFrame
    retests: pd.DataFrame
    catch: pd.DataFrame
    sessions: pd.DataFrame
    audit: pd.DataFrame
    files: Mapping[str, str]
    filled: Mapping[str, str]
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    people: pd.DataFrame | None = None


SESSION_COLUMNS = (
    "participant",
    "session",
    "used_as",  # measure | retest
    "status",  # kept | flagged | excluded
    "reason",  # of the status; missing when kept
    "observer",  # human | scripted | simulated | not stated
    "planned",  # main trials the session should have
    "answered",  # main trials with a response
    "rated",  # main trials with a response and a confidence
    "days_since_first",  # days
    "started",  # ISO 8601
    "stimulus_set_sha256",
    "study_sha256",
    "record_checked",  # whether the answers were checked against the session's record
)


def load_trials(
    source: Path | Sequence[Path],
    study: StudyFile | None = None,
    stimuli: StimulusSet | None = None,
    mapped: TableMapping = TableMapping(),  # noqa: B008 - frozen
    conditions: str | None = None,
    covariates: Sequence[str] = (),
    people: Path | None = None,
) -> Trials:
    """Read a BIDS folder or external tables, and decide, session by session, what is analysed.

    A session without an answered main trial, or with a smaller answered share than the study's `min_answered`, is
    excluded; so is a retest whose session 1 is missing or excluded, or came from another kind of observer. Any other
    partial session is kept and flagged. The share counts the planned trials (the study's, or those in the table if
    they are more), so that a session broken off early does not pass as complete. A BIDS table is checked against the
    session's record and plan where `sourcedata` holds them, and any table against `stimuli` if given.

    Parameters
    ----------
    source : path, or a sequence of paths
        Folder that holds the `sub-*` folders, or tables as `data.external_tables.read.read_external_table` takes them.
    study : data.study.StudyFile, optional
        Study file: its exclusions apply, and sessions run with another study file are flagged.
    stimuli : stimuli.sets.StimulusSet, optional
        Stimulus set that was shown.
    mapped : data.external_tables.mapping.TableMapping
        For an external table: our names of columns and words for theirs.
    conditions : str, optional
        Where conditions come from, if not from the table's own column (`analysis.conditions`): a table by image,
        participant or session, a column of the stimulus set, or "stimulus_set".
    covariates : sequence of str, optional
        What to read of every participant, such as expertise: columns of `people`, or without it of an external table's
        trials, or of the folder's `participants.tsv`.
    people : path, optional
        A table with a row per participant.

    Returns
    -------
    Trials
        The trials of session 1 and of retests, and one row per session found, with its status and the reason.

    Raises
    ------
    LookalikeError
        If the folder or a file breaks the format; if a session was found twice, or was recorded and has no table; if
        a table differs from its record, its plan or `stimuli`; if a record comes from another stimulus set than
        `stimuli` (or does not say from which), or a retest from another set than session 1; or if an image is real
        in one session and generated in another.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis.trials import load_trials
    >>> table = pd.DataFrame({"participant": "p1", "stimulus_id": ["a", "b"], "truth": ["real", "generated"]})
    >>> table.assign(response="real").to_csv("trials.csv", index=False)
    >>> trials = load_trials("trials.csv")
    >>> len(trials.measure), trials.sessions["status"].tolist()
    (2, ['flagged'])
    """
    told: pd.DataFrame | None = None
    filled: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    if recorded_here(source):
        folder = Path(source)  # type: ignore[arg-type]
        refuse_mapping_of_folder(folder, mapped)
        found = from_bids(folder, study.study.task if study else DEFAULT_TASK, stimuli)
        read = [path for one in found for path in (one.path, one.path.with_suffix(".json"), *one.recorded.files)]
        files: Mapping[str, str] = {path.relative_to(folder).as_posix(): sha256(path) for path in read}
        people = folder / BIDS_TABLE if covariates and people is None else people
    else:
        if people is None:
            mapped = mapped.model_copy(update={"people": (*mapped.people, *covariates)})
        found, table = from_table(source, mapped, stimuli, study.study.task if study else None)
        told = table.people
        filled, notes, doubts, files = table.filled, table.notes, table.doubts, table.files

    found, said, more = with_conditions(found, Wanted(conditions, stimuli, "condition" in mapped.columns))
    if covariates and people is not None:
        told, more = read_people(people, covariates), {**more, people.name: people}
    notes, files = (*notes, *said), {**files, **{name: sha256(path) for name, path in more.items()}}
    sessions = _account(found, study)
    kept = {(row["participant"], row["session"]) for row in sessions.to_dict("records") if row["status"] != "excluded"}
    default = study.study.plan.max_run if study else _agreed_max_run(found)
    used = [one for one in found if (one.participant, one.session) in kept]
    runs = [one.recorded.plan.max_run if one.recorded.plan is not None else default for one in used]
    first = [(one, longest) for one, longest in zip(used, runs, strict=True) if one.session == 1]
    later = [(one, longest) for one, longest in zip(used, runs, strict=True) if one.session > 1]
    nothing = found[0].main.iloc[:0].assign(max_run=pd.array([], dtype="Int64"))
    return Trials(
        measure=told_apart(_joined([(one.main, longest) for one, longest in first], nothing)),
        retests=told_apart(_joined([(one.main, longest) for one, longest in later], nothing)),
        catch=_joined([(one.catch, longest) for one, longest in first], nothing),
        sessions=sessions,
        audit=pd.DataFrame(
            [row for one in found for row in findings_of(one.participant, one.session, one.main)],
            columns=list(AUDIT_COLUMNS),
        ),
        files=files,
        filled=filled,
        notes=notes,
        doubts=(*doubts, *copies((one.participant, one.session, one.main) for one in found)),
        people=told,
    )


def _agreed_max_run(found: list[Session]) -> int | None:
    """What the plans at hand of all first sessions agree on."""
    plans = [one.recorded.plan for one in found if one.session == 1]
    allowed = {plan.max_run for plan in plans if plan is not None}
    return allowed.pop() if len(allowed) == 1 else None


def _joined(parts: list[tuple[pd.DataFrame, int | None]], nothing: pd.DataFrame) -> pd.DataFrame:
    """The trials of several sessions as one table, each with its session's `max_run`; `nothing` if there are none."""
    some = [(table, longest) for table, longest in parts if len(table)]
    if not some:
        return nothing.reset_index(drop=True)
    runs = pd.array([longest for _, longest in some], dtype="Int64").repeat([len(table) for table, _ in some])
    return pd.concat([table for table, _ in some], ignore_index=True).assign(max_run=runs)


def with_ratings(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials with a column `rating`. Without any confidence among them the answers alone are ratings of two steps."""
    confidence = trials["confidence"] if trials["confidence"].notna().any() else 1.0
    values = rating(trials["response"], np.broadcast_to(np.asarray(confidence, dtype=float), len(trials)))
    return trials.assign(rating=values)


def is_generated(truth: npt.ArrayLike) -> Flags:
    """True where the image is generated (the signal), False where it is real.

    Raises `LookalikeError` for any other word, which would otherwise count as real.
    """
    words = truth if isinstance(truth, np.ndarray) and truth.dtype.kind == "U" else np.asarray(truth, dtype=object)
    generated = np.asarray(words == "generated", dtype=np.bool_)
    known = generated | np.asarray(words == "real", dtype=np.bool_)
    if not known.all():
        unknown = min(str(word) for word in words[~known].ravel())
        raise LookalikeError("unknown-word", f"truth {unknown!r}: must be 'real' or 'generated'")
    return generated


def _account(found: list[Session], study: StudyFile | None) -> pd.DataFrame:
    """One row per session, in the order found (session 1 before its retests)."""
    first: dict[str, tuple[Session, bool]] = {}
    rows = []
    for one in found:
        planned = max(len(one.main), study.study.plan.trials if study else 0)
        objections = _objections(one, planned, study.study if study else None)
        if one.session == 1:
            first[one.participant] = (one, not objections)
        else:
            objections += _retest_objections(one, first.get(one.participant))
        remarks = objections + _remarks(one, planned, study)
        rows.append(
            {
                "participant": one.participant,
                "session": one.session,
                "used_as": "measure" if one.session == 1 else "retest",
                "status": "excluded" if objections else "flagged" if remarks else "kept",
                "reason": "; ".join(remarks) or None,
                "observer": one.observer,
                "planned": planned,
                "answered": one.answered,
                "rated": one.rated,
                "days_since_first": one.days_since_first,
                "started": one.started,
                "stimulus_set_sha256": one.stimulus_set,
                "study_sha256": one.study,
                "record_checked": bool(one.recorded.files),
            }
        )
    return pd.DataFrame(rows, columns=list(SESSION_COLUMNS))


def _objections(one: Session, planned: int, study: Study | None) -> list[str]:
    """Why a session cannot be analysed."""
    if not one.answered:
        return ["no main trial was answered"]
    least = study.exclusions.min_answered if study else 0.0
    if one.answered < least * planned:
        return [f"{one.answered} of {planned} main trials answered, fewer than the study's {least:.0%}"]
    return []


def _retest_objections(one: Session, first: tuple[Session, bool] | None) -> list[str]:
    if first is None:
        return ["no session 1 to compare with"]
    measure, kept = first
    if not kept:
        return ["session 1 was excluded"]
    if one.observer != measure.observer:
        return [f"the kind of observer is {one.observer} here and {measure.observer} in session 1"]
    return []


def _remarks(one: Session, planned: int, study: StudyFile | None) -> list[str]:
    """What a reader should know about a session that can still be analysed."""
    remarks = []
    missed = len(one.main) - one.answered
    if one.complete and one.time_limit_s is not None and len(one.main) == planned and missed:
        remarks.append(f"{missed} main trials without an answer within the {one.time_limit_s:g} s allowed: left out")
    elif 0 < one.answered < planned:
        remarks.append(f"partial session: {one.answered} of {planned} main trials answered")
    elif one.answered == planned and not one.complete:
        remarks.append("partial session: every main trial is answered, but the sidecar says it was not completed")
    if one.rated < one.answered:
        remarks.append(f"{one.answered - one.rated} answers without a confidence: they count towards d′, not the ROC")
    fast = int((one.main["response"].notna() & (one.main["response_time"] < FASTEST_S)).sum())
    if fast:
        remarks.append(f"{fast} answers within {FASTEST_S:g} s")
    if study is not None:
        planned_days, days = study.study.plan.retest_after_days, one.days_since_first
        # A simulated observer's calendar means nothing.
        if one.observer in ("human", NOT_STATED) and days < planned_days:
            remarks.append(f"retest after {days:.1f} days; the study planned {planned_days:g}")
        levels = study.study.plan.confidence_levels
        beyond = int((one.main["confidence"] > levels).sum())
        if beyond:
            remarks.append(f"{beyond} confidences above the study's {levels} levels")
        if one.study is None:
            remarks.append("no study file was recorded with this session")
        elif one.study != study.sha256:
            remarks.append("study file changed: the session was run with a different one")
    if one.stimulus_set is None:
        remarks.append("the stimulus set is not stated")
    if one.observer == NOT_STATED:
        remarks.append("the kind of observer is not stated")
    return remarks

"""From a BIDS folder to results: tidy tables, a summary, Figure 5 and one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.agreement.items import cue_relations
from analysis.group import participants as per_participant
from analysis.group.group import Group, group_by_observer
from analysis.group.participants import Estimators, Participant
from analysis.report.areas import areas_table
from analysis.report.figure_list import figures_of, gallery_of
from analysis.report.figures import render
from analysis.report.page import records, render_page
from analysis.report.short_report import versions
from analysis.report.tables import (
    calibration_table,
    items_table,
    methods_table,
    participants_table,
    retests_table,
    roc_table,
    serial_table,
)
from analysis.result import without_nan
from analysis.serial.tables import Redraw
from analysis.trials import Trials, load
from data.errors import LookalikeError
from data.external_tables import Mapped
from data.files import new_folder, refuse_occupied, write_bytes, write_json, write_table, write_text
from data.study import StudyFile

if TYPE_CHECKING:
    from analysis.image_cues.detectability import Detectability
    from stimuli.sets import StimulusSet


# One thread: the sums of matrix products then have one order on every machine, and small ones are faster.
@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def analyze(
    data: Path,
    out: Path,
    study: StudyFile | None = None,
    stimuli: StimulusSet | None = None,
    mapped: Mapped = Mapped(),  # noqa: B008 - frozen
    redraw: Redraw | None = None,
    by: Estimators = Estimators(),  # noqa: B008 - frozen
) -> dict[str, Any]:
    """Analyse the sessions in `data`, a BIDS folder or one table, into the new folder `out`; return the summary.

    Writes `participants.tsv`, `retests.tsv`, `sessions.tsv`, `audit.tsv`, `roc.tsv`, `areas.tsv` (every participant's
    AUC by every method), `methods.tsv` (the group's), `calibration.tsv`, `items.tsv`, `serial.tsv`, `summary.json`
    (what is returned), the figures of `analysis.report.figure_list` as `.png`, `.pdf` and `.svg`, and `report.html`.
    The same input gives the same bytes. With `study` its exclusions apply and sessions run under another study file are
    flagged; with `stimuli` every record must come from that stimulus set and every table agree with it. `redraw` draws
    a trial order as the plan's was drawn (`analysis.serial.serial`); `by` is what the analyst chose. Where the set's
    images are at hand, cues and model observers are tried on them (`giveaways.tsv`, see
    `analysis.image_cues.detectability`), and the cues are held against the answers (`item_cues.tsv`, see
    `analysis.agreement.items.cue_relations`).

    Raises `LookalikeError` if `out` holds anything, if the data break their contract (see
    `analysis.trials.load`) or if no session 1 is left to analyse. Nothing is written then.
    """
    refuse_occupied(out)
    trials = load(data, study, stimuli, mapped)
    participants = per_participant.measure(trials, by)
    if not participants:
        found = records(trials.sessions)
        why = "; ".join(f"sub-{row['participant']} ses-{row['session']}: {row['reason']}" for row in found)
        raise LookalikeError(f"{data}: no session 1 is left to analyse ({why})")
    groups = group_by_observer(trials, participants, study, redraw)
    summary = _summary(trials, participants, groups, study, stimuli) | {"estimators": asdict(by)}
    items, areas = items_table(trials, participants), areas_table(participants)
    shown = stimuli if stimuli is not None and _images_at_hand(stimuli) else None
    given_away = None if shown is None else _giveaways(shown)
    # An image that several kinds of observer judged has several means, and none is the one to relate.
    one_kind = shown is not None and len(groups) == 1
    related = cue_relations(items, _cues(shown)) if shown is not None and one_kind else None
    figures = figures_of(participants, groups) | gallery_of(items, shown)
    drawn = {name: (figure, render(figure, "svg")) for name, figure in figures.items()}
    with new_folder(out) as folder:
        write_table(folder / "participants.tsv", participants_table(participants))
        write_table(folder / "retests.tsv", retests_table(participants))
        write_table(folder / "sessions.tsv", trials.sessions)
        write_table(folder / "audit.tsv", trials.audit)
        write_table(folder / "roc.tsv", roc_table(participants))
        write_table(folder / "areas.tsv", areas)
        write_table(folder / "methods.tsv", methods_table(groups))
        write_table(folder / "calibration.tsv", calibration_table(participants))
        write_json(folder / "summary.json", summary)
        write_table(folder / "items.tsv", items)
        write_table(folder / "serial.tsv", serial_table(groups))
        if given_away is not None:
            write_table(folder / "giveaways.tsv", given_away.to_frame())
        if related is not None:
            write_table(folder / "item_cues.tsv", related)
        for name, (figure, vector) in drawn.items():
            write_bytes(folder / f"{name}.svg", vector)
            write_bytes(folder / f"{name}.pdf", render(figure, "pdf"))
            write_bytes(folder / f"{name}.png", render(figure, "png"))
        vectors = {name: vector for name, (_, vector) in drawn.items()}
        page = render_page(trials, participants, groups, study, summary, items, areas, given_away, related, vectors, by)
        write_text(folder / "report.html", page)
    return summary


def _giveaways(stimuli: StimulusSet) -> Detectability:
    from analysis.image_cues.detectability import detectability_of_set  # reads images, which nobody needs who has none

    return detectability_of_set(stimuli)


def _cues(stimuli: StimulusSet) -> pd.DataFrame:
    from analysis.image_cues.detectability import cues_of_set  # as above

    return cues_of_set(stimuli)


def _images_at_hand(stimuli: StimulusSet) -> bool:
    """A set may be there without its images, where those may not be copied."""
    return all((stimuli.folder / str(file)).is_file() for file in stimuli.table["file"])


def _summary(
    trials: Trials,
    participants: Sequence[Participant],
    groups: Sequence[Group],
    study: StudyFile | None,
    stimuli: StimulusSet | None,
) -> dict[str, Any]:
    sessions = trials.sessions
    content = {
        "groups": [group.to_dict() for group in groups],
        "participants": participants_table(participants).to_dict("records"),
        "sessions": {
            "found": len(sessions),
            "kept": int((sessions["status"] == "kept").sum()),
            "flagged": int((sessions["status"] == "flagged").sum()),
            "set_aside": int((sessions["status"] == "set aside").sum()),
        },
        "checks": {
            "sessions_checked_against_record": int(sessions["record_checked"].sum()),
            "sessions_without_record": int((~sessions["record_checked"]).sum()),
            "images_checked_against_stimulus_set": stimuli is not None,
        },
        "unanswered_main_trials": sum(one.yesno.unanswered for one in participants),
        "stimulus_sets_sha256": sorted(sessions["stimulus_set_sha256"].dropna().unique()),
        "study": _study_summary(sessions, study),
        "versions": versions(),
        "files_sha256": {**trials.files, **({f"study file {study.path.name}": study.sha256} if study else {})},
    }
    cleaned: dict[str, Any] = without_nan(content)
    return cleaned


def _study_summary(sessions: pd.DataFrame, study: StudyFile | None) -> dict[str, Any]:
    carried = sessions["study_sha256"]
    return {
        "name": study.study.name if study else None,
        "sha256": study.sha256 if study else None,
        "planned_participants": study.study.planned_participants if study else None,
        "sessions_with_this_study": int((carried == study.sha256).sum()) if study else None,
        "sessions_with_another_study": int((carried.notna() & (carried != study.sha256)).sum()) if study else None,
        "sessions_without_a_study": int(carried.isna().sum()),
        "studies_in_sessions_sha256": sorted(carried.dropna().unique()),
    }

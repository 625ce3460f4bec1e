"""From real/generated judgements to results: tidy tables, a summary, figures and one self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.agreement.items import cue_relations
from analysis.designs.by_observer import (
    conditions_by_observer,
    conditions_of_sessions,
    covariates_by_observer,
    sessions_by_observer,
)
from analysis.group import participants as per_participant
from analysis.group.group import group_by_observer
from analysis.group.participants import Estimators
from analysis.report.figures.figure_list import figures_of, gallery_of
from analysis.report.figures.render import Format
from analysis.report.realfake import designs
from analysis.report.realfake.curves import models_table, rates_table
from analysis.report.realfake.designs import condition_figures
from analysis.report.realfake.findings import Findings
from analysis.report.realfake.headline import headline
from analysis.report.realfake.individuals import individuals_of, tables_of
from analysis.report.realfake.page import page
from analysis.report.realfake.tables import (
    areas_table,
    calibration_table,
    items_table,
    methods_table,
    participants_table,
    records,
    reliability_table,
    retests_table,
    roc_table,
    serial_table,
)
from analysis.report.results import Results, summarised, versions, write
from analysis.sdt.categories import categories
from analysis.trials import Trials, load_trials
from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping
from data.files import refuse_occupied
from data.study import StudyFile

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet


def analyze(
    data: Path | Sequence[Path],
    out: Path,
    study: StudyFile | None = None,
    stimuli: StimulusSet | None = None,
    mapped: TableMapping = TableMapping(),  # noqa: B008 - frozen
    by: Estimators = Estimators(),  # noqa: B008 - frozen
    formats: Sequence[Format] | None = None,
    *,
    conditions: str | None = None,
    covariates: Sequence[str] = (),
    people: Path | None = None,
) -> dict[str, Any]:
    """Analyse real/generated judgements into a new folder of tables, figures and one report page.

    Writes `participants.tsv`, `retests.tsv`, `sessions.tsv`, `session_measures.tsv` (d′, c and AUC of each),
    `audit.tsv`, `roc.tsv`, `areas.tsv` (every participant's AUC by every method), `models.tsv` (of every participant's
    ROC), `rates.tsv` (sensitivity at fixed specificities and the reverse), `methods.tsv` (the group's),
    `reliability.tsv` (intraclass correlations of the ratings), `calibration.tsv`, `items.tsv`, `serial.tsv`,
    `sequence.tsv`, with conditions `conditions.tsv` and `condition_differences.tsv` (and with retests
    `condition_sessions.tsv`), with covariates `covariates.tsv`,
    `summary.json` (what is returned), the figures as `.svg` and `.png`, and `report.html`. With retests there are also
    `fingerprint.tsv` and `fingerprint_correlations.tsv`; where the stimulus set's images are at hand,
    `detectability.tsv` (how well image cues and model observers discriminate them) and `item_cues.tsv` (how answers
    vary with the cues). The same input gives the same bytes.

    Parameters
    ----------
    data : path, or a sequence of paths
        Folder that holds the `sub-*` folders; or a table of trials, several, or a folder of them.
    out : path
        Folder to write; it must be new or empty.
    study : data.study.StudyFile, optional
        Study file: its bounds and exclusions apply, and sessions run with another study file are flagged. Its `max_run`
        gives the null distribution of serial dependence only for sessions whose plan is not at hand.
    stimuli : stimuli.sets.StimulusSet, optional
        Stimulus set that was shown: every record must come from it and every table agree with it.
    mapped : data.external_tables.mapping.TableMapping
        For external tables: their names of columns and words, and how their cells are to be read.
    by : analysis.group.participants.Estimators
        Correction of rates of 0 and 1 for d′, and model of meta-d′.
    formats : sequence of {"svg", "pdf", "png"}, optional
        Of the figures, SVG and PNG by default; none are drawn with an empty one.
    conditions : str, optional
        Where conditions come from, if not from the table's own column (`analysis.conditions`).
    covariates : sequence of str, optional
        What is known of participants, such as expertise, for a mixed model of their measures.
    people : path, optional
        The table that holds them, if neither the trials nor the folder's `participants.tsv` do.

    Returns
    -------
    dict
        The summary, in plain Python types; undefined values are None, with a reason beside them.

    Raises
    ------
    LookalikeError
        If `out` holds anything, if the data break their format (`analysis.trials.load_trials`), or if no session 1 is
        left to analyse. Nothing is written then.

    References
    ----------
    Ren, Z., Yu, S. X., & Whitney, D. Controllable medical image generation via generative adversarial networks.
    The page lists the references of every method that it uses.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis.report.report import analyze
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"participant": np.repeat(["p1", "p2"], 20), "stimulus_id": [*range(20)] * 2})
    >>> table["truth"] = ["real", "generated"] * 20
    >>> table["response"] = rng.choice(["real", "generated"], 40)
    >>> table.to_csv("trials.csv", index=False)
    >>> summary = analyze("trials.csv", "results")
    >>> [one["participant"] for one in summary["participants"]]
    ['p1', 'p2']
    """
    out = Path(out)
    refuse_occupied(out)
    drawn = formats is None or bool(formats)
    trials = load_trials(data, study, stimuli, mapped, conditions, covariates, people)
    results: Results = realfake_results(trials, study, stimuli, by, draw=drawn)
    write(results, out, formats=formats)
    return results.summary


# One thread: the sums of matrix products then have one order on every machine, and small ones are faster.
@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def realfake_results(
    trials: Trials,
    study: StudyFile | None = None,
    stimuli: StimulusSet | None = None,
    by: Estimators = Estimators(),  # noqa: B008 - frozen
    *,
    draw: bool = True,
) -> Results:
    """The results of `analyze` in memory: summary, tables, and the page, with empty figures if not to `draw`."""
    participants = per_participant.measure(trials, by)
    if not participants:
        found = records(trials.sessions)
        why = "; ".join(f"sub-{row['participant']} ses-{row['session']}: {row['reason']}" for row in found)
        raise LookalikeError("nothing-to-analyse", f"no session 1 is left to analyse ({why})")
    groups = group_by_observer(trials, participants, study)
    conditions = conditions_by_observer(trials, [one.observer for one in groups], study)
    measures, changes = sessions_by_observer(trials, by.correction)
    items = items_table(trials, participants)
    # An image that several kinds of observer judged has several means, and none is the one to relate to cues.
    # Nor is one that was judged in several conditions one image of the set.
    single = "image" not in trials.measure
    at_hand = stimuli if stimuli is not None and single and _images_at_hand(stimuli) else None
    detectability = relations = None
    if at_hand is not None:
        # Imported here: most analyses read no images.
        from analysis.image_cues.detectability import cues_of_set, detectability_of_set

        detectability = detectability_of_set(at_hand)
        relations = cue_relations(items, cues_of_set(at_hand)) if len(groups) == 1 else None
    findings = Findings(
        trials=trials,
        study=study,
        by=by,
        participants=participants,
        groups=groups,
        items=items,
        areas=areas_table(participants),
        rates=rates_table(participants),
        detectability=detectability,
        relations=relations,
        individuals=individuals_of(trials, participants, at_hand),
        images_checked=stimuli is not None,
        figures=figures_of(participants, groups, draw)
        | gallery_of(items, at_hand if draw else None)
        | condition_figures(conditions, draw),
        inputs=_inputs(trials, study),
        conditions=conditions,
        measures=measures,
        condition_sessions=conditions_of_sessions(trials, by.correction),
        changes=changes,
        covariates=covariates_by_observer(trials, by.correction),
    )
    return Results(_summary(findings), _tables(findings), page(findings))


def _images_at_hand(stimuli: StimulusSet) -> bool:
    """A set may come without its images, where those may not be copied."""
    return all((stimuli.folder / str(file)).is_file() for file in stimuli.table["file"])


def _inputs(trials: Trials, study: StudyFile | None) -> dict[str, str]:
    sets = sorted(trials.sessions["stimulus_set_sha256"].dropna().unique())
    named = {f"stimulus set {place}" if len(sets) > 1 else "stimulus set": sha for place, sha in enumerate(sets, 1)}
    return {**_files(trials, study), **named}


def _files(trials: Trials, study: StudyFile | None) -> dict[str, str]:
    return {**trials.files, **({f"study file {study.path.name}": study.sha256} if study else {})}


def _tables(found: Findings) -> dict[str, pd.DataFrame]:
    tables = {
        "participants": participants_table(found.participants),
        "retests": retests_table(found.participants),
        "sessions": found.trials.sessions,
        "audit": found.trials.audit,
        "roc": roc_table(found.participants),
        "areas": found.areas,
        "models": models_table(found.participants),
        "rates": found.rates,
        "reliability": reliability_table(found.groups),
        "methods": methods_table(found.groups),
        "calibration": calibration_table(found.participants),
        "items": found.items,
        "serial": serial_table(found.groups),
        **tables_of(found.individuals),
    }
    tables |= designs.tables(found)
    if found.detectability is not None:
        tables["detectability"] = found.detectability.to_frame()
    if found.relations is not None:
        tables["item_cues"] = found.relations
    return tables


def _summary(found: Findings) -> dict[str, Any]:
    sessions = found.trials.sessions
    status = sessions["status"]
    return summarised(
        {
            "headline": [headline(group) for group in found.groups],
            **designs.summary(found),
            "groups": [group.to_dict() for group in found.groups],
            "participants": participants_table(found.participants).to_dict("records"),
            "individuals": [one.to_dict() for one in found.individuals],
            "sessions": {
                "found": len(sessions),
                "kept": int((status == "kept").sum()),
                "flagged": int((status == "flagged").sum()),
                "set_aside": int((status == "excluded").sum()),  # the key that summaries have always had
            },
            "checks": {
                "sessions_checked_against_record": int(sessions["record_checked"].sum()),
                "sessions_without_record": int((~sessions["record_checked"]).sum()),
                "images_checked_against_stimulus_set": found.images_checked,
            },
            "unanswered_main_trials": sum(one.yesno.unanswered for one in found.participants),
            "stimulus_sets_sha256": sorted(sessions["stimulus_set_sha256"].dropna().unique()),
            "study": _study_summary(sessions, found.study),
            "notes": [*found.trials.notes, *found.trials.doubts],
            "confidence_categories": categories(found.trials.measure)[1],
            "versions": versions(),
            "files_sha256": _files(found.trials, found.study),
            "estimators": asdict(found.by),
        }
    )


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

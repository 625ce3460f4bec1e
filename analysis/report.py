"""From a BIDS folder to results: tidy tables, a summary, Figure 5 and one self-contained page."""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from analysis import participants as per_participant
from analysis.figures import figure5, render
from analysis.group import Group, group_by_observer
from analysis.participants import Participant
from analysis.trials import Trials, load
from data.errors import LookalikeError
from data.files import new_folder, refuse_occupied, write_bytes, write_json, write_table, write_text
from data.foreign import Mapped
from data.study import StudyFile
from data.version import VERSION

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

_LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib")


def analyze(
    data: Path,
    out: Path,
    study: StudyFile | None = None,
    stimuli: StimulusSet | None = None,
    mapped: Mapped = Mapped(),  # noqa: B008 - frozen
) -> dict[str, Any]:
    """Analyse the sessions in `data`, a BIDS folder or one table, into the new folder `out`; return the summary.

    Writes `participants.tsv`, `retests.tsv`, `sessions.tsv`, `audit.tsv`, `roc.tsv`, `summary.json` (what is
    returned), `figure5.png`, `.pdf` and `.svg`, and `report.html`. The same input gives the same bytes.
    With `study` its exclusions apply and sessions run under another study file are flagged; with
    `stimuli` every record must come from that stimulus set and every table agree with it.

    Raises `LookalikeError` if `out` holds anything, if the data break their contract (see
    `analysis.trials.load`) or if no session 1 is left to analyse. Nothing is written then.
    """
    refuse_occupied(out)
    trials = load(data, study, stimuli, mapped)
    participants = per_participant.measure(trials)
    if not participants:
        why = "; ".join(f"sub-{row['participant']} ses-{row['session']}: {row['reason']}" for row in _rows(trials))
        raise LookalikeError(f"{data}: no session 1 is left to analyse ({why})")
    groups = group_by_observer(participants)
    summary = _summary(trials, participants, groups, study, stimuli)
    figure = figure5(participants)
    vector = render(figure, "svg")
    with new_folder(out) as folder:
        write_table(folder / "participants.tsv", participants_table(participants))
        write_table(folder / "retests.tsv", retests_table(participants))
        write_table(folder / "sessions.tsv", trials.sessions)
        write_table(folder / "audit.tsv", trials.audit)
        write_table(folder / "roc.tsv", roc_table(participants))
        write_json(folder / "summary.json", summary)
        write_bytes(folder / "figure5.svg", vector)
        write_bytes(folder / "figure5.pdf", render(figure, "pdf"))
        write_bytes(folder / "figure5.png", render(figure, "png"))
        write_text(folder / "report.html", _page(trials, participants, groups, study, summary, vector))
    return summary


def participants_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per participant: session 1, and the first retest where there is one."""
    return pd.DataFrame([_participant_row(one) for one in participants])


def retests_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per retest session, all of them; the columns are the fields of `analysis.retest.Retest`."""
    rows = [
        {"participant": one.name, "session": session, **result.to_dict()}
        for one in participants
        for session, result in one.retests.items()
    ]
    columns = ["participant", "session", "pairs", "matches", "unanswered", "similarity", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "level", "expected", "kappa", "reason"])


def roc_table(participants: Sequence[Participant]) -> pd.DataFrame:
    """One row per operating point; `rated_at_least` is missing at (0, 0), which no rating reaches."""
    points = [
        pd.DataFrame(
            {
                "participant": one.name,
                "rated_at_least": pd.Series(one.roc.threshold).replace(math.inf, math.nan),
                "false_alarm_rate": one.roc.false_alarm_rate,
                "hit_rate": one.roc.hit_rate,
            }
        )
        for one in participants
    ]
    return pd.concat(points, ignore_index=True)


def _participant_row(one: Participant) -> dict[str, Any]:
    yesno, roc, retest = one.yesno, one.roc, one.retest
    return {
        "participant": one.name,
        "observer": one.observer,
        "trials": one.trials,
        "answered": one.trials - yesno.unanswered,
        "rated": roc.generated + roc.real,
        "hits": yesno.hits,
        "misses": yesno.misses,
        "false_alarms": yesno.false_alarms,
        "correct_rejections": yesno.correct_rejections,
        "hit_rate": yesno.hit_rate,
        "false_alarm_rate": yesno.false_alarm_rate,
        "accuracy": yesno.accuracy,
        "dprime": yesno.dprime,
        "dprime_se": yesno.se,
        "dprime_low": yesno.low,
        "dprime_high": yesno.high,
        "criterion": yesno.criterion,
        "correction": yesno.correction,
        "dprime_reason": yesno.reason,
        "auc": roc.auc,
        "auc_se": roc.se,
        "auc_low": roc.low,
        "auc_high": roc.high,
        "auc_reason": roc.reason,
        "retests": len(one.retests),
        "smc": retest.similarity if retest else math.nan,
        "smc_low": retest.low if retest else math.nan,
        "smc_high": retest.high if retest else math.nan,
        "smc_expected": retest.expected if retest else math.nan,
        "kappa": retest.kappa if retest else math.nan,
        "shared_images": retest.pairs if retest else pd.NA,
        "smc_reason": retest.reason if retest else "no retest",
    }


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
        "equivalence_test": {"verdict": None, "reason": "the formal equivalence test is not part of this version"},
        "versions": {"lookalike": VERSION, "python": platform.python_version()}
        | {name: version(name) for name in _LIBRARIES},
        "files_sha256": {**trials.files, **({f"study file {study.path.name}": study.sha256} if study else {})},
    }
    cleaned: dict[str, Any] = _without_nan(content)
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


def _without_nan(value: Any) -> Any:
    """`value` as JSON can hold it: what is undefined becomes null (its `reason` stands beside it)."""
    if isinstance(value, Mapping):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(part) for part in value]
    return None if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)) else value


def _rows(trials: Trials) -> list[dict[str, Any]]:
    records = trials.sessions.to_dict("records")
    return [{str(key): None if pd.isna(value) else value for key, value in record.items()} for record in records]


def _page(
    trials: Trials,
    participants: Sequence[Participant],
    groups: Sequence[Group],
    study: StudyFile | None,
    summary: Mapping[str, Any],
    vector: bytes,
) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(number=_number, share=_share)
    template = environment.from_string((files("analysis") / "report.html").read_text(encoding="utf-8"))
    return template.render(
        participants=participants,
        groups=groups,
        study=study,
        summary=summary,
        sessions=_rows(trials),
        figure=_inline(vector),
        retested=[one for one in participants if one.retest is not None],
        reasons=_reasons(participants),
    )


def _inline(vector: bytes) -> Markup:
    """The drawing alone: inside HTML the XML declaration, document type and metadata have no place.

    Matplotlib escapes every text it draws, so the drawing is safe to embed as it is.
    """
    drawing = vector.decode("utf-8")
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL)
    title = "Rating ROC curve of every participant; the numbers are in the table below."
    return Markup(drawing.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1))


def _reasons(participants: Sequence[Participant]) -> list[tuple[str, str]]:
    """Why a value in the participants' table is undefined, as (participant, reason)."""
    return [
        (one.name, reason)
        for one in participants
        for reason in (one.yesno.reason, one.roc.reason, one.retest.reason if one.retest else None)
        if reason
    ]


def _number(value: float, digits: int = 2) -> str:
    """`0.05`, `−0.20` with a true minus sign, or `n/a`."""
    if math.isnan(value):
        return "n/a"
    rounded = round(value, digits) + 0.0  # + 0.0 turns −0 into 0
    return f"{rounded:.{digits}f}".replace("-", "−")


def _share(value: float, digits: int = 2) -> str:
    """A number in [0, 1] without its leading zero: `.53`."""
    return _number(value, digits).removeprefix("0")

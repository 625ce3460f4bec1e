"""The sections of the real/generated page on the data: what was filled in or unusual, and what became of sessions."""

from __future__ import annotations

from typing import Any

from analysis.report.page import Block, Section, Table
from analysis.report.realfake.findings import Findings
from analysis.report.realfake.tables import records

_FINDINGS = 200  # rows of the audit on the page


def findings_section(found: Findings) -> Section | None:
    """What was filled in, and what is unusual in the data."""
    audit, filled = records(found.trials.audit), found.trials.filled
    blocks: list[Block] = []
    if filled:
        lacked = ", ".join(f"{name} (filled in: {how})" for name, how in filled.items())
        blocks.append(f"The external table lacked {lacked}.")
    if found.trials.notes:
        blocks.append(f"Noticed when the tables were read: {'; '.join(found.trials.notes)}.")
    if audit:
        header = ("Participant", "Session", "Finding", "Trials", "Which", "What was done")
        rows = tuple(
            (
                row["participant"],
                str(row["session"]),
                row["found"],
                str(row["trials"]),
                str(row["which"]),
                row["policy"],
            )
            for row in audit[:_FINDINGS]
        )
        more = f"The first {_FINDINGS} of {len(audit)}; all are in `audit.tsv`." if len(audit) > _FINDINGS else ""
        blocks.append(Table(header, rows, words=(1, 2, 4, 5), note=more))
    return Section("Data checks", tuple(blocks)) if blocks else None


def sessions_section(found: Findings) -> Section:
    """Every session found, with its status and the reason."""
    rows = records(found.trials.sessions)
    count = {status: sum(row["status"] == status for row in rows) for status in ("kept", "flagged", "excluded")}
    unanswered = sum(one.yesno.unanswered for one in found.participants)
    text = [
        f"Sessions found: {len(rows)} ({count['kept']} kept, {count['flagged']} kept and flagged, "
        f"{count['excluded']} excluded). Main trials without an answer in the analysed first sessions: {unanswered}."
    ]
    text += _against_the_study(found, rows)
    sets = {row["stimulus_set_sha256"] for row in rows} - {None}
    if len(sets) > 1:
        text.append(f"The sessions come from {len(sets)} different stimulus sets.")
    table = Table(
        ("Participant", "Session", "Status", "Answered", "Reason"),
        tuple(_session_row(row) for row in rows),
        words=(1, 2, 4),
    )
    return Section("Sessions: kept, flagged, excluded", (" ".join(text), _checked(found, rows), table))


def _against_the_study(found: Findings, rows: list[dict[str, Any]]) -> list[str]:
    if found.study is None:
        return ["No study file was given, so nothing here was checked against one."]
    study, sha256 = found.study.study, found.study.sha256
    same = sum(row["study_sha256"] == sha256 for row in rows)
    others = sum(row["study_sha256"] not in (None, sha256) for row in rows)
    text = []
    if study.exclusions.min_answered > 0:
        least = f"{study.exclusions.min_answered:.0%}"
        text.append(f"The study file excludes a session with fewer than {least} of its main trials answered.")
    changed = f"; **the study file changed: {others} of them ran with a different one**" if others else ""
    text.append(f"Sessions that carry the hash of this study file: {same} of {len(rows)}{changed}.")
    return [*text, f"Participants planned: {study.planned_participants}."]


def _checked(found: Findings, rows: list[dict[str, Any]]) -> str:
    checked, text = sum(bool(row["record_checked"]) for row in rows), []
    if checked:
        text.append(
            f"The answers of {checked} of {len(rows)} sessions were checked against the session’s record and plan."
        )
    if checked < len(rows):
        text.append(
            f"**The answers of {len(rows) - checked} of {len(rows)} sessions were not checked against a record**: "
            "`sourcedata` holds none."
        )
    text.append(
        "Every table was checked against the stimulus set."
        if found.images_checked
        else "No stimulus set was given, so image ids and truths were not checked against one."
    )
    return " ".join(text)


def _session_row(row: dict[str, Any]) -> tuple[str, ...]:
    session = str(row["session"])
    if row["used_as"] == "retest":
        days = row["days_since_first"]
        session += "\nretest" + ("" if days is None else f", {days:.0f} days later")
    status = f"**{row['status']}**" if row["status"] == "excluded" else row["status"]
    return row["participant"], session, status, f"{row['answered']}/{row['planned']}", row["reason"] or ""

"""Other tasks than one image at a time, from a table to results: two images side by side, or a match on a loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from analysis.report import matching_report as matching
from analysis.report import pairs_report
from analysis.report.short_report import save, versions
from analysis.result import without_nan
from analysis.sdt.outcomes import Correction
from data.answers import Kind, read_answers
from data.errors import LookalikeError
from data.files import new_folder, refuse_occupied, write_json, write_table
from data.study import StudyFile


@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def analyze_task(
    kind: Kind,
    source: Path,
    out: Path,
    study: StudyFile | None = None,
    columns: Mapping[str, str] | None = None,
    words: Mapping[str, str] | None = None,
    correction: Correction = "log-linear",
) -> dict[str, Any]:
    """Analyse a table (or BIDS folder) of this kind of task, as `data.answers` lays it out; return the summary.

    Writes into the new folder `out`: `participants.tsv`, `summary.json`, `report.html` and the figure (`forest`, or
    `serial` with `pairs.tsv` for matching) as `.svg`, `.pdf` and `.png`. `study` gives the tables' task name in a
    BIDS folder, and the bound of the mean d′ in two-alternative forced choice; `correction` is that of rates
    (`analysis.sdt.outcomes`). Raises `LookalikeError` as
    `read_answers` does, for several kinds of observer, and if no session 1 has main trials.
    """
    refuse_occupied(out)
    answers = read_answers(source, kind, columns, words, study.study.task if study else None)
    if len(answers.observers) > 1:
        raise LookalikeError(f"{source}: holds {' and '.join(answers.observers)} observers; move them apart")
    if answers.trials.empty or not ((answers.trials["session"] == 1) & (answers.trials["role"] == "main")).any():
        raise LookalikeError(f"{source}: has no main trial of session 1")
    found = matching.results(answers) if kind == "matching" else pairs_report.results(answers, study, correction)
    files = {**answers.files, **({f"study file {study.path.name}": study.sha256} if study else {})}
    about = {"observers": list(answers.observers), "filled": dict(answers.filled), "versions": versions()}
    said = {"verdict": found.leaflet.verdict, "words": found.leaflet.words}
    summary: dict[str, Any] = without_nan({"kind": kind, **said, **found.summary, **about, "files_sha256": files})
    remarks = [*found.leaflet.remarks, *_remarks(answers.filled, answers.observers)]
    with new_folder(out) as folder:
        for name, table in found.tables.items():
            write_table(folder / f"{name}.tsv", table)
        write_json(folder / "summary.json", summary)
        save(replace(found.leaflet, remarks=remarks, files=files), folder)
    return summary


def _remarks(filled: Mapping[str, str], observers: tuple[str, ...]) -> list[str]:
    remarks = []
    if observers and observers[0] in ("simulated", "scripted"):
        remarks.append(f"These are {observers[0]} observers, not people: they show that the procedure works, no more.")
    if filled:
        lacked = ", ".join(f"{name} (filled in: {how})" for name, how in filled.items())
        remarks.append(f"The table lacked {lacked}.")
    return remarks

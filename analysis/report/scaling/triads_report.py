"""The report of triads on a loop: how far apart its images look. `lookalike scale` offers more choices."""

from __future__ import annotations

from dataclasses import replace

from analysis.report.page import Note, verdict_note
from analysis.report.results import Results
from analysis.report.scaling.scale_report import scale_results
from analysis.scaling.difference_scale import difference_scale
from analysis.sdt.outcomes import Correction
from data.external_tables.read import TrialTable
from data.study import StudyFile


def results(answers: TrialTable, _study: StudyFile | None = None, _correction: Correction = "log-linear") -> Results:
    """Tables, summary and page of the mean scale; raises `LookalikeError` if there are several loops."""
    trials = answers.trials[(answers.trials["session"] == 1) & (answers.trials["role"] == "main")]
    found = scale_results(difference_scale(trials, closed=True, source="the triads"), answers.files)
    summary = {name: value for name, value in found.summary.items() if name not in ("verdict", "words", "simulated")}
    said = verdict_note(found.summary["verdict"].lower(), (found.summary["words"],))
    blocks = tuple(said if isinstance(one, Note) and one.kind == "verdict" else one for one in found.page.summary)
    return replace(found, summary=summary, page=replace(found.page, summary=blocks))

"""Tasks other than real/generated, from a table to results: two images side by side, or a match on a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from analysis.report.figures.render import Format
from analysis.report.page import Block, Note, Picture, doubts_of, verdict_of
from analysis.report.results import Results, summarised, versions, write
from analysis.sdt.outcomes import Correction
from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping
from data.external_tables.read import TrialTable, read_trials
from data.files import refuse_occupied
from data.kinds.registry import find
from data.study import StudyFile


def analyze_task(
    kind: str,
    source: Path | Sequence[Path],
    out: Path,
    study: StudyFile | None = None,
    mapped: TableMapping | None = None,
    correction: Correction = "log-linear",
    formats: Sequence[Format] | None = None,
) -> dict[str, Any]:
    """Analyse a task other than real/generated into a new folder of tables, a figure and one report page.

    Writes `participants.tsv`, `summary.json`, `report.html` and the figure (`forest`; for matching `serial`, with
    `pairs.tsv`) as `.svg` and `.png`.

    Parameters
    ----------
    kind : str
        Kind of task: two_alternative, same_different or matching.
    source : path, or a sequence of paths
        Tables in the layout of `data.external_tables.read`, or a folder that holds the `sub-*` folders.
    out : path
        Folder to write; it must be new or empty.
    study : data.study.StudyFile, optional
        Study file: the tables' task name in a folder, and the bound of the mean d′ in two-alternative forced choice.
    mapped : data.external_tables.mapping.TableMapping, optional
        For an external table: its names of columns and words, and how its cells are to be read.
    correction : str
        Correction of rates of 0 and 1 (`analysis.sdt.outcomes`); matching has none.
    formats : sequence of {"svg", "pdf", "png"}, optional
        Of the figure, SVG and PNG by default; none with an empty one.

    Returns
    -------
    dict
        The summary, in plain Python types; undefined values are None, with a reason beside them.

    Raises
    ------
    LookalikeError
        If the table breaks the layout, holds several kinds of observer or no main trial of session 1, or if `out` holds
        anything. Nothing is written then.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis.report.task_report import analyze_task
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"participant": np.repeat(["p1", "p2"], 50), "truth": ["left", "right"] * 50})
    >>> table["response"] = rng.choice(["left", "right"], 100)
    >>> table.to_csv("choices.csv", index=False)
    >>> summary = analyze_task("two_alternative", "choices.csv", "results")
    >>> summary["verdict"]
    'not decided'
    """
    out = Path(out)
    refuse_occupied(out)
    answers = read_trials(source, kind, mapped, study.study.task if study else None)
    if len(answers.observers) > 1:
        kinds = " and ".join(answers.observers)
        raise LookalikeError("mixed-observers", f"{source}: holds {kinds} observers; put each kind in its own folder")
    if answers.trials.empty or not ((answers.trials["session"] == 1) & (answers.trials["role"] == "main")).any():
        raise LookalikeError("nothing-to-analyse", f"{source}: has no main trial of session 1")
    results: Results = task_results(answers, study, correction)
    write(results, out, formats=formats)
    return results.summary


@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def task_results(answers: TrialTable, study: StudyFile | None = None, correction: Correction = "log-linear") -> Results:
    """The results of `analyze_task` in memory: summary, tables by name, and the page."""
    found = _report_of(answers.kind)(answers, study, correction)
    inputs = {**answers.files, **({f"study file {study.path.name}": study.sha256} if study else {})}
    (verdict,) = found.page.verdicts
    summary = summarised(
        {
            "kind": answers.kind,
            "verdict": verdict_of(verdict),
            "words": verdict.paragraphs[0],
            **found.summary,
            "observers": list(answers.observers),
            "filled": dict(answers.filled),
            "notes": [*answers.notes, *answers.doubts],
            "versions": versions(),
            "files_sha256": inputs,
        }
    )
    page = replace(
        found.page,
        warnings=(*_warnings(answers.observers), *doubts_of(answers.doubts)),
        summary=_with_remarks(found.page.summary, answers),
        inputs=inputs,
    )
    return replace(found, summary=summary, page=page)


def _report_of(kind: str) -> Callable[[TrialTable, StudyFile | None, Correction], Results]:
    """The function `results` of the report module for a kind of task, such as `pairs_report`."""
    results: Callable[[TrialTable, StudyFile | None, Correction], Results]
    results = import_module(f"analysis.report.{find(kind).report}_report").results
    return results


def _warnings(observers: tuple[str, ...]) -> tuple[Note, ...]:
    if not observers or observers[0] not in ("simulated", "scripted"):
        return ()
    text = "Their results show that the procedure works; they say nothing about people."
    return (Note(f"These are {observers[0]} observers, not people.", (text,), "warning"),)


def _with_remarks(summary: tuple[Block, ...], answers: TrialTable) -> tuple[Block, ...]:
    """The summary with what the table lacked and what else was noticed, above the figures."""
    said = [f"{name} (filled in: {how})" for name, how in answers.filled.items()]
    remarks = [f"The table lacked {', '.join(said)}."] if said else []
    remarks += [f"Noticed when the tables were read: {'; '.join(answers.notes)}."] if answers.notes else []
    figures = tuple(one for one in summary if isinstance(one, Picture))
    return (*(one for one in summary if one not in figures), *remarks, *figures)

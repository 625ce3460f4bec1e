"""`lookalike analyze`: from participants' data to results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from data.errors import LookalikeError
from lookalike.console import headline, pairs, relative, say, show
from lookalike.options import Columns, Json, Kind, Out, Words


def analyze(
    data: Annotated[Path, typer.Argument(help="Folder with the sub-* folders, or one table of all trials.")],
    out: Out,
    study: Annotated[Path | None, typer.Option(help="Study file, whose exclusions apply.")] = None,
    stimuli: Annotated[
        Path | None, typer.Option(help="Stimulus set that was shown, to check every table against.")
    ] = None,
    kind: Kind = None,
    columns: Columns = "",
    words: Words = "",
    correction: Annotated[
        Literal["log-linear", "replace", "none"], typer.Option(help="Correction of rates of 0 and 1, for d' and c.")
    ] = "log-linear",
    meta_d: Annotated[
        Literal["fleming", "maniscalco-lau"],
        typer.Option(help="Criterion of meta-d': fixed (fleming), or scaled with d' and undefined at d' = 0."),
    ] = "fleming",
    formats: Annotated[str, typer.Option(help="Formats of the figures: svg, png, pdf.")] = "svg,png",
    figures: Annotated[bool, typer.Option("--figures/--no-figures", help="Figures, in files and on the page.")] = True,
    as_json: Json = False,
) -> None:
    """Analyse sessions: ROC, d', retest similarity, a report.

    A table from another program needs a participant, stimulus_id, truth and response in each row.

    \b
    Example:
      lookalike analyze study-1 --study study.toml --out results
      lookalike analyze theirs.csv --columns truth=IsFake,response=Key --words 1=generated,0=real --out results
      lookalike analyze pairs.csv --kind two_alternative --out results
    """
    from analysis.group.participants import Estimators
    from analysis.report.figures.render import formats_of
    from analysis.report.report import analyze as run_analysis
    from analysis.report.task_report import analyze_task
    from data.external_tables import TableMapping
    from data.kinds.registry import find
    from data.shipped import DEFAULT_TASK
    from data.study import read_study
    from stimuli.sets import read_set

    drawn = formats_of(formats) if figures else ()
    planned = None if study is None else read_study(study)
    task = kind or (planned.task.task.kind if planned and planned.task else DEFAULT_TASK)
    if not find(task).single_images:
        rates = bool(find(task).answers)
        _refuse_unused(task, {"--stimuli": stimuli, "--meta-d": meta_d, "--correction": "" if rates else correction})
        mapping = (pairs(columns, "--columns"), pairs(words, "--words"))
        found = analyze_task(task, data, out, planned, *mapping, correction, drawn)
        files = {"report": relative(out / "report.html"), "tables": relative(out / "participants.tsv")}
        show(found if as_json else {name: found[name] for name in ("verdict", "words")} | files, as_json)
        return
    summary = run_analysis(
        data,
        out,
        planned,
        None if stimuli is None else read_set(stimuli),
        TableMapping(pairs(columns, "--columns"), pairs(words, "--words")),
        Estimators(correction, meta_d),
        drawn,
    )
    if study is None and summary["study"]["studies_in_sessions_sha256"]:
        say("lookalike: without --study, the exclusions of the sessions' study file are not applied")
    if as_json:
        show(summary, True)
    else:
        show(headline(summary, out), False)


def _refuse_unused(task: str, given: dict[str, object]) -> None:
    """Raise `LookalikeError` for an option that would not affect the analysis of this task."""
    for option, value in given.items():
        if value not in (None, "", "fleming", "log-linear"):  # their defaults
            one = "answers" if option == "--correction" else "one image at a time"
            raise LookalikeError("unused-option", f"{option} is for tables of {one}, not of {task}; leave it out")

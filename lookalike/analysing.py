"""Commands for whoever analyses participants' data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.console import headline, pairs, say, show
from lookalike.options import Json, Out

app = typer.Typer()


@app.command()
def analyze(
    data: Annotated[Path, typer.Argument(help="Folder that holds the sub-* folders, or one table of all trials.")],
    out: Out,
    study: Annotated[Path | None, typer.Option(help="Study file; its exclusions apply.")] = None,
    stimuli: Annotated[
        Path | None, typer.Option(help="Stimulus set that was shown; every table is checked against it.")
    ] = None,
    columns: Annotated[str, typer.Option(help="Of a table from elsewhere: our names of columns for theirs.")] = "",
    words: Annotated[str, typer.Option(help="Of a table from elsewhere: their words for ours.")] = "",
    as_json: Json = False,
) -> None:
    """Analyse: ROC, AUC, d' and test-retest similarity, with figure and report.

    A table from elsewhere needs a participant, stimulus_id, truth and response in each row.

    \b
    Example:
      lookalike analyze study-1 --study study.toml --out results
      lookalike analyze theirs.csv --columns truth=IsFake,response=Key --words 1=generated,0=real --out results
    """
    from analysis.report import analyze as run_analysis
    from data.foreign import Mapped
    from data.study import read_study
    from stimuli.sets import read_set

    summary = run_analysis(
        data,
        out,
        None if study is None else read_study(study),
        None if stimuli is None else read_set(stimuli),
        Mapped(pairs(columns, "--columns"), pairs(words, "--words")),
    )
    if study is None and summary["study"]["studies_in_sessions_sha256"]:
        say("lookalike: no --study was given, so the exclusions of the sessions' study file are not applied")
    if as_json:
        show(summary, True)
    else:
        show(headline(summary, out), False)

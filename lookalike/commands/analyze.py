"""`lookalike analyze`: from participants' data to results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from data.errors import LookalikeError
from lookalike.console import headline, relative, say, show
from lookalike.memory import collect_seldom
from lookalike.options import Columns, Import, Json, Kind, Middle, Missing, Rows, TimeUnit, Words

if TYPE_CHECKING:
    from data.external_tables.mapping import TableMapping

NewOut = Annotated[
    Path | None, typer.Option("--out", help="New folder for the results; an existing one is never overwritten.")
]


def analyze(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Folder with the sub-* folders; or a table (CSV, .xlsx, JSON), several, or a folder of them."
        ),
    ],
    out: NewOut = None,
    study: Annotated[Path | None, typer.Option(help="Study file, whose exclusions apply.")] = None,
    stimuli: Annotated[
        Path | None, typer.Option(help="Stimulus set that was shown, to check every table against.")
    ] = None,
    conditions: Annotated[
        str | None,
        typer.Option(
            help="Conditions to compare, if the trials have no column condition: a table with condition and "
            "stimulus_id, participant or session; a column of --stimuli, such as source; or stimulus_set.",
            show_default=False,
        ),
    ] = None,
    covariates: Annotated[
        str,
        typer.Option(
            help="Facts about participants, such as expertise,volume_per_year, for a mixed model of d', c and AUC: "
            "columns of the trials, or of the folder's participants.tsv."
        ),
    ] = "",
    participants: Annotated[
        Path | None, typer.Option(help="Table that holds the covariates instead, a row per participant.")
    ] = None,
    kind: Kind = None,
    columns: Columns = "",
    words: Words = "",
    missing: Missing = "",
    rows: Rows = "",
    middle: Middle = None,
    time_unit: TimeUnit = None,
    import_file: Import = None,
    write_import: Annotated[
        Path | None,
        typer.Option(
            "--write-import", help="New import file to fill in, with what was recognised; nothing is analysed."
        ),
    ] = None,
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

    A table from another program needs participant, truth and response, or a rating, in each row. Exports of PsychoPy,
    jsPsych, OpenSesame, Gorilla, Qualtrics, E-Prime and iMRMC are recognised. A column condition (generators, image
    sizes, groups) is compared across; its cells are empty for real images that stand beside all.

    \b
    Example:
      lookalike analyze study-1 --study study.toml --out results
      lookalike analyze theirs.csv --columns truth=IsFake,response=Key --words 1=generated,0=real --out results
      lookalike analyze psychopy-data --write-import import.toml
      lookalike analyze ratings.xlsx --columns rating=Likert --middle 3.5 --missing=-1 --out results
      lookalike analyze both-generators.csv --columns condition=model --covariates expertise --out results
      lookalike analyze pairs.csv --kind two_alternative --out results
    """
    from analysis.group.participants import Estimators
    from analysis.report.figures.render import formats_of
    from analysis.report.report import analyze as run_analysis
    from analysis.report.task_report import analyze_task
    from data.kinds.registry import find
    from data.shipped import DEFAULT_TASK
    from data.study import read_study
    from lookalike.flows.import_tables import mapping_of
    from stimuli.sets import read_set

    collect_seldom()
    drawn = formats_of(formats) if figures else ()
    planned = None if study is None else read_study(study)
    task = kind or (planned.task.task.kind if planned and planned.task else DEFAULT_TASK)
    mapping = mapping_of(import_file, columns, words, missing, rows, middle, time_unit)
    source = data[0] if len(data) == 1 else data
    if participants is not None and not covariates:
        raise LookalikeError("missing-option", "--participants is a table of covariates; name them with --covariates")
    if write_import is not None:
        _draft(write_import, source, task, mapping)
        return
    if out is None:
        raise LookalikeError("missing-option", "--out is missing; name a new folder for the results")
    if not find(task).single_images:
        rates = bool(find(task).answers)
        _refuse_unused(
            task,
            {
                "--stimuli": stimuli,
                "--meta-d": meta_d,
                "--correction": "" if rates else correction,
                "--conditions": conditions,
                "--covariates": covariates,
                "--participants": participants,
            },
        )
        found = analyze_task(task, source, out, planned, mapping, correction, drawn)
        _say(found["notes"])
        files = {"report": relative(out / "report.html"), "tables": relative(out / "participants.tsv")}
        show(found if as_json else {name: found[name] for name in ("verdict", "words")} | files, as_json)
        return
    summary = run_analysis(
        source,
        out,
        planned,
        None if stimuli is None else read_set(stimuli),
        mapping,
        Estimators(correction, meta_d),
        drawn,
        conditions=conditions,
        covariates=[name.strip() for name in covariates.split(",") if name.strip()],
        people=participants,
    )
    _say(summary["notes"])
    if study is None and summary["study"]["studies_in_sessions_sha256"]:
        say("lookalike: without --study, the exclusions of the sessions' study file are not applied")
    if as_json:
        show(summary, True)
    else:
        show(headline(summary, out), False)


def _draft(path: Path, source: Path | list[Path], task: str, mapping: TableMapping) -> None:
    from data.external_tables.draft import draft_import, write_draft

    write_draft(path, draft_import(source, task, mapping))
    say(f"lookalike: {relative(path)} says what was recognised; fill in the rest, and give it with --import")


def _say(notes: list[str]) -> None:
    """What was recognised, merged, left out or looks implausible in tables of other programs."""
    for note in notes:
        say(f"lookalike: {note}")


def _refuse_unused(task: str, given: dict[str, object]) -> None:
    """Raise `LookalikeError` for an option that would not affect the analysis of this task."""
    for option, value in given.items():
        if value not in (None, "", "fleming", "log-linear"):  # their defaults
            one = "answers" if option == "--correction" else "one image at a time"
            raise LookalikeError("unused-option", f"{option} is for tables of {one}, not of {task}; leave it out")

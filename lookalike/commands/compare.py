"""`lookalike compare`: the AUCs of two studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from data.errors import LookalikeError
from lookalike.console import relative, say, show
from lookalike.memory import collect_seldom
from lookalike.options import Columns, Import, Json, Middle, Missing, Out, Rows, TimeUnit, Words


def compare(
    first: Annotated[Path, typer.Argument(help="Data of the first study, as for analyze: a folder or a table.")],
    second: Annotated[Path, typer.Argument(help="Data of the second study.")],
    out: Out,
    names: Annotated[str, typer.Option(help="Names of the two, with a comma. [default: the file names]")] = "",
    delta: Annotated[
        float | None, typer.Option(help="Smallest difference of AUC that matters, above 0; fixed beforehand.")
    ] = None,
    images: Annotated[
        Literal["same", "different"] | None,
        typer.Option(
            help="Meaning of one stimulus_id in both: same or different image. [default: by the stimulus sets]"
        ),
    ] = None,
    participants: Annotated[
        Literal["same", "different"],
        typer.Option(help="Meaning of one participant code in both: same or different person."),
    ] = "same",
    first_stimuli: Annotated[
        Path | None, typer.Option(help="Stimulus set of the first study, so that images are compared by hash.")
    ] = None,
    second_stimuli: Annotated[Path | None, typer.Option(help="Stimulus set of the second study.")] = None,
    study: Annotated[Path | None, typer.Option(help="Study file, whose exclusions apply to both.")] = None,
    columns: Columns = "",
    words: Words = "",
    missing: Missing = "",
    rows: Rows = "",
    middle: Middle = None,
    time_unit: TimeUnit = None,
    import_file: Import = None,
    as_json: Json = False,
) -> None:
    """Compare the AUCs of two studies, paired or as two groups.

    Participants who took part in both are compared with themselves; if nobody did, the two groups are compared.

    \b
    Example:
      lookalike compare first-model second-model --out comparison
    """
    from analysis.report.compare_report import compare_studies
    from data.study import read_study
    from lookalike.flows.import_tables import mapping_of
    from stimuli.sets import read_set

    if (first_stimuli is None) != (second_stimuli is None):
        raise LookalikeError(
            "missing-option", "give --first-stimuli and --second-stimuli together: images are compared by hash"
        )
    collect_seldom()
    found = compare_studies(
        (first, second),
        out,
        _two(names) if names else None,
        study=None if study is None else read_study(study),
        mapped=mapping_of(import_file, columns, words, missing, rows, middle, time_unit),
        delta=delta,
        images=images,
        participants=participants,
        stimuli=None
        if not first_stimuli or not second_stimuli
        else (read_set(first_stimuli), read_set(second_stimuli)),
    )
    for note in found["notes"]:
        say(f"lookalike: {note}")
    files = {"report": relative(out / "report.html"), "tables": relative(out / "participants.tsv")}
    show(found if as_json else {name: found[name] for name in ("verdict", "words")} | files, as_json)


def _two(names: str) -> tuple[str, ...]:
    two = tuple(name.strip() for name in names.split(","))
    if len(set(two)) != 2 or not all(two):
        raise LookalikeError(
            "bad-names", f"--names is {names!r}; write two different names with a comma, such as old,new"
        )
    return two

"""Commands for whoever analyses participants' data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from data.errors import LookalikeError
from data.kinds.registry import find, names
from lookalike.console import headline, numbers, pairs, progress, relative, say, show, show_table, whole_numbers
from lookalike.options import Json, Out, Seed

if TYPE_CHECKING:
    KindName = str
else:
    KindName = Literal[names()]  # the choices that --kind takes and its help lists

app = typer.Typer()


@app.command()
def analyze(
    data: Annotated[Path, typer.Argument(help="Folder that holds the sub-* folders, or one table of all trials.")],
    out: Out,
    study: Annotated[Path | None, typer.Option(help="Study file; its exclusions apply.")] = None,
    stimuli: Annotated[
        Path | None, typer.Option(help="Stimulus set that was shown; every table is checked against it.")
    ] = None,
    kind: Annotated[
        KindName | None,
        typer.Option(
            help="The task: one image at a time, or another one, whose columns data/external_tables.py explains. "
            "[default: the study's, or realfake]",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[str, typer.Option(help="Of a table from elsewhere: our names of columns for theirs.")] = "",
    words: Annotated[str, typer.Option(help="Of a table from elsewhere: their words for ours.")] = "",
    correction: Annotated[
        Literal["log-linear", "replace", "none"], typer.Option(help="Of rates of 0 and 1, for d' and c.")
    ] = "log-linear",
    meta_d: Annotated[
        Literal["fleming", "maniscalco-lau"],
        typer.Option(help="Criterion of meta-d': kept in place, or in proportion to d' (undefined at d' = 0)."),
    ] = "fleming",
    as_json: Json = False,
) -> None:
    """Analyse: ROC, AUC, d' and test-retest similarity, with figure and report.

    A table from elsewhere needs a participant, stimulus_id, truth and response in each row.

    \b
    Example:
      lookalike analyze study-1 --study study.toml --out results
      lookalike analyze theirs.csv --columns truth=IsFake,response=Key --words 1=generated,0=real --out results
      lookalike analyze pairs.csv --kind two_alternative --out results
    """
    from analysis.group.participants import Estimators
    from analysis.report.report import analyze as run_analysis
    from analysis.report.task_report import analyze_task
    from data.external_tables import TableMapping
    from data.study import read_study
    from stimuli.sets import read_set

    planned = None if study is None else read_study(study)
    task = kind or (planned.task.task.kind if planned and planned.task else "realfake")
    if find(task).report != "report":
        rates = bool(find(task).answers)
        _refuse_unheeded(task, {"--stimuli": stimuli, "--meta-d": meta_d, "--correction": "" if rates else correction})
        found = analyze_task(task, data, out, planned, pairs(columns, "--columns"), pairs(words, "--words"), correction)
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
    )
    if study is None and summary["study"]["studies_in_sessions_sha256"]:
        say("lookalike: no --study was given, so the exclusions of the sessions' study file are not applied")
    if as_json:
        show(summary, True)
    else:
        show(headline(summary, out), False)


def _refuse_unheeded(task: str, given: dict[str, object]) -> None:
    """Raise `LookalikeError` for an option that would change nothing in the analysis of another task."""
    for option, value in given.items():
        if value not in (None, "", "fleming", "log-linear"):  # what they are if nobody gives them
            one = "answers" if option == "--correction" else "one image at a time"
            raise LookalikeError(f"{option} is for tables of {one}, not of {task}; leave it out")


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Data of one side, as for analyze: a folder or a table.")],
    second: Annotated[Path, typer.Argument(help="Data of the other side.")],
    out: Out,
    names: Annotated[str, typer.Option(help="What to call the two, with a comma. [default: the files' names]")] = "",
    delta: Annotated[float | None, typer.Option(help="A difference of AUC too small to matter, fixed before.")] = None,
    images: Annotated[
        Literal["same", "different"] | None,
        typer.Option(help="Whether an id is the same image on both sides. [default: as the stimulus sets say]"),
    ] = None,
    participants: Annotated[
        Literal["same", "different"], typer.Option(help="Whether a code is the same person on both sides.")
    ] = "same",
    first_stimuli: Annotated[
        Path | None, typer.Option(help="Stimulus set that the first side was shown; images are then known by hash.")
    ] = None,
    second_stimuli: Annotated[Path | None, typer.Option(help="Likewise of the second side.")] = None,
    study: Annotated[Path | None, typer.Option(help="Study file; its exclusions apply to both.")] = None,
    columns: Annotated[str, typer.Option(help="Of tables from elsewhere: our names of columns for theirs.")] = "",
    words: Annotated[str, typer.Option(help="Of tables from elsewhere: their words for ours.")] = "",
    as_json: Json = False,
) -> None:
    """Compare two studies' AUCs: the same participants twice, or two groups.

    Participants who judged on both sides are compared with themselves; if nobody did, two groups are compared.

    \b
    Example:
      lookalike compare first-model second-model --out comparison
    """
    from analysis.report.compare_report import compare_studies
    from data.external_tables import TableMapping
    from data.study import read_study
    from stimuli.sets import read_set

    if (first_stimuli is None) != (second_stimuli is None):
        raise LookalikeError("give --first-stimuli and --second-stimuli together: images are compared by hash")
    called = tuple(name.strip() for name in names.split(",")) if names else None
    if called is not None and (len(set(called)) != 2 or not all(called)):
        raise LookalikeError(f"--names is {names!r}; two different names with a comma are needed, such as old,new")
    found = compare_studies(
        (first, second),
        out,
        called,
        study=None if study is None else read_study(study),
        mapped=TableMapping(pairs(columns, "--columns"), pairs(words, "--words")),
        delta=delta,
        images=images,
        participants=participants,
        stimuli=None
        if not first_stimuli or not second_stimuli
        else (read_set(first_stimuli), read_set(second_stimuli)),
    )
    files = {"report": relative(out / "report.html"), "tables": relative(out / "participants.tsv")}
    show(found if as_json else {name: found[name] for name in ("verdict", "words")} | files, as_json)


@app.command()
def power(
    out: Out,
    study: Annotated[Path | None, typer.Option(help="Study file: its bounds, trials and confidence levels.")] = None,
    delta: Annotated[float | None, typer.Option(help="Bounds .5 ± this, if not the study file's.")] = None,
    dprime: Annotated[str, typer.Option(help="True mean d' of the population; several, with commas.")] = "0,0.3",
    participants: Annotated[str, typer.Option(help="Numbers of participants.")] = "6,10,20,40",
    images: Annotated[str | None, typer.Option(help="Images that each judges. [default: the study's, or 100]")] = None,
    between_sd: Annotated[float, typer.Option(help="SD of d' between observers.")] = 0.2,
    image_sd: Annotated[float, typer.Option(help="SD of the images' effects, in SDs of the evidence (0 to 1).")] = 0.5,
    criterion_sd: Annotated[float, typer.Option(help="SD of the criterion between observers.")] = 0.3,
    lapse: Annotated[float, typer.Option(help="Share of guesses.")] = 0.01,
    own_images: Annotated[
        bool, typer.Option("--own-images", help="Each participant judges images of his own, not one shared set.")
    ] = False,
    studies: Annotated[int, typer.Option(help="Simulated studies of each kind.")] = 2000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Plan: how often would a study of so many participants and images decide, and how?

    \b
    Example:
      lookalike power --study study.toml --participants 6,10,20 --images 100,200 --out plan
    """
    from analysis.group.power import power_table
    from analysis.report.power_report import save_power
    from data.files import refuse_occupied
    from data.simulated.observers import usual_cuts
    from data.simulated.populations import Population
    from data.study import read_study

    plan = None if study is None else read_study(study).study
    delta = delta if delta is not None else plan.endpoint.delta if plan else None
    if delta is None:
        raise LookalikeError("no bounds: give --delta, or a --study whose endpoint has a delta; .084 is d' = .3")
    cuts = usual_cuts(plan.plan.confidence_levels if plan else 4)
    population = Population(0.0, between_sd, criterion_sd, image_sd, own_sd=0.0, lapse=lapse, confidence_cuts=cuts)
    true, people = numbers(dprime, "--dprime"), whole_numbers(participants, "--participants")
    counts = whole_numbers(images, "--images") if images else [plan.plan.trials if plan else 100]
    level = plan.endpoint.confidence if plan else 0.9
    options = {"delta": delta, "level": level, "studies": studies, "own_images": own_images, "seed": seed}
    refuse_occupied(out)
    with progress("studies", len(true) * len(people) * len(counts)) as advance:
        table = power_table(population, true, people, counts, progress=advance, **options)
    save_power(table, out)
    if as_json:
        show({"out": relative(out), "rows": table.to_dict("records")}, True)
        return
    show_table(
        [["true d'", "participants", "images", "near chance", "difference", "undecided"]]
        + [
            [f"{row.dprime:g}", str(row.participants), str(row.images)]
            + [f"{share:.1%}" for share in (row.near_chance, row.difference, row.undecided)]
            for row in table.itertuples()
        ]
    )
    print(f"\nbounds .5 ± {delta:g}, {level:.0%} interval, {studies} simulated studies each; in {relative(out)}")

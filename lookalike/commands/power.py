"""`lookalike power`: what a study of so many participants and images would find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import LookalikeError
from lookalike.console import numbers, progress, relative, show, show_table, whole_numbers
from lookalike.options import Json, Out, Seed

if TYPE_CHECKING:
    import pandas as pd


def power(
    out: Out,
    study: Annotated[
        Path | None, typer.Option(help="Study file, for its bounds, trials and confidence levels.")
    ] = None,
    delta: Annotated[
        float | None, typer.Option(help="Half-width of the bounds of AUC around .5. [default: the study file's]")
    ] = None,
    dprime: Annotated[str, typer.Option(help="True mean d' of the population, several with commas.")] = "0,0.3",
    participants: Annotated[str, typer.Option(help="Numbers of participants, with commas.")] = "6,10,20,40",
    images: Annotated[
        str | None,
        typer.Option(help="Numbers of images per participant, with commas. [default: the study file's, or 100]"),
    ] = None,
    between_sd: Annotated[float, typer.Option(help="SD of d' between observers.")] = 0.2,
    image_sd: Annotated[float, typer.Option(help="SD of the images' effects, in SDs of the evidence, 0 to 1.")] = 0.5,
    criterion_sd: Annotated[float, typer.Option(help="SD of the criterion between observers.")] = 0.3,
    lapse: Annotated[float, typer.Option(help="Proportion of guesses, 0 to 1.")] = 0.01,
    own_images: Annotated[
        bool, typer.Option("--own-images", help="Different images for each participant, not one shared set.")
    ] = False,
    studies: Annotated[int, typer.Option(help="Simulated studies per combination.")] = 2000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Simulate how often a planned study would reach a verdict.

    A study can find performance near chance (within the bounds), a difference from chance, or remain undecided.

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
        raise LookalikeError(
            "missing-option",
            "no bounds: give --delta, or a --study whose endpoint has a delta; .084 corresponds to d' = .3",
        )
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
    _print_table(table)
    print(f"\nbounds .5 ± {delta:g}, {level:.0%} interval, {studies} simulated studies each; files in {relative(out)}")


def _print_table(table: pd.DataFrame) -> None:
    show_table(
        [["true d'", "participants", "images", "near chance", "difference", "undecided"]]
        + [
            [f"{row.dprime:g}", str(row.participants), str(row.images)]
            + [f"{share:.1%}" for share in (row.near_chance, row.difference, row.undecided)]
            for row in table.itertuples()
        ]
    )

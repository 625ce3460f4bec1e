"""Commands for whoever judges a generator: its images, how near they are to real ones, and which snapshot is best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import LookalikeError
from data.shipped import DEFAULT_MODEL
from lookalike.console import need, relative, say, show, show_table
from lookalike.options import MAX_SEED, DisjointPatients, Json, ModelFolder, Out, Seed, Truncation, Weights

if TYPE_CHECKING:
    from gan.bootstrap import Estimate
    from gan.evaluation.ranking import Ranking
    from gan.evaluation.result import Evaluation
    from gan.leaks.check import LeakReport

app = typer.Typer()
# How each metric is printed: its name, a factor, and digits.
_PRINTED = {
    "kid": ("KID x 1000", 1000, 1),
    "kid_raw": ("KID x 1000, raw", 1000, 1),
    "fid": ("FID", 1, 1),
    "precision": ("precision", 1, 3),
    "recall": ("recall", 1, 3),
    "auc": ("classifier AUC", 1, 3),
}


@app.command()
def generate(
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    count: Annotated[int, typer.Option(min=1, help="Images to make.")] = 100,
    first_seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Consecutive seeds from here.")] = 0,
    truncation: Truncation = 0.7,
    bits: Annotated[int, typer.Option(help="Bits per pixel, 8 or 16.")] = 16,
    safe: Annotated[
        bool, typer.Option("--safe", help="Drop and count images too near a training patch; needs --patches.")
    ] = False,
    patches: Annotated[Path | None, typer.Option("--patches", help="Patch set that the model was trained on.")] = None,
    vgg16: Weights = None,
    as_json: Json = False,
) -> None:
    """Generate images of consecutive seeds, with a manifest and a contact sheet.

    \b
    Example:
      lookalike generate --count 100 --out generated
      lookalike generate --model runs/first/models/000200000-images --safe --patches patches --out generated
    """
    if safe != (patches is not None):
        raise LookalikeError(
            "--safe needs --patches, the patch set that the model was trained on; give both or neither"
        )
    need("gan")
    from gan.generate import ImageRequest
    from lookalike.flows import evaluate

    request = ImageRequest(count, first_seed, truncation, bits)
    about = evaluate.generate(model, out, request, patches, vgg16, say)
    if as_json:
        show({"out": relative(out), **about}, True)
        return
    dropped = {reason: len(seeds) for reason, seeds in about["dropped"].items()}
    files = {"manifest": relative(out / "generated.csv"), "sheet": relative(out / "sheet.png")}
    show({"out": relative(out), "images": count, **files, "dropped": dropped or ("none" if safe else "-")}, False)


@app.command()
def evaluate(
    models: Annotated[list[Path], typer.Argument(help="Model folder; with several, they are only ranked by KID.")],
    patches: Annotated[Path, typer.Option("--patches", help="Patch set; its train split is the one trained on.")],
    out: Annotated[Path | None, typer.Option("--out", help="New folder to write; needed for one model.")] = None,
    split: Annotated[
        str | None, typer.Option(help="study, or select. [default: study for one model, select for several]")
    ] = None,
    truncation: Truncation = 1.0,
    images: Annotated[int, typer.Option(help="Generated images per model, where several are ranked.")] = 500,
    resamples: Annotated[int, typer.Option(help="Bootstrap samples, and deals of real against real.")] = 200,
    disjoint_patients: DisjointPatients = False,
    vgg16: Weights = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Measure a model against real patches of patients that it has not seen, and look for copies of training patches.

    Several models are compared by KID on the select split, which is what a snapshot is to be chosen by.

    \b
    Example:
      lookalike evaluate runs/first/models/000200000-images --patches patches --out evaluation
      lookalike evaluate runs/first/models/* --patches patches
    """
    need("gan")
    from lookalike.flows import evaluate

    terms = evaluate.Terms(patches, vgg16, truncation, resamples, seed, disjoint_patients)
    if len(models) > 1:
        if split not in (None, "select"):
            raise LookalikeError(
                f"split is {split!r}, but several models are compared on select only: who chooses by the study "
                "patients cannot report on them; name one model"
            )
        _print_ranking(evaluate.compare_models(models, out, images, terms, say), as_json)
        return
    if out is None:
        raise LookalikeError("one model is evaluated into a folder; name a new one with --out")
    found, leaks, reason = evaluate.judge(models[0], out, split or "study", terms, say)
    if as_json:
        verdict = {"verdict": leaks.verdict, "words": leaks.summary} if leaks else {"verdict": None, "words": reason}
        show({"out": relative(out), **found.to_dict(), "leak_check": verdict}, True)
    else:
        _print_evaluation(found, leaks, reason, out)


def _print_evaluation(found: Evaluation, leaks: LeakReport | None, reason: str, out: Path) -> None:
    rows = [["", "generated [95 % CI]", "real against real [95 % range]", "as bad by chance"]]
    for name, score in found.scores.items():
        label, factor, digits = _PRINTED[name]
        real = _interval(score.real, factor, digits) if score.real else "-"
        chance = f"{score.chance:.3f}" if score.chance else "-"
        rows.append([label, _interval(score.generated, factor, digits), real, chance])
    rows.append(["path length in W", _interval(found.path_length, 1, 3), "-", "-"])
    show_table(rows)
    print(
        f"\n{found.images} generated images (truncation {found.psi:g}, seeds from {found.first_seed}) against "
        f"{found.images} {found.split} patches of {found.patients} patients"
    )
    print(f"Leaks: {leaks.verdict}; {leaks.summary}" if leaks else f"Leaks: not checked; {reason}")
    if found.real_reason:
        print(f"Real against real: {found.real_reason}")
    print(f"In {relative(out)}: {', '.join(sorted(path.name for path in out.iterdir()))}")


def _print_ranking(ranking: Ranking, as_json: bool) -> None:
    if as_json:
        show(ranking.to_dict(), True)
        return
    rows = [["model", "KID x 1000 [95 % CI]", "above the best [95 % CI]"]]
    for one in ranking.models:
        behind = _interval(one.behind, 1000, 1) if one.behind else "-"
        rows.append([one.name, _interval(one.kid, 1000, 1), behind])
    show_table(rows)
    print(
        f"\n{ranking.generated_images} generated images each (truncation {ranking.psi:g}, seeds from "
        f"{ranking.first_seed}) against {ranking.real_images} select patches of {ranking.patients} patients"
    )


def _interval(found: Estimate, factor: float, digits: int) -> str:
    value, low, high = (f"{(number or 0.0) * factor:.{digits}f}" for number in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"

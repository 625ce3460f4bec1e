"""`lookalike evaluate`: how close a model's images are to real ones, and which of several models is best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import LookalikeError
from lookalike.console import need, relative, say, show, show_table
from lookalike.options import DisjointPatients, Json, Seed, Truncation, Weights

if TYPE_CHECKING:
    from data.results.result import Estimate
    from gan.evaluation.ranking import Ranking
    from gan.evaluation.result import Evaluation
    from gan.leaks.check import LeakReport

_JUDGES = {"texture": "texture", "texture_noise": "texture, noise 2/255", "cnn": "network from scratch"}
# How each metric is printed: its label, a factor, and decimals.
_PRINTED = {
    "kid": ("KID x 1000", 1000, 1),
    "kid_raw": ("KID x 1000, raw", 1000, 1),
    "fid": ("FID", 1, 1),
    "precision": ("precision", 1, 3),
    "recall": ("recall", 1, 3),
    "auc": ("classifier AUC", 1, 3),
}


def evaluate(
    models: Annotated[list[Path], typer.Argument(help="Model folder; several are ranked by KID only.")],
    patches: Annotated[Path, typer.Option("--patches", help="Patch set whose train split the models were trained on.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="New folder for the results; required for one model.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Split of the real patches: study or select. [default: study for one model, select for several]"
        ),
    ] = None,
    truncation: Truncation = 1.0,
    images: Annotated[int, typer.Option(help="Generated images per model when several are ranked.")] = 500,
    resamples: Annotated[int, typer.Option(help="Bootstrap samples, and random splits of real against real.")] = 200,
    blocks: Annotated[int, typer.Option(help="Blocks of seeds that the judges meet, of one model.")] = 5,
    judges: Annotated[
        str, typer.Option(help="Judges that no training uses, of one model, with commas; or none.")
    ] = "texture,texture_noise,cnn",
    disjoint_patients: DisjointPatients = False,
    vgg16: Weights = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare a model's images with real patches; check for leaks.

    The real patches are of patients that the model was not trained on. A leak is an image that is nearly a copy of a
    training patch. First come judges that no training uses, trained anew each time: at 64 px the network from scratch
    takes most of half an hour; --judges none leaves them out. Several models are ranked by KID on the select split, to help choose a snapshot.

    \b
    Example:
      lookalike evaluate runs/first/models/000200000-images --patches patches --out evaluation
      lookalike evaluate runs/first/models/* --patches patches
    """
    need("gan")
    from lookalike.flows.evaluate import Terms, compare_models, evaluate_model

    names = () if judges.strip() == "none" else tuple(name.strip() for name in judges.split(","))
    terms = Terms(patches, vgg16, truncation, resamples, seed, disjoint_patients, blocks, names)
    if len(models) > 1:
        if split not in (None, "select"):
            raise LookalikeError(
                "unused-option",
                f"--split is {split!r}, but several models are compared on select only: a model that was chosen on "
                "the study patients cannot be reported on them; name one model",
            )
        _print_ranking(compare_models(models, out, images, terms, say), as_json)
        return
    if out is None:
        raise LookalikeError("missing-option", "the evaluation of one model fills a folder; name a new one with --out")
    found, leaks, reason = evaluate_model(models[0], out, split or "study", terms, say)
    if as_json:
        verdict = {"verdict": leaks.verdict, "words": leaks.summary} if leaks else {"verdict": None, "words": reason}
        show({"out": relative(out), **found.to_dict(), "leak_check": verdict}, True)
    else:
        _print_evaluation(found, leaks, reason, out)


def _print_evaluation(found: Evaluation, leaks: LeakReport | None, reason: str, out: Path) -> None:
    if found.fresh.scores:
        _print_fresh(found)
    print(f"Features of networks (training used {found.training_used})")
    rows = [["", "generated [95% CI]", "real against real [95% range]", "as bad by chance"]]
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


def _print_fresh(found: Evaluation) -> None:
    print("Fresh eyes: these took no part in any training or choice of a model")
    blocks = found.fresh.blocks
    rows = [["", f"AUC, mean of {blocks} blocks [95% CI]", "each block", "real against real (lowest to highest)"]]
    for name, score in found.fresh.scores.items():
        real, each = "-", " ".join(f"{value:.3f}" for value in score.blocks)
        if score.real:
            mean = sum(score.real) / len(score.real)
            real = f"{mean:.3f} ({min(score.real):.3f} to {max(score.real):.3f}, {len(score.real)} deals)"
        rows.append([_JUDGES[name], _interval(score.generated, 1, 3), each, real])
    show_table(rows)
    print(
        f"With {found.images} patches of {found.patients} patients, one block's AUC below "
        f"{found.fresh.told_from_chance:.2f} could not be told from .5\n"
    )


def _print_ranking(ranking: Ranking, as_json: bool) -> None:
    if as_json:
        show(ranking.to_dict(), True)
        return
    rows = [["model", "KID x 1000 [95% CI]", "above the best [95% CI]"]]
    for one in ranking.models:
        behind = _interval(one.behind, 1000, 1) if one.behind else "-"
        rows.append([one.name, _interval(one.kid, 1000, 1), behind])
    show_table(rows)
    print(
        f"\n{ranking.generated_images} generated images each (truncation {ranking.psi:g}, seeds from "
        f"{ranking.first_seed}) against {ranking.real_images} select patches of {ranking.patients} patients"
    )


def _interval(found: Estimate, factor: float, digits: int) -> str:
    value, low, high = (f"{number * factor:.{digits}f}" for number in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"

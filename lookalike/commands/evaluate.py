"""`lookalike evaluate`: how close a model's images are to real ones, and which of several models is best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import LookalikeError
from lookalike.console import need, relative, say, show, show_table
from lookalike.options import DisjointPatients, Json, Seed, Weights

if TYPE_CHECKING:
    from data.results.result import Estimate
    from gan.evaluation.ranking import Ranking
    from gan.evaluation.result import Evaluation
    from gan.leaks.check import LeakReport

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
    models: Annotated[
        list[Path] | None, typer.Argument(help="Model folder; several are ranked by KID only.", show_default=False)
    ] = None,
    patches: Annotated[
        Path | None, typer.Option("--patches", help="Patch set whose train split the models were trained on.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="New folder for the results; required for one model.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Split of the real patches: study or select. [default: study for one model, select for several]"
        ),
    ] = None,
    truncation: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Truncation psi: 1 for full variety, 0 for the mean image. [default: 1; with --blind the model's own]",
            show_default=False,
        ),
    ] = None,
    images: Annotated[int, typer.Option(help="Generated images per model when several are ranked.")] = 500,
    blind: Annotated[
        bool, typer.Option("--blind", help="Sheets of 64 real and 64 generated images to judge by eye; the key apart.")
    ] = False,
    score: Annotated[
        Path | None, typer.Option("--score", help="Folder of blind sheets whose answers.csv is filled in.")
    ] = None,
    resamples: Annotated[int, typer.Option(help="Bootstrap samples, and random splits of real against real.")] = 200,
    disjoint_patients: DisjointPatients = False,
    vgg16: Weights = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare a model's images with real patches; check for leaks.

    The real patches are of patients that the model was not trained on. A leak is an image that is nearly a copy of a
    training patch. Several models are ranked by KID on the select split, to help choose a snapshot.

    \b
    Example:
      lookalike evaluate runs/first/models/000200000-images --patches patches --out evaluation
      lookalike evaluate runs/first/models/* --patches patches
      lookalike evaluate data/models/mammogram-64 --patches patches --blind --out blind-1
      lookalike evaluate --score blind-1
    """
    need("gan")
    if score is not None:
        if models or patches or out or blind:
            raise LookalikeError("conflicting-options", "--score takes the folder of blind sheets and nothing else")
        _print_score(score, as_json)
        return
    if not models or patches is None:
        raise LookalikeError("missing-option", "name a model folder, and its patch set with --patches")
    if blind:
        _write_blind(models, out, patches, split, truncation, seed, disjoint_patients, as_json)
        return
    from lookalike.flows.evaluate import Terms, compare_models, evaluate_model

    terms = Terms(patches, vgg16, 1.0 if truncation is None else truncation, resamples, seed, disjoint_patients)
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


def _write_blind(
    models: list[Path],
    out: Path | None,
    patches: Path,
    split: str | None,
    truncation: float | None,
    seed: int,
    disjoint_patients: bool,
    as_json: bool,
) -> None:
    from lookalike.flows.blind import ANSWERS, KEY, BlindRequest, write_blind_sheets

    if len(models) > 1 or out is None:
        raise LookalikeError("missing-option", "--blind takes one model, and a new folder with --out")
    request = BlindRequest(
        patches, truncation=truncation, split=split or "study", seed=seed, disjoint_patients=disjoint_patients
    )
    key = write_blind_sheets(models[0], out, request)
    show(
        {
            "sheets": relative(out),
            "to fill in": relative(out / ANSWERS),
            "key, not to be opened": relative(key / KEY),
            "then": f"lookalike evaluate --score {relative(out)}",
        },
        as_json,
    )


def _print_score(folder: Path, as_json: bool) -> None:
    from lookalike.flows.blind import score_blind_sheets

    found = score_blind_sheets(folder)
    if as_json:
        show(found.to_dict(), True)
        return
    show(
        {
            "judged": found.judged,
            "correct": f"{found.correct:.3f}",
            "called generated": f"{found.generated_called_generated:.3f} of generated, "
            f"{found.real_called_generated:.3f} of real images",
            "d'": f"{found.dprime:.2f}",
            "AUC [95% CI]": f"{found.auc:.3f} {_bounds(found.auc_low, found.auc_high)}",
            "surest mistakes": " ".join(found.surest_mistakes) or "none",
            "surest hits": " ".join(found.surest_hits) or "none",
        },
        False,
    )


def _bounds(low: float | None, high: float | None) -> str:
    return "[undefined]" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def _print_evaluation(found: Evaluation, leaks: LeakReport | None, reason: str, out: Path) -> None:
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

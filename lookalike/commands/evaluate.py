"""`lookalike evaluate`: how close a model's images are to real ones, and which of several models is best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from data.errors import LookalikeError
from lookalike.console import need, relative, say, show, show_table
from lookalike.options import DisjointPatients, Json, Seed, Weights

if TYPE_CHECKING:
    from data.results.result import Estimate
    from gan.evaluation.blocks import Score
    from gan.evaluation.ranking import Ranking
    from gan.evaluation.result import Evaluation, Measured
    from gan.leaks.check import LeakReport

# How each measure is printed: its label, a factor, and decimals.
_JUDGES = {
    "cnn": ("network from scratch", 1, 3),
    "texture": ("texture", 1, 3),
    "texture_noise": ("texture, noise 2/255", 1, 3),
    "squeezenet": ("SqueezeNet", 1, 3),
}
_FEATURES = {
    "kid": ("KID x 1000", 1000, 1),
    "kid_raw": ("KID x 1000, raw", 1000, 1),
    "fid": ("FID", 1, 1),
    "precision": ("precision", 1, 3),
    "recall": ("recall", 1, 3),
    "auc": ("classifier AUC", 1, 3),
}


def evaluate(
    models: Annotated[
        list[Path] | None, typer.Argument(help="Model folder; several are ranked.", show_default=False)
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
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            help="Patch set, none of it in training, to measure against with all its patients instead of a split.",
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
    session_truncation: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Truncation that sessions show, measured beside --truncation. [default: the model's]",
        ),
    ] = None,
    blocks: Annotated[
        int | None, typer.Option(help="Blocks of seeds, each of as many images as real patches. [default: 5]")
    ] = None,
    judges: Annotated[
        str | None,
        typer.Option(help=f"Judges that no training uses, with commas, or none. [default: {','.join(_JUDGES)}]"),
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

    The real patches are of patients that the model was not trained on. First come judges that no training uses, each
    trained anew: a small network from scratch, which takes minutes for each block and truncation (--judges
    texture,texture_noise,squeezenet leaves it out), texture, and a pretrained network's features. Then come KID, FID,
    precision and recall. A leak is an image that is nearly a copy of a training patch. Several models are ranked on the
    select split by the judges that take seconds, to help choose a snapshot.

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
        if any(value is not None for value in (reference, session_truncation, blocks, judges)):
            raise LookalikeError("unused-option", "--blind measures nothing; leave out the options of measuring")
        _write_blind(models, out, patches, split, truncation, seed, disjoint_patients, as_json)
        return
    from lookalike.flows.evaluate import Terms, compare_models, evaluate_model

    options = {"session_truncation": session_truncation, "blocks": blocks, "judges": _named(judges)}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    psi = 1.0 if truncation is None else truncation
    terms = Terms(patches, vgg16, psi, resamples, seed, disjoint_patients, reference, **given)
    if reference is not None and split is not None:
        raise LookalikeError(
            "unused-option", "--reference is measured against in place of a split; leave out --split or --reference"
        )
    if len(models) > 1:
        if split not in (None, "select"):
            raise LookalikeError(
                "unused-option",
                f"--split is {split!r}, but several models are compared on select only: a model that was chosen on "
                "the study patients cannot be reported on them; name one model",
            )
        _refuse_unused(
            {
                "--reference": reference,
                "--session-truncation": session_truncation,
                "--blocks": blocks,
                "--judges": judges,
            }
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


def _named(judges: str | None) -> tuple[str, ...] | None:
    """The judges that `--judges` names; None where it is not given."""
    if judges is None:
        return None
    return () if judges.strip() == "none" else tuple(name.strip() for name in judges.split(","))


def _refuse_unused(options: dict[str, object]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise LookalikeError(
            "unused-option",
            f"{', '.join(given)}: several models are only ranked, at --truncation and by the judges that take seconds; "
            "leave this out, or name one model",
        )


def _print_evaluation(found: Evaluation, leaks: LeakReport | None, reason: str, out: Path) -> None:
    if found.fresh:
        print("Never used in training (AUC; .5: cannot be told apart, 1: always)")
        show_table(_rows(found.measured, "fresh", _JUDGES))
        few = found.too_few
        print(
            f"With {found.images} patches of {found.patients} patients, an AUC below {few.smallest_auc:.2f} in one "
            f"block cannot be told from .5; an AUC of {few.small:g} takes about {few.patches_for_small:,} patches\n"
        )
    print("Pretrained features (VGG16)")
    show_table(_rows(found.measured, "scores", _FEATURES))
    print(f"\nTraining used: {found.training_used}")
    print(f"Path length in W: {_interval(found.path_length, 1, 3)}")
    against = "patches of the reference," if found.split == "reference" else f"{found.split} patches of"
    blocks = "1 block" if found.blocks == 1 else f"{found.blocks} blocks"
    print(
        f"{blocks} of {found.images} generated images (seeds from {found.first_seed}) against "
        f"{found.images} {against} {found.patients} patients"
    )
    print(f"Leaks: {leaks.verdict}; {leaks.summary}" if leaks else f"Leaks: not checked; {reason}")
    if found.real_reason:
        print(f"Real against real: {found.real_reason}")
    print(f"In {relative(out)}: {', '.join(sorted(path.name for path in out.iterdir()))}")


def _rows(
    measured: Sequence[Measured], kind: Literal["fresh", "scores"], printed: dict[str, tuple[str, int, int]]
) -> list[list[str]]:
    """A table of the measures of one kind: at each truncation, by block at the first, and of real against real."""
    at = [f"truncation {one.psi:g} [95% CI]" for one in measured]
    elsewhere = any(score.training is not None for score in getattr(measured[0], kind).values())
    training = ["training patches"] if elsewhere else []
    rows = [["", *at, "blocks", "real against real [95% range]", "as bad by chance", *training]]
    for name, first in getattr(measured[0], kind).items():
        label, factor, digits = printed[name]
        values = [_interval(getattr(one, kind)[name].generated, factor, digits) for one in measured]
        real = _interval(first.real, factor, digits) if first.real else "-"
        if first.real and first.chance is None:
            real += f", {first.deals} deals only"
        chance = f"{first.chance:.3f}" if first.chance else "-"
        training = [] if first.training is None else [f"{first.training * factor:.{digits}f}"]
        rows.append([label, *values, _blocks(first, factor, digits), real, chance, *training])
    return rows


def _blocks(score: Score, factor: float, digits: int) -> str:
    """The lowest and the highest block."""
    low, high = (f"{value * factor:.{digits}f}" for value in (min(score.blocks), max(score.blocks)))
    return low if low == high else f"{low} to {high}"


def _print_ranking(ranking: Ranking, as_json: bool) -> None:
    if as_json:
        show(ranking.to_dict(), True)
        return
    names = list(ranking.models[0].judges)
    rows = [["model", "AUC [95% CI]", "above the best [95% CI]", *(_JUDGES[name][0] for name in names), "KID x 1000"]]
    for one in ranking.models:
        behind = _interval(one.behind, 1, 3) if one.behind else "-"
        each = [f"{one.judges[name]:.3f}" for name in names]
        rows.append([one.name, _interval(one.auc, 1, 3), behind, *each, _interval(one.kid, 1000, 1)])
    show_table(rows)
    print(
        f"\nMean AUC of judges that no training uses: {ranking.generated_images} generated images each (truncation "
        f"{ranking.psi:g}, seeds from {ranking.first_seed}) against {ranking.real_images} select patches of "
        f"{ranking.patients} patients"
    )


def _interval(found: Estimate, factor: float, digits: int) -> str:
    value, low, high = (f"{number * factor:.{digits}f}" for number in (found.value, found.low, found.high))
    return f"{value} [{low}, {high}]"

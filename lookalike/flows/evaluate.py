"""Evaluate one model in full, or rank several; generate images of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import LookalikeError
from data.files import new_folder, write_json
from gan.checkpoint import load_model
from gan.evaluation.evaluate import BLOCKS, evaluate
from gan.evaluation.fresh import JUDGES, check_judges
from gan.evaluation.ranking import Ranking, rank_models
from gan.evaluation.result import Evaluation, save_evaluation
from gan.evaluation.samples import real_rows
from gan.generate import ImageRequest, generate_images
from gan.leaks.check import FORMAT as LEAKS_FORMAT
from gan.leaks.check import LeakReport, check_against, prepare, save_leaks
from gan.networks.features import Vgg16, load_vgg16
from lookalike.flows.sets.patient_overlap import refuse_overlap, refuse_unchecked, unchecked, unchecked_earlier
from stimuli.patches import PatchSet, read_patches

Say = Callable[[str], None]


@dataclass(frozen=True)
class Terms:
    """How models are evaluated: see `evaluate` and `rank` in `gan.evaluation`, and `patient_overlap`."""

    patches: Path
    vgg16: str | None = None
    truncation: float = 1.0
    resamples: int = 200
    seed: int = 0
    disjoint_patients: bool = False
    reference: Path | None = None
    session_truncation: float | None = None  # by default the model's own
    blocks: int = BLOCKS
    judges: tuple[str, ...] = tuple(JUDGES)

    def __post_init__(self) -> None:
        if self.resamples < 1:
            raise LookalikeError("out-of-range", f"--resamples is {self.resamples}; at least 1 is needed")
        check_judges(self.judges, self.blocks)

    def open(self, say: Say) -> tuple[PatchSet, Vgg16]:
        return read_patches(self.patches), load_vgg16(self.vgg16, say)


def evaluate_model(
    folder: Path, out: Path, split: str, terms: Terms, say: Say
) -> tuple[Evaluation, LeakReport | None, str]:
    """Evaluate one model and check it for leaks, into the new folder `out`.

    Returns the evaluation, and the leak report or the reason why there is none. Raises `LookalikeError` for what is
    wrong with the patches, the model or the request.
    """
    with new_folder(out) as partial:
        model = load_model(folder)
        patches, network = terms.open(say)
        others = read_patches(terms.reference) if terms.reference else None
        measured, part = (others, None) if others else (patches, split)
        real_rows(measured, part, model.generator.architecture.resolution)  # before the long work, for its errors
        refuse_overlap(measured, model, folder, part, terms.disjoint_patients)
        reference, reason, report = None, unchecked(patches, model), None
        if not reason:
            say(f"{len(patches.select('train'))} training patches, to learn how close those of different patients are")
            reference = prepare(patches, network, untouched=True)
        found = evaluate(
            model,
            patches,
            network,
            split=split,
            reference=others,
            psi=terms.truncation,
            session_psi=model.psi(terms.session_truncation),
            blocks=terms.blocks,
            judges=terms.judges,
            seed=terms.seed,
            resamples=terms.resamples,
            progress=say,
        )
        save_evaluation(found, partial)
        if reference is not None:
            say(f"looking for the closest training patch of each of {found.images} generated images")
            seeds = range(found.first_seed, found.first_seed + found.images)
            report = check_against(reference, found.generated_images, seeds)
            if not_compared := unchecked_earlier(patches, model):
                say(f"{folder}: {not_compared}")
            save_leaks(report, partial)
        else:
            write_json(partial / "leaks.json", {"format": LEAKS_FORMAT, "verdict": None, "words": reason})
    return found, report, reason


def compare_models(folders: Sequence[Path], out: Path | None, images: int, terms: Terms, say: Say) -> Ranking:
    """Rank models on the `select` split; with `out`, also write `ranking.json` into that new folder."""
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise LookalikeError("duplicate-model", "a model is named twice; name each once")
    models = [(str(folder), load_model(folder)) for folder in folders]
    patches, network = terms.open(say)
    for folder, (_, model) in zip(folders, models, strict=True):
        refuse_overlap(patches, model, folder, "select", terms.disjoint_patients)
    options: dict[str, Any] = {"psi": terms.truncation, "seed": terms.seed, "resamples": terms.resamples}
    ranking = rank_models(models, patches, network, images=images, progress=say, **options)
    if out is not None:
        with new_folder(out) as partial:
            write_json(partial / "ranking.json", ranking.to_dict())
    return ranking


def generate_from_model(
    folder: Path, out: Path, request: ImageRequest, safe_from: Path | None, vgg16: str | None, say: Say
) -> dict[str, Any]:
    """Generate images into the new folder `out`; with a patch set, none that is too close to its train split."""
    model, reference = load_model(folder), None
    if safe_from is not None:
        patches = read_patches(safe_from)
        refuse_unchecked(patches, model, folder)
        network = load_vgg16(vgg16, say)
        say(f"reading {len(patches.select('train'))} training patches")
        reference = prepare(patches, network)
    return generate_images(model, out, request, reference)

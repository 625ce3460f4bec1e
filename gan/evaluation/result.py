"""What an evaluation found, and how it is stored."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data.files import write_bytes, write_json
from data.results.result import Estimate
from gan.bootstrap import with_interval
from gan.evaluation.path_length import EPSILON
from gan.evaluation.spectrum import Spectrum, spectrum_figure, widest_gap
from stimuli.export import write_sheet
from stimuli.images import Pixels

FORMAT = "lookalike-evaluation/2"
FEATURES = "VGG16 conv4_3 after its ReLU, averaged over positions"
_SHEET = 32  # images of each kind on the sheet


@dataclass(frozen=True)
class Score:
    """One metric of the generated images against the split's patches, beside what real images get.

    `generated`: value and 95% bootstrap interval. `real`: two sets of as many patches of different real patients
    against each other, as the mean over many random splits and the range of their middle 95%; None if there are too
    few patients. `chance`: the share of random splits with a value as bad as that of the generated images, or worse;
    (worse + 1) / (splits + 1), so never 0.
    """

    generated: Estimate
    real: Estimate | None
    chance: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "generated": with_interval(self.generated),
            "real": with_interval(self.real) if self.real else None,
            "chance": self.chance,
        }


@dataclass(frozen=True)
class FreshScore:
    """How well a judge that no training uses tells generated images from real patches: AUC, .5 at chance.

    `generated`: the mean of the blocks and its 95% bootstrap interval. `blocks`: each block's. `real`: each deal of
    real patches against those of other patients; empty if there are too few patients.
    """

    generated: Estimate
    blocks: tuple[float, ...]
    real: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        real = {"value": float(np.mean(self.real)), "deals": list(self.real)} if self.real else None
        return {"generated": with_interval(self.generated), "blocks": list(self.blocks), "real": real}


@dataclass(frozen=True)
class FreshEyes:
    """Scores by judge; `told_from_chance`: a block's AUC below it could not be told from .5 with so few patches."""

    blocks: int
    images: int
    told_from_chance: float
    scores: dict[str, FreshScore]

    def to_dict(self) -> dict[str, Any]:
        return {
            "blocks": self.blocks,
            "images_per_block": self.images,
            "told_from_chance": self.told_from_chance,
            "judges": {name: score.to_dict() for name, score in self.scores.items()},
        }


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found. The images are kept for `save_evaluation` and are not part of `to_dict`."""

    model_sha256: str
    patches_sha256: str
    split: str
    patients: int
    images: int
    psi: float
    first_seed: int
    seed: int
    resamples: int
    fresh: FreshEyes
    training_used: str
    components: int
    scores: dict[str, Score]
    real_patients: int
    real_reason: str
    path_length: Estimate
    path_pairs: int
    spectrum_real: Spectrum
    spectrum_generated: Spectrum
    real_images: Pixels = field(repr=False)
    generated_images: Pixels = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        gap, frequency = widest_gap(self.spectrum_real, self.spectrum_generated)
        return {
            "format": FORMAT,
            "model_sha256": self.model_sha256,
            "patches_sha256": self.patches_sha256,
            "split": self.split,
            "patients": self.patients,
            "images": self.images,
            "truncation": self.psi,
            "first_seed": self.first_seed,
            "seed": self.seed,
            "resamples": self.resamples,
            "fresh_eyes": self.fresh.to_dict(),
            "training_used": self.training_used,
            "features": FEATURES,
            "kid_components": self.components,
            "scores": {name: score.to_dict() for name, score in self.scores.items()},
            "real_against_real": {"patients": self.real_patients, "images": self.images, "reason": self.real_reason},
            "path_length": {**with_interval(self.path_length), "pairs": self.path_pairs, "epsilon": EPSILON},
            "spectrum": {
                "real": self.spectrum_real.to_dict(),
                "generated": self.spectrum_generated.to_dict(),
                "widest_gap_log10": round(gap, 4),
                "widest_gap_cycles_per_px": round(frequency, 6),
            },
        }


def what_training_used(training: dict[str, Any]) -> str:
    """What a model was trained against and chosen by, from what it says of its training."""
    if "discriminator" not in training:
        return "unknown: the model does not say what it was trained against"
    used = {
        "stylegan": "a discriminator of pixels",
        "frozen": "EfficientNet-lite features",
        "ensemble": "EfficientNet-lite features and a discriminator of pixels",
    }[training["discriminator"]]
    if training.get("moments"):
        used += ", and moments of such features"
    if training.get("pixel_moments"):
        used += " and of fixed filters of pixels"
    return f"{used}; snapshots are chosen by VGG16"


def save_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write `evaluation.json`, `spectrum.png` and `sheet.png` into an existing folder.

    The sheet mixes up to 32 real and as many generated images in an order fixed by the seed; `evaluation.json` says
    which is which, row by row. It shows patients' images: do not pass it on where the data must not go.

    Parameters
    ----------
    evaluation : Evaluation
        What `gan.evaluate` returned.
    folder : path
        An existing folder; files of these names in it are replaced.

    Examples
    --------
    An untrained generator of 16 px, on phantoms and with random features:

    >>> import gan, pathlib, stimuli
    >>> stimuli.write_phantoms("film", 60, lesion_px=16)
    >>> how = stimuli.Cut(16, split=(0.5, 0, 0.5))
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", how)
    >>> generator = gan.Generator(gan.Architecture(16, channel_max=16)).requires_grad_(False)
    >>> model = gan.Model(generator, sha256="", training={})
    >>> found = gan.evaluate(model, patches, gan.Vgg16(), resamples=2, pairs=1, judges=[])
    >>> folder = pathlib.Path("evaluation")
    >>> folder.mkdir()
    >>> gan.save_evaluation(found, folder)
    >>> sorted(path.name for path in folder.iterdir())
    ['evaluation.json', 'sheet.png', 'spectrum.png']
    """
    images, truth = _mixed(evaluation)
    buffer = io.BytesIO()
    figure = spectrum_figure(evaluation.spectrum_real, evaluation.spectrum_generated)
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    write_sheet(Path(folder) / "sheet.png", images, columns=8)
    write_bytes(Path(folder) / "spectrum.png", buffer.getvalue())
    write_json(Path(folder) / "evaluation.json", {**evaluation.to_dict(), "sheet": truth})


def _mixed(evaluation: Evaluation) -> tuple[list[Pixels], list[str]]:
    """Up to 32 real images, spread over the split, and as many of the first generated; and their truth."""
    half = min(_SHEET, evaluation.images)
    real = evaluation.real_images[np.linspace(0, evaluation.images - 1, half).round().astype(int)]
    images = [*real, *evaluation.generated_images[:half]]
    truth = ["real"] * half + ["generated"] * half
    order = np.random.default_rng(evaluation.seed).permutation(2 * half)
    return [images[index] for index in order], [truth[index] for index in order]

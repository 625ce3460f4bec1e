"""What an evaluation found, and how it is stored."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data.files import write_bytes, write_json
from data.results.result import Estimate
from gan.bootstrap import with_interval
from gan.evaluation.blocks import Score
from gan.evaluation.metrics.path_length import EPSILON
from gan.evaluation.metrics.spectrum import Spectrum, spectrum_figure, widest_gap
from stimuli.export import write_sheet
from stimuli.images import Pixels

FORMAT = "lookalike-evaluation/2"
FEATURES = "VGG16 conv4_3 after its ReLU, averaged over positions"
_SHEET = 32  # images of each kind on the sheet


@dataclass(frozen=True)
class Measured:
    """What images generated at one truncation get: AUCs by judge (`gan.evaluation.fresh`), and scores by metric."""

    psi: float
    fresh: dict[str, Score]
    scores: dict[str, Score]

    def to_dict(self) -> dict[str, Any]:
        return {
            "truncation": self.psi,
            "fresh_eyes": {name: score.to_dict() for name, score in self.fresh.items()},
            "scores": {name: score.to_dict() for name, score in self.scores.items()},
        }


@dataclass(frozen=True)
class TooFew:
    """How little so few patches can show: an AUC of one block below `smallest_auc` cannot be told from .5.

    About `patches_for_small` patches would tell an AUC of `small` from .5.
    """

    smallest_auc: float
    small: float
    patches_for_small: int


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found. The images are kept for `save_evaluation` and are not part of `to_dict`.

    `measured` has one entry per truncation: that of the evaluation, then that of the sessions if it is another;
    `psi`, `fresh` and `scores` are those of the first.
    """

    model_sha256: str
    patches_sha256: str
    reference_sha256: str | None
    split: str
    patients: int
    images: int
    blocks: int
    first_seed: int
    seed: int
    resamples: int
    training_used: str
    measured: tuple[Measured, ...]
    too_few: TooFew
    components: int
    real_patients: int
    real_reason: str
    path_length: Estimate
    path_pairs: int
    spectrum_real: Spectrum
    spectrum_generated: Spectrum
    real_images: Pixels = field(repr=False)
    generated_images: Pixels = field(repr=False)

    @property
    def psi(self) -> float:
        return self.measured[0].psi

    @property
    def fresh(self) -> dict[str, Score]:
        return self.measured[0].fresh

    @property
    def scores(self) -> dict[str, Score]:
        return self.measured[0].scores

    def to_dict(self) -> dict[str, Any]:
        gap, frequency = widest_gap(self.spectrum_real, self.spectrum_generated)
        return {
            "format": FORMAT,
            "model_sha256": self.model_sha256,
            "patches_sha256": self.patches_sha256,
            "reference_sha256": self.reference_sha256,
            "split": self.split,
            "patients": self.patients,
            "images": self.images,
            "blocks": self.blocks,
            "first_seed": self.first_seed,
            "seed": self.seed,
            "resamples": self.resamples,
            "never_used_in_training": list(self.fresh),
            "training_used": self.training_used,
            "too_few": asdict(self.too_few),
            **self.measured[0].to_dict(),
            "session": self.measured[1].to_dict() if len(self.measured) > 1 else None,
            "features": FEATURES,
            "kid_components": self.components,
            "real_against_real": {"patients": self.real_patients, "images": self.images, "reason": self.real_reason},
            "path_length": {**with_interval(self.path_length), "pairs": self.path_pairs, "epsilon": EPSILON},
            "spectrum": {
                "real": self.spectrum_real.to_dict(),
                "generated": self.spectrum_generated.to_dict(),
                "widest_gap_log10": round(gap, 4),
                "widest_gap_cycles_per_px": round(frequency, 6),
            },
        }


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
    >>> found = gan.evaluate(model, patches, gan.Vgg16(), resamples=2, pairs=1, judges=())
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

"""How good is a generator? Its images against real patches of patients that it was not trained on.

**Metrics.** Features are VGG16 conv4_3 averaged over positions. KID (Bińkowski et al. 2018, pairs within
a patient left out) on these features whitened by the training patches (`gan.evaluation.whitening`): the one to go
by. On the raw features: KID again (`kid_raw`), FID (Heusel et al. 2017), precision and recall with k = 3
(Kynkäänniemi et al. 2019), and the AUC of a cross-validated classifier.

**Real against real.** The split's patients and the training patients are dealt anew, many times, into two
sets of as many patches that share no patient, and each metric is taken of them in the same way, the
classifier fitted anew. That is what a generator gets whose images cannot be told from real patches.

**Intervals** of the generated images are 95 %, from bootstrap samples of whole patients and of seeds, drawn
independently. They cover other patients and other seeds in the same numbers: not another training run,
and for the AUC not another fitted classifier. Close to real against real KID's is up to √3 times too wide,
for KID is a degenerate statistic there (Arcones & Giné 1992, Ann. Stat. 20:655); the range of the deals is not.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from data.errors import LookalikeError
from data.files import write_bytes, write_json
from gan.bootstrap import Estimate, Groups, deal, draw_weights, estimate, group_numbers, one_thread, spread
from gan.checkpoint import Model
from gan.evaluation.metrics import compare
from gan.evaluation.path_length import EPSILON, path_lengths
from gan.evaluation.separability import separate
from gan.evaluation.spectrum import Spectrum, spectrum, spectrum_figure, widest_gap
from gan.evaluation.whitening import Whitening, whitening
from gan.generate import stored_images
from gan.networks.features import Vgg16, pooled_features
from stimuli.export import write_sheet
from stimuli.images import Pixels
from stimuli.patches import PatchSet

FORMAT = "lookalike-evaluation/1"
FEATURES = "VGG16 conv4_3 after its ReLU, averaged over positions"
FIRST_SEED = 100_000  # far from the seeds that people look at while they choose a model
NEIGHBOURS = 3  # of precision and recall
_FEWEST_PATCHES, _FEWEST_PATIENTS = 20, 10
_SHEET = 32
# Each metric, the values it can take, and which way is worse: +1 up, −1 down.
_METRICS = {
    "kid": ((-np.inf, np.inf), 1),
    "kid_raw": ((-np.inf, np.inf), 1),
    "fid": ((0.0, np.inf), 1),
    "precision": ((0.0, 1.0), -1),
    "recall": ((0.0, 1.0), -1),
    "auc": ((0.0, 1.0), 1),
}


@dataclass(frozen=True)
class Score:
    """One metric of the generated images against the split's patches, beside what real images get.

    `generated`: value and 95 % bootstrap interval. `real`: two sets of as many patches of different
    real patients against each other, the mean over many deals and where the middle 95 % of deals lie; None
    if there are too few patients. `chance`: the share of deals that came out as bad as the generated images, or
    worse; (worse + 1) / (deals + 1), so never 0.
    """

    generated: Estimate
    real: Estimate | None
    chance: float | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "generated": self.generated.to_dict(),
            "real": self.real.to_dict() if self.real else None,
            "chance": self.chance,
        }


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found. The images are kept for `save` and are not part of `to_dict`."""

    model_sha256: str
    patches_sha256: str
    split: str
    patients: int
    images: int
    psi: float
    first_seed: int
    seed: int
    resamples: int
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
            "features": FEATURES,
            "kid_components": self.components,
            "scores": {name: score.to_dict() for name, score in self.scores.items()},
            "real_against_real": {"patients": self.real_patients, "images": self.images, "reason": self.real_reason},
            "path_length": {**self.path_length.to_dict(), "pairs": self.path_pairs, "epsilon": EPSILON},
            "spectrum": {
                "real": self.spectrum_real.to_dict(),
                "generated": self.spectrum_generated.to_dict(),
                "widest_gap_log10": round(gap, 4),
                "widest_gap_cycles_per_px": round(frequency, 6),
            },
        }


def evaluate(
    model: Model,
    patches: PatchSet,
    network: Vgg16,
    *,
    split: str = "study",
    psi: float = 1.0,
    first_seed: int = FIRST_SEED,
    seed: int = 0,
    resamples: int = 200,
    pairs: int = 50,
    progress: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Measure a model against all N patches of a split that it was not trained on, with N generated images.

    See the head of this module for what is measured. Generated images are consecutive seeds from
    `first_seed`, rounded to 16 bits as patches on disk are. `resamples` counts bootstrap samples, and deals.
    Path length in W (`gan.evaluation.path_length`) is a mean over `pairs` pairs of seeds; real images have none.

    Raises `LookalikeError` for `split="train"`, fewer than 20 patches or 10 patients in the split, fewer than
    20 training patches, patches of another size than the model's images, or images that are not finite.
    """
    rows = split_rows(patches, split, model.generator.architecture.resolution)
    if resamples < 1 or pairs < 1:
        raise LookalikeError(f"resamples is {resamples} and pairs is {pairs}; at least 1 of each is needed")
    count, patients, rng = len(rows), group_numbers(rows["patient"].tolist()), np.random.default_rng(seed)
    progress(f"{count} {split} patches and {count} generated images")
    real = read_images(patches, rows)
    fake = stored_images(model.generator, range(first_seed, first_seed + count), psi)
    features, fake_features = pooled_features(network, real), pooled_features(network, fake)
    progress(f"{len(patches.select('train'))} train patches, for real against real")
    others = training_features(patches, network)
    white = whitening(others)
    generated = _against_split(white, features, fake_features, patients, rng, resamples)
    groups = group_numbers([*rows["patient"], *patches.select("train")["patient"]])
    reason = _too_few(groups, count)
    dealt = [] if reason else _real_against_real(white, torch.cat([features, others]), groups, count, rng, resamples)
    progress(f"path length of {pairs} pairs")
    lengths = path_lengths(model.generator, network, [*range(first_seed, first_seed + 2 * pairs)], psi)
    return Evaluation(
        model.sha256,
        patches.sha256,
        split,
        len(np.unique(patients)),
        count,
        psi,
        first_seed,
        seed,
        resamples,
        white.components,
        _scores(generated, dealt),
        len(np.unique(groups)),
        reason,
        _mean(lengths, rng, resamples),
        pairs,
        spectrum(real),
        spectrum(fake),
        real,
        fake,
    )


def save(evaluation: Evaluation, folder: Path) -> None:
    """Write `evaluation.json`, `spectrum.png` and `sheet.png` into a folder that exists.

    The sheet mixes 32 real and 32 generated images in an order fixed by the seed; `evaluation.json`
    says which is which, row by row. It shows patients' images: for the user's own eyes, not to be
    passed on where the data must not be.
    """
    images, truth = _mixed(evaluation)
    buffer = io.BytesIO()
    figure = spectrum_figure(evaluation.spectrum_real, evaluation.spectrum_generated)
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    write_sheet(folder / "sheet.png", images, columns=8)
    write_bytes(folder / "spectrum.png", buffer.getvalue())
    write_json(folder / "evaluation.json", {**evaluation.to_dict(), "sheet": truth})


def read_images(patches: PatchSet, rows: pd.DataFrame) -> Pixels:
    """The patches of some rows, (N, R, R)."""
    return np.stack([patches.read(row) for row in rows.itertuples()])


def split_rows(patches: PatchSet, split: str, size_px: int) -> pd.DataFrame:
    """The rows of a split that a model of this image size can be measured against. Raises `LookalikeError`."""
    if split not in ("select", "study"):
        raise LookalikeError(f"split is {split!r}; a model is measured on study (or select), which it has not seen")
    if patches.about["size_px"] != size_px:
        raise LookalikeError(
            f"{patches.folder}: patches are {patches.about['size_px']} px but the model makes {size_px} px; "
            f"cut them with --size {size_px}"
        )
    rows = patches.select(split)
    patients = rows["patient"].nunique()
    if len(rows) < _FEWEST_PATCHES or patients < _FEWEST_PATIENTS:
        raise LookalikeError(
            f"{patches.folder}: {len(rows)} patches of {patients} patients in the {split} split; an evaluation needs "
            f"{_FEWEST_PATCHES} of {_FEWEST_PATIENTS} or more: add mammograms, or cut with a larger share for {split}"
        )
    return rows


def training_features(patches: PatchSet, network: Vgg16) -> Tensor:
    """Features of the `train` split, (N, 512). Raises `LookalikeError` for fewer than 20 patches."""
    rows = patches.select("train")
    if len(rows) < _FEWEST_PATCHES:
        raise LookalikeError(
            f"{patches.folder}: {len(rows)} patches in the train split; an evaluation needs {_FEWEST_PATCHES} to learn "
            "how features of real patches vary"
        )
    return pooled_features(network, read_images(patches, rows))


def _measure(
    white: Whitening, real: Tensor, fake: Tensor, real_groups: Groups, fake_groups: Groups, seed: int
) -> Callable[[tuple[Tensor, Tensor]], tuple[float, ...]]:
    """All metrics of two sets, in the order of `_METRICS`, as a function of the images' weights."""
    pairs = compare(real, fake, real_groups, fake_groups)
    whitened = compare(white(real), white(fake), real_groups, fake_groups)
    separation = separate(real, fake, real_groups, fake_groups, seed)

    def measure(weights: tuple[Tensor, Tensor]) -> tuple[float, ...]:
        near = pairs.precision_recall(*weights, NEIGHBOURS)
        kids = whitened.kid(*weights), pairs.kid(*weights)
        return *kids, pairs.fid(*weights), near.precision, near.recall, separation.auc(*weights)

    return measure


def _against_split(
    white: Whitening, real: Tensor, fake: Tensor, patients: Groups, rng: np.random.Generator, resamples: int
) -> tuple[Estimate, ...]:
    seeds = np.arange(len(fake))
    with one_thread():
        measure = _measure(white, real, fake, patients, seeds, int(rng.integers(2**31)))
        whole = measure(_ones(len(real)))
        draws = [measure((draw_weights(patients, rng), draw_weights(seeds, rng))) for _ in range(resamples)]
    bounds = [limits for limits, _ in _METRICS.values()]
    return tuple(estimate(*each) for each in zip(whole, zip(*draws, strict=True), bounds, strict=True))


def _real_against_real(
    white: Whitening, features: Tensor, groups: Groups, count: int, rng: np.random.Generator, resamples: int
) -> list[tuple[float, ...]]:
    found = []
    with one_thread():
        for _ in range(resamples):
            one, two = deal(groups, count, rng)
            seed = int(rng.integers(2**31))
            measure = _measure(white, features[one], features[two], groups[one], groups[two], seed)
            found.append(measure(_ones(count)))
    return found


def _too_few(groups: Groups, count: int) -> str:
    """Why no two sets of `count` images of different patients can be dealt; empty if they can."""
    largest, patients = int(np.bincount(groups).max()), len(np.unique(groups))
    if patients >= 2 * _FEWEST_PATIENTS and len(groups) >= 2 * count + largest:
        return ""
    return (
        f"two sets of {count} patches of different patients are needed, but the split and train together have "
        f"only {len(groups)} patches of {patients} patients"
    )


def _scores(generated: Sequence[Estimate], dealt: Sequence[tuple[float, ...]]) -> dict[str, Score]:
    if not dealt:
        return {name: Score(one, None, None) for name, one in zip(_METRICS, generated, strict=True)}
    scores = {}
    for (name, (_, worse)), one, draws in zip(_METRICS.items(), generated, zip(*dealt, strict=True), strict=True):
        as_bad = sum(worse * (draw - (one.value or 0.0)) >= 0 for draw in draws)
        scores[name] = Score(one, spread(draws), (as_bad + 1) / (len(draws) + 1))
    return scores


def _mean(values: Tensor, rng: np.random.Generator, resamples: int) -> Estimate:
    count = len(values)
    draws = [float(draw_weights(np.arange(count), rng) @ values / count) for _ in range(resamples)]
    return estimate(float(values.mean()), draws, (0.0, np.inf))


def _ones(count: int) -> tuple[Tensor, Tensor]:
    one = torch.ones(count, dtype=torch.float64)
    return one, one


def _mixed(evaluation: Evaluation) -> tuple[list[Pixels], list[str]]:
    """Up to 32 real images, spread over the split, and as many of the first generated; and their truth."""
    half = min(_SHEET, evaluation.images)
    real = evaluation.real_images[np.linspace(0, evaluation.images - 1, half).round().astype(int)]
    images = [*real, *evaluation.generated_images[:half]]
    truth = ["real"] * half + ["generated"] * half
    order = np.random.default_rng(evaluation.seed).permutation(2 * half)
    return [images[index] for index in order], [truth[index] for index in order]

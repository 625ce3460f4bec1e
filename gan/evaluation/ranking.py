"""Which snapshot? Models compared by judges that no training uses, on `select`, so that `study` is kept for the report.

A model's rank is its mean AUC over the judges that take seconds (`gan.evaluation.fresh`): lower is better. Each saw
something else, and one alone may be at its ceiling. KID stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.errors import LookalikeError
from data.results.result import Estimate
from gan.bootstrap import Groups, bootstrap_weights, estimate, group_numbers, one_thread, with_interval
from gan.checkpoint import Model
from gan.evaluation.fresh import JUDGES, QUICK_JUDGES
from gan.evaluation.metrics.kid import KernelPairs, kernel_pairs
from gan.evaluation.metrics.separability import Separation
from gan.evaluation.metrics.whitening import whitening
from gan.evaluation.result import FEATURES
from gan.evaluation.samples import FIRST_SEED, real_rows, training_images
from gan.generate import images_from_seeds
from gan.networks.features import Vgg16, pooled_features
from stimuli.images import Pixels
from stimuli.patches import PatchSet

FORMAT = "lookalike-ranking/2"
SPLIT = "select"


@dataclass(frozen=True)
class Ranked:
    """One model: its mean AUC over the judges, how much larger that is than the best model's, and each judge's AUC.

    `behind` is None for the best itself. `kid` is that of `gan.evaluate`.
    """

    name: str
    model_sha256: str
    images_seen: int | None
    auc: Estimate
    behind: Estimate | None
    judges: dict[str, float]
    kid: Estimate

    def to_dict(self) -> dict[str, Any]:
        behind = with_interval(self.behind) if self.behind else None
        facts = {"model": self.name, "model_sha256": self.model_sha256, "images_seen": self.images_seen}
        auc, kid = with_interval(self.auc), with_interval(self.kid)
        return {**facts, "auc": auc, "behind": behind, "judges": self.judges, "kid": kid}


@dataclass(frozen=True)
class Ranking:
    """Models, best first, and what the comparison is based on."""

    patches_sha256: str
    real_images: int
    patients: int
    generated_images: int
    psi: float
    first_seed: int
    seed: int
    resamples: int
    components: int
    models: tuple[Ranked, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "patches_sha256": self.patches_sha256,
            "split": SPLIT,
            "real_images": self.real_images,
            "patients": self.patients,
            "generated_images": self.generated_images,
            "truncation": self.psi,
            "first_seed": self.first_seed,
            "seed": self.seed,
            "resamples": self.resamples,
            "features": FEATURES,
            "kid_components": self.components,
            "models": [one.to_dict() for one in self.models],
        }


def rank_models(
    models: Sequence[tuple[str, Model]],
    patches: PatchSet,
    network: Vgg16,
    *,
    images: int = 500,
    psi: float = 1.0,
    first_seed: int = FIRST_SEED,
    seed: int = 0,
    resamples: int = 200,
    progress: Callable[[str], None] = lambda _: None,
) -> Ranking:
    """Rank models by how well judges that no training uses tell their images from all `select` patches.

    The judges are `gan.evaluation.fresh.QUICK_JUDGES`, and the lowest mean AUC is best. Each model makes the same
    number of images, of the same seeds, and the judges' folds are the same. Intervals are 95%, from bootstrap samples
    of whole patients and of seeds. Each sample is the same for all models, so the interval of a difference is much
    narrower than those of the two values suggest. It does not cover the choice itself: the best of many models looks
    better than it is, so report it on `study`.

    Parameters
    ----------
    models : sequence of (str, Model)
        Names and loaded models.
    patches : PatchSet
        A patch set of the models' image size; the `train` split serves whitening.
    network : Vgg16
        The feature network (`gan.load_vgg16`).
    images : int, at least 20
        Generated images per model.
    psi : float
        Truncation of the generated images; 1 is none.
    first_seed : int
        The first of the consecutive seeds.
    seed : int
        Of the bootstrap samples.
    resamples : int, at least 1
        Number of bootstrap samples.
    progress : function of str
        Called with a line of text before each long step.

    Returns
    -------
    Ranking
        `models`, best first, each with `name`, `auc`, `behind` and `kid` (estimates with 95% intervals) and `judges`;
        `to_dict()`.

    Raises
    ------
    LookalikeError
        For fewer than 20 images, fewer than 20 patches or 10 patients in the `select` split, fewer than 20 training
        patches, patches of another size than the models' images, or images that are not finite.

    Examples
    --------
    Two untrained generators of 16 px, on phantoms and with random features:

    >>> import gan, stimuli, torch
    >>> stimuli.write_phantoms("film", 60, lesion_px=16)
    >>> how = stimuli.Cut(16, split=(0.5, 0.5, 0))
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", how)
    >>> models = []
    >>> for name in ("early", "late"):
    ...     generator = gan.Generator(gan.Architecture(16, channel_max=16)).requires_grad_(False)
    ...     models.append((name, gan.Model(generator, sha256="", training={})))
    >>> found = gan.rank_models(models, patches, gan.Vgg16(), images=20, resamples=2)
    >>> found.models[0].behind is None, found.models[1].behind.value >= 0
    (True, True)
    """
    if images < 20:
        raise LookalikeError("out-of-range", f"images is {images}; a comparison needs at least 20")
    if resamples < 1:
        raise LookalikeError("out-of-range", f"resamples is {resamples}; at least 1 is needed")
    generators = [model.generator for _, model in models]
    for generator in generators:
        rows = real_rows(patches, SPLIT, generator.architecture.resolution)
    patients = group_numbers(rows["patient"].tolist())
    progress(f"{len(rows)} select patches, and the training patches")
    real = patches.read_all(rows)
    white = whitening(pooled_features(network, training_images(patches)))
    features = white(pooled_features(network, real))
    seen = {name: JUDGES[name].sees(real, seed) for name in QUICK_JUDGES}
    pairs, separations = [], []
    for (name, _), generator in zip(models, generators, strict=True):
        progress(f"{images} images of {name}")
        fake = images_from_seeds(generator, range(first_seed, first_seed + images), psi)
        pairs.append(kernel_pairs(features, white(pooled_features(network, fake)), patients))
        separations.append(_judged(seen, fake, patients, seed))
    return Ranking(
        patches.sha256,
        len(rows),
        len(np.unique(patients)),
        images,
        psi,
        first_seed,
        seed,
        resamples,
        white.components,
        _ranked(models, separations, pairs, patients, images, seed, resamples),
    )


def _judged(seen: dict[str, Tensor], fake: Pixels, patients: Groups, seed: int) -> dict[str, Separation]:
    """By judge: how its held-out scores of generated images compare with those of the real ones that it has seen."""
    found = {}
    for name, real in seen.items():
        judge = JUDGES[name]
        with judge.threads():
            found[name] = judge.learns(real, judge.sees(fake, seed + 1), patients, np.arange(len(fake)), seed)
    return found


def _ranked(
    models: Sequence[tuple[str, Model]],
    separations: Sequence[dict[str, Separation]],
    pairs: Sequence[KernelPairs],
    patients: Groups,
    images: int,
    seed: int,
    resamples: int,
) -> tuple[Ranked, ...]:
    rng, seeds = np.random.default_rng(seed), np.arange(images)
    ones = torch.ones(len(patients)).double(), torch.ones(images).double()
    with one_thread():
        weights = [ones] + [(bootstrap_weights(patients, rng), bootstrap_weights(seeds, rng)) for _ in range(resamples)]
        kids = np.array([[one.kid(*each) for each in weights] for one in pairs])
        each_auc = np.array([[[one.auc(*w) for w in weights] for one in found.values()] for found in separations])
    aucs = each_auc.mean(axis=1)
    best = int(np.argmin(aucs[:, 0]))
    behind = aucs - aucs[best]
    found = [
        Ranked(
            name,
            model.sha256,
            model.training.get("images_seen"),
            estimate(float(aucs[place, 0]), aucs[place, 1:].tolist(), (0.0, 1.0)),
            None if place == best else estimate(float(behind[place, 0]), behind[place, 1:].tolist()),
            dict(zip(QUICK_JUDGES, each_auc[place, :, 0].tolist(), strict=True)),
            estimate(float(kids[place, 0]), kids[place, 1:].tolist()),
        )
        for place, (name, model) in enumerate(models)
    ]
    return tuple(found[place] for place in np.argsort(aucs[:, 0], kind="stable"))

"""Which snapshot? Models compared by KID on the `select` split, so that `study` is kept for the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from data.errors import LookalikeError
from data.results.result import Estimate
from gan.bootstrap import Groups, bootstrap_weights, estimate, group_numbers, one_thread, with_interval
from gan.checkpoint import Model
from gan.evaluation.kid import KernelPairs, kernel_pairs
from gan.evaluation.result import FEATURES
from gan.evaluation.samples import FIRST_SEED, split_rows, training_features
from gan.evaluation.whitening import whitening
from gan.generate import images_from_seeds
from gan.networks.features import Vgg16, pooled_features
from stimuli.patches import PatchSet

FORMAT = "lookalike-ranking/1"
SPLIT = "select"


@dataclass(frozen=True)
class Ranked:
    """One model: its KID, and how much larger that is than the best model's; None for the best itself."""

    name: str
    model_sha256: str
    images_seen: int | None
    kid: Estimate
    behind: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        behind = with_interval(self.behind) if self.behind else None
        facts = {"model": self.name, "model_sha256": self.model_sha256, "images_seen": self.images_seen}
        return {**facts, "kid": with_interval(self.kid), "behind": behind}


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
    """Rank models by KID, as `gan.evaluate` defines it, against all `select` patches.

    Each makes the same number of images, of the same seeds. KID is unbiased for unequal numbers, so many generated
    images make it more precise. Intervals are 95%, from bootstrap samples of whole patients and of seeds. Each sample
    is the same for all models, so the interval of a difference is much narrower than those of the two values suggest.

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
        `models`, best first, each with `name`, `kid` and `behind` (estimates with 95% intervals); `to_dict()`.

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
        rows = split_rows(patches, SPLIT, generator.architecture.resolution)
    patients = group_numbers(rows["patient"].tolist())
    progress(f"{len(rows)} select patches, and the training patches")
    white = whitening(training_features(patches, network))
    real = white(pooled_features(network, patches.read_all(rows)))
    pairs = []
    for (name, _), generator in zip(models, generators, strict=True):
        progress(f"{images} images of {name}")
        fake = images_from_seeds(generator, range(first_seed, first_seed + images), psi)
        pairs.append(kernel_pairs(real, white(pooled_features(network, fake)), patients))
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
        _ranked(models, pairs, patients, images, seed, resamples),
    )


def _ranked(
    models: Sequence[tuple[str, Model]],
    pairs: Sequence[KernelPairs],
    patients: Groups,
    images: int,
    seed: int,
    resamples: int,
) -> tuple[Ranked, ...]:
    rng = np.random.default_rng(seed)
    with one_thread():
        values = [one.kid(torch.ones(len(patients)).double(), torch.ones(images).double()) for one in pairs]
        weights = [
            (bootstrap_weights(patients, rng), bootstrap_weights(np.arange(images), rng)) for _ in range(resamples)
        ]
        draws = np.array([[one.kid(*each) for each in weights] for one in pairs])
    best = int(np.argmin(values))
    found = [
        Ranked(
            name,
            model.sha256,
            model.training.get("images_seen"),
            estimate(value, drawn.tolist()),
            None if place == best else estimate(value - values[best], (drawn - draws[best]).tolist()),
        )
        for place, ((name, model), value, drawn) in enumerate(zip(models, values, draws, strict=True))
    ]
    return tuple(found[place] for place in np.argsort(values, kind="stable"))

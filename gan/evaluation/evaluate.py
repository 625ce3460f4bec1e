"""How good is a generator? Its images against real patches of patients that it was not trained on.

**Metrics.** Features are VGG16 conv4_3 averaged over positions. The main metric is KID (Bińkowski et al. 2018, pairs
within a patient left out) on these features whitened by the training patches (`gan.evaluation.whitening`). On the raw
features: KID again (`kid_raw`), FID (Heusel et al. 2017), precision and recall with k = 3 (Kynkäänniemi et al. 2019),
and the AUC of a cross-validated classifier.

**Real against real.** The split's patients and the training patients are re-randomised, many times, into two sets of
as many patches that share no patient, and each metric is computed in the same way, the classifier refitted. That is
what a generator would get whose images cannot be discriminated from real patches.

**Intervals** of the generated images are 95%, from bootstrap samples of whole patients and of seeds, drawn
independently. They cover other patients and other seeds in the same numbers, but not another training run, nor, for
the AUC, another fitted classifier. Close to real against real, the interval of KID is up to √3 times too wide, because
KID is a degenerate statistic there (Arcones & Giné 1992, Ann. Stat. 20:655); the range of the random splits is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from data.errors import LookalikeError
from data.results.result import Estimate
from gan.bootstrap import Groups, bootstrap_weights, estimate, group_numbers, one_thread, random_split, spread
from gan.checkpoint import Model
from gan.evaluation.fid import fid
from gan.evaluation.kid import kernel_pairs
from gan.evaluation.path_length import path_lengths
from gan.evaluation.precision_recall import distance_pairs
from gan.evaluation.result import Evaluation, Score
from gan.evaluation.samples import FEWEST_PATIENTS, FIRST_SEED, split_rows, training_features
from gan.evaluation.separability import separate
from gan.evaluation.spectrum import spectrum
from gan.evaluation.whitening import Whitening, whitening
from gan.generate import images_from_seeds
from gan.networks.features import Vgg16, pooled_features
from stimuli.patches import PatchSet

# Each metric, the values it can take, and which way is worse: +1 up, −1 down.
_METRICS = {
    "kid": ((-np.inf, np.inf), 1),
    "kid_raw": ((-np.inf, np.inf), 1),
    "fid": ((0.0, np.inf), 1),
    "precision": ((0.0, 1.0), -1),
    "recall": ((0.0, 1.0), -1),
    "auc": ((0.0, 1.0), 1),
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
    """Measure a model against the N patches of a split that it was not trained on, with N generated images.

    Measures KID, FID, precision, recall, the AUC of a classifier, path length and power spectra, each beside what real
    patches get against real patches (see `gan.evaluation.evaluate` for how).

    Parameters
    ----------
    model : Model
        A loaded model.
    patches : PatchSet
        A patch set of the model's image size; the `train` split serves whitening and real against real.
    network : Vgg16
        The feature network (`gan.load_vgg16`).
    split : {"study", "select"}
        The split to measure against.
    psi : float
        Truncation of the generated images; 1 is none.
    first_seed : int
        The first of N consecutive seeds. Their images are rounded to 16 bits, as patches on disk are.
    seed : int
        Of bootstrap samples and random splits.
    resamples : int, at least 1
        Number of bootstrap samples, and of random splits.
    pairs : int, at least 1
        Pairs of seeds over which path length in W is averaged; real images have none.
    progress : function of str
        Called with a line of text before each long step.

    Returns
    -------
    Evaluation
        `scores` by metric, each with `generated` (value and 95% interval), `real` and `chance`; `path_length`;
        `spectrum_real` and `spectrum_generated`; `to_dict()`. `save_evaluation` writes it to a folder.

    Raises
    ------
    LookalikeError
        For the train split, fewer than 20 patches or 10 patients in the split, fewer than 20 training patches,
        patches of another size than the model's images, or images that are not finite.

    References
    ----------
    Bińkowski et al. (2018), arXiv:1801.01401; Heusel et al. (2017), arXiv:1706.08500; Kynkäänniemi et al. (2019),
    arXiv:1904.06991; Karras et al. (2019), arXiv:1812.04948 (path length).

    Examples
    --------
    An untrained generator of 16 px, on phantoms and with random features, is found out at once:

    >>> import gan, stimuli
    >>> stimuli.write_phantoms("film", 60, lesion_px=16)
    >>> how = stimuli.Cut(16, split=(0.5, 0, 0.5))
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", how)
    >>> generator = gan.Generator(gan.Architecture(16, channel_max=16)).requires_grad_(False)
    >>> model = gan.Model(generator, sha256="", training={})
    >>> found = gan.evaluate(model, patches, gan.Vgg16(), resamples=2, pairs=1)
    >>> round(found.scores["auc"].generated.value, 1)
    1.0
    """
    rows = split_rows(patches, split, model.generator.architecture.resolution)
    if resamples < 1 or pairs < 1:
        raise LookalikeError(
            "out-of-range", f"resamples is {resamples} and pairs is {pairs}; at least 1 of each is needed"
        )
    count, patients, rng = len(rows), group_numbers(rows["patient"].tolist()), np.random.default_rng(seed)
    progress(f"{count} {split} patches and {count} generated images")
    real = patches.read_all(rows)
    fake = images_from_seeds(model.generator, range(first_seed, first_seed + count), psi)
    features, fake_features = pooled_features(network, real), pooled_features(network, fake)
    progress(f"{len(patches.select('train'))} train patches, for real against real")
    others = training_features(patches, network)
    white = whitening(others)
    generated = _against_split(white, features, fake_features, patients, rng, resamples)
    groups = group_numbers([*rows["patient"], *patches.select("train")["patient"]])
    reason = _too_few(groups, count)
    splits = [] if reason else _real_against_real(white, torch.cat([features, others]), groups, count, rng, resamples)
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
        _scores(generated, splits),
        len(np.unique(groups)),
        reason,
        _mean(lengths, rng, resamples),
        pairs,
        spectrum(real),
        spectrum(fake),
        real,
        fake,
    )


def _measure(
    white: Whitening, real: Tensor, fake: Tensor, real_groups: Groups, fake_groups: Groups, seed: int
) -> Callable[[tuple[Tensor, Tensor]], tuple[float, ...]]:
    """All metrics of two sets, in the order of `_METRICS`, as a function of the images' weights."""
    distances = distance_pairs(real, fake)
    kernels = [
        kernel_pairs(*features, real_groups, fake_groups) for features in ((white(real), white(fake)), (real, fake))
    ]
    separation = separate(real, fake, real_groups, fake_groups, seed)

    def measure(weights: tuple[Tensor, Tensor]) -> tuple[float, ...]:
        near = distances.precision_recall(*weights)
        kids = [one.kid(*weights) for one in kernels]
        return *kids, fid(real, fake, *weights), near.precision, near.recall, separation.auc(*weights)

    return measure


def _against_split(
    white: Whitening, real: Tensor, fake: Tensor, patients: Groups, rng: np.random.Generator, resamples: int
) -> tuple[Estimate, ...]:
    seeds = np.arange(len(fake))
    with one_thread():
        measure = _measure(white, real, fake, patients, seeds, int(rng.integers(2**31)))
        whole = measure(_ones(len(real)))
        draws = [measure((bootstrap_weights(patients, rng), bootstrap_weights(seeds, rng))) for _ in range(resamples)]
    bounds = [limits for limits, _ in _METRICS.values()]
    return tuple(estimate(*each) for each in zip(whole, zip(*draws, strict=True), bounds, strict=True))


def _real_against_real(
    white: Whitening, features: Tensor, groups: Groups, count: int, rng: np.random.Generator, resamples: int
) -> list[tuple[float, ...]]:
    found = []
    with one_thread():
        for _ in range(resamples):
            one, two = random_split(groups, count, rng)
            seed = int(rng.integers(2**31))
            measure = _measure(white, features[one], features[two], groups[one], groups[two], seed)
            found.append(measure(_ones(count)))
    return found


def _too_few(groups: Groups, count: int) -> str:
    """Why there cannot be two sets of `count` images of different patients; empty if there can."""
    largest, patients = int(np.bincount(groups).max()), len(np.unique(groups))
    if patients >= 2 * FEWEST_PATIENTS and len(groups) >= 2 * count + largest:
        return ""
    return (
        f"two sets of {count} patches of different patients are needed, but the split and train together have "
        f"only {len(groups)} patches of {patients} patients"
    )


def _scores(generated: Sequence[Estimate], splits: Sequence[tuple[float, ...]]) -> dict[str, Score]:
    if not splits:
        return {name: Score(one, None, None) for name, one in zip(_METRICS, generated, strict=True)}
    scores = {}
    for (name, (_, worse)), one, values in zip(_METRICS.items(), generated, zip(*splits, strict=True), strict=True):
        as_bad = sum(worse * (value - one.value) >= 0 for value in values)
        scores[name] = Score(one, spread(values), (as_bad + 1) / (len(values) + 1))
    return scores


def _mean(values: Tensor, rng: np.random.Generator, resamples: int) -> Estimate:
    count = len(values)
    draws = [float(bootstrap_weights(np.arange(count), rng) @ values / count) for _ in range(resamples)]
    return estimate(float(values.mean()), draws, (0.0, np.inf))


def _ones(count: int) -> tuple[Tensor, Tensor]:
    one = torch.ones(count, dtype=torch.float64)
    return one, one

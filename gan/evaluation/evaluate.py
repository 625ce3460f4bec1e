"""How good is a generator? Its images against real patches of patients that it was not trained on.

**Fresh eyes** come first: judges that no training uses (`gan.evaluation.fresh`).

**Metrics.** Features are VGG16 conv4_3 averaged over positions. The main metric is KID (Bińkowski et al. 2018, pairs
within a patient left out) on these features whitened by the training patches (`gan.evaluation.metrics.whitening`). On
the raw features: KID again (`kid_raw`), FID (Heusel et al. 2017), precision and recall with k = 3 (Kynkäänniemi et al.
2019), and the AUC of a cross-validated classifier.

**Blocks.** Everything is measured on several blocks of consecutive seeds, each of as many images as there are real
patches, and reported as the mean and each block's value, for the evaluation's truncation and for the sessions'.

**Real against real.** The split's patients and the training patients are re-randomised, many times, into two sets of
as many patches that share no patient, and each measure is computed in the same way, classifiers refitted. That is
what a generator would get whose images cannot be discriminated from real patches.

**Intervals** of the generated images are 95%, from bootstrap samples of whole patients, the same in every block, and of
each block's seeds, drawn independently. They cover other patients and other seeds in the same numbers, but not another
training run, nor, for an AUC, another fitted classifier. Close to real against real, the interval of KID is up to √3
times too wide, because KID is a degenerate statistic there (Arcones & Giné 1992, Ann. Stat. 20:655); the range of the
random splits is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from data.errors import LookalikeError
from data.results.result import Estimate
from gan.bootstrap import Groups, bootstrap_weights, estimate, group_numbers
from gan.checkpoint import Model
from gan.evaluation.fresh import (
    JUDGES,
    SMALL_AUC,
    RealPatches,
    check_judges,
    fresh_eyes,
    patches_needed,
    smallest_auc,
)
from gan.evaluation.metrics.feature_metrics import deal_features, score_features
from gan.evaluation.metrics.path_length import path_lengths
from gan.evaluation.metrics.spectrum import spectrum
from gan.evaluation.metrics.whitening import whitening
from gan.evaluation.result import Evaluation, Measured, TooFew
from gan.evaluation.samples import FEWEST_PATIENTS, FIRST_SEED, real_rows, training_images
from gan.evaluation.training_used import what_training_used
from gan.generate import images_from_seeds
from gan.networks.features import Vgg16, pooled_features
from stimuli.patches import PatchSet

BLOCKS = 5


def evaluate(
    model: Model,
    patches: PatchSet,
    network: Vgg16,
    *,
    split: str = "study",
    reference: PatchSet | None = None,
    psi: float = 1.0,
    session_psi: float | None = None,
    blocks: int = BLOCKS,
    judges: Sequence[str] = tuple(JUDGES),
    first_seed: int = FIRST_SEED,
    seed: int = 0,
    resamples: int = 200,
    pairs: int = 50,
    progress: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Measure a model against N real patches that it was not trained on, with blocks of N generated images.

    Judges that no training uses, each trained anew, then KID, FID, precision, recall and the AUC of a classifier on
    VGG16, path length and power spectra; each beside what real patches get against real patches (see
    `gan.evaluation.evaluate` for how).

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
    reference : PatchSet, optional
        A patch set whose patches, of all its patients, to measure against instead of the split's. None of them may be
        among the model's training patients. As many training patches are measured against them, too: where those are
        told apart, a generator that had learned them perfectly would be.
    psi : float
        Truncation of the generated images; 1 is none.
    session_psi : float, optional
        The truncation that sessions show; everything but path length and spectrum is measured at that too.
    blocks : int, at least 1
        Blocks of N consecutive seeds; block b begins at `first_seed + b * N`.
    judges : sequence of {"cnn", "texture", "texture_noise", "squeezenet"}
        Judges that no training uses, any number of them. With 203 patches of 64 px, `cnn` takes about four minutes of
        one processor core for each block at each truncation and for each of two deals of real patches.
    first_seed : int
        The first of the consecutive seeds. Their images are rounded to 16 bits, as patches on disk are.
    seed : int
        Of bootstrap samples, random splits and judges.
    resamples : int, at least 1
        Number of bootstrap samples, and of random splits.
    pairs : int, at least 1
        Pairs of seeds over which path length in W is averaged; real images have none.
    progress : function of str
        Called with a line of text before each long step.

    Returns
    -------
    Evaluation
        `fresh` by judge and `scores` by metric, each with `generated` (mean of the blocks and 95% interval), `blocks`,
        `real` and `chance`; `measured`, both for each truncation; `too_few`; `training_used`; `path_length`;
        `spectrum_real` and `spectrum_generated`; `to_dict()`. `save_evaluation` writes it to a folder.

    Raises
    ------
    LookalikeError
        For the train split, fewer than 20 patches or 10 patients to measure against, fewer than 20 training patches,
        patches of another size than the model's images, a judge that there is not, or images that are not finite.

    References
    ----------
    Bińkowski et al. (2018), arXiv:1801.01401; Heusel et al. (2017), arXiv:1706.08500; Kynkäänniemi et al. (2019),
    arXiv:1904.06991; Karras et al. (2019), arXiv:1812.04948 (path length); Lopez-Paz & Oquab (2017),
    arXiv:1610.06545 (classifiers trained anew as a two-sample test).

    Examples
    --------
    An untrained generator of 16 px, on phantoms and with random features, is found out at once:

    >>> import gan, stimuli
    >>> stimuli.write_phantoms("film", 60, lesion_px=16)
    >>> how = stimuli.Cut(16, split=(0.5, 0, 0.5))
    >>> patches = stimuli.cut_patches(stimuli.read_source("film"), "patches", b"a secret of 16 bytes", how)
    >>> generator = gan.Generator(gan.Architecture(16, channel_max=16)).requires_grad_(False)
    >>> model = gan.Model(generator, sha256="", training={})
    >>> found = gan.evaluate(model, patches, gan.Vgg16(), resamples=2, pairs=1, blocks=2, judges=["texture"])
    >>> round(found.fresh["texture"].generated.value, 1), round(found.scores["auc"].generated.value, 1)
    (1.0, 1.0)
    """
    source = reference or patches
    rows = real_rows(source, None if reference else split, model.generator.architecture.resolution)
    if resamples < 1 or pairs < 1:
        raise LookalikeError(
            "out-of-range", f"resamples is {resamples} and pairs is {pairs}; at least 1 of each is needed"
        )
    check_judges(judges, blocks)
    count, patients, rng = len(rows), group_numbers(rows["patient"].tolist()), np.random.default_rng(seed)
    truncations = [psi] if session_psi is None or session_psi == psi else [psi, session_psi]
    progress(f"{count} real patches; {blocks} x {count} images of each truncation, {_listed(truncations)}")
    real, train = source.read_all(rows), training_images(patches)
    starts = range(first_seed, first_seed + blocks * count, count)
    generated = {
        truncation: [images_from_seeds(model.generator, range(start, start + count), truncation) for start in starts]
        for truncation in truncations
    }
    groups = group_numbers([*rows["patient"], *patches.select("train")["patient"]])
    reason = _too_few(groups, count)
    stand_in = None
    if reference and not reason and len(train) >= count:
        stand_in = np.random.default_rng([seed, count]).permutation(len(train))[:count]
    shown = RealPatches(real, train[:0] if reason else train, groups[:count] if reason else groups, stand_in)
    fresh = fresh_eyes(judges, shown, generated, seed=seed, resamples=resamples, progress=progress)
    progress(f"features, of {len(train)} train patches too")
    features, others = pooled_features(network, real), pooled_features(network, train)
    white, pool = whitening(others), torch.cat([features, others])
    deals = [] if reason else deal_features(white, pool, groups, count, rng, resamples)
    measured = []
    for truncation, made in generated.items():
        fakes = [pooled_features(network, block) for block in made]
        instead = None if stand_in is None else (others[stand_in], groups[count + stand_in])
        scores = score_features(white, features, fakes, deals, patients, rng, resamples, instead)
        measured.append(Measured(truncation, fresh[truncation], scores))
    progress(f"path length of {pairs} pairs")
    lengths = path_lengths(model.generator, network, [*range(first_seed, first_seed + 2 * pairs)], psi)
    smallest = smallest_auc([*measured[0].fresh.values(), measured[0].scores["auc"]], len(np.unique(patients)))
    return Evaluation(
        model_sha256=model.sha256,
        patches_sha256=patches.sha256,
        reference_sha256=reference.sha256 if reference else None,
        split="reference" if reference else split,
        patients=len(np.unique(patients)),
        images=count,
        blocks=blocks,
        first_seed=first_seed,
        seed=seed,
        resamples=resamples,
        training_used=what_training_used(model.training),
        measured=tuple(measured),
        too_few=TooFew(smallest, SMALL_AUC, patches_needed(smallest, count)),
        components=white.components,
        real_patients=len(np.unique(groups)),
        real_reason=reason,
        path_length=_mean(lengths, rng, resamples),
        path_pairs=pairs,
        spectrum_real=spectrum(real),
        spectrum_generated=spectrum(generated[psi][0]),
        real_images=real,
        generated_images=generated[psi][0],
    )


def _listed(truncations: Sequence[float]) -> str:
    return " and ".join(f"{psi:g}" for psi in truncations)


def _too_few(groups: Groups, count: int) -> str:
    """Why there cannot be two sets of `count` images of different patients; empty if there can."""
    largest, patients = int(np.bincount(groups).max()), len(np.unique(groups))
    if patients >= 2 * FEWEST_PATIENTS and len(groups) >= 2 * count + largest:
        return ""
    return (
        f"two sets of {count} patches of different patients are needed, but those measured against and train together "
        f"have only {len(groups)} patches of {patients} patients"
    )


def _mean(values: Tensor, rng: np.random.Generator, resamples: int) -> Estimate:
    count = len(values)
    draws = [float(bootstrap_weights(np.arange(count), rng) @ values / count) for _ in range(resamples)]
    return estimate(float(values.mean()), draws, (0.0, np.inf))

"""Fresh eyes: judges that no training uses, each trained anew on the images at hand.

A generator that was trained on some features, or chosen by them, may be right in these and wrong in others. So each
judge here learns to tell generated images from real patches without them: a small network from scratch, and a
classifier on statistics of texture, with and without noise on both kinds of images.

**Blocks.** Each judge meets several blocks of images, of consecutive seeds, each as many as there are real patches.
The score is the mean AUC. Its interval is 95%, from bootstrap samples of whole patients, the same in every block, and
of each block's seeds. It does not cover judges that were trained again.

**Real against real** is that of `gan.evaluation.evaluate`: deals of the patients of the split and of train, the judge
trained anew for each.

**Chance.** The AUC of N patches and N generated images that do not differ has a standard error, from one block to
another set of patients and seeds: √((2n + 1) / 12n²) with n the patients (Hanley & McNeil 1982, Radiology 143:29, at
.5), or the standard deviation of ten or more deals where that is larger, because a classifier that is trained on such
data adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data.errors import LookalikeError
from gan.bootstrap import Groups, Indices, bootstrap_weights, estimate, one_thread, random_split
from gan.evaluation.judges.scratch_cnn import scratch_cnn
from gan.evaluation.judges.texture import NOISE_SD, texture_statistics
from gan.evaluation.result import FreshEyes, FreshScore
from gan.evaluation.separability import Separation, separate
from stimuli.images import Pixels

_ENOUGH_DEALS = 10  # for a standard deviation


@dataclass(frozen=True)
class Judge:
    """What a judge sees of images (a seed serves noise), how it learns, and its deals of real against real.

    A judge that learns fast does so in one thread, since waiting for others takes longer; a network uses all.
    """

    sees: Callable[[Pixels, int], Tensor]
    learns: Callable[[Tensor, Tensor, Groups, Groups, int], Separation]
    deals: int
    threads: Callable[[], AbstractContextManager[None]]


JUDGES = {
    "texture": Judge(lambda images, _: texture_statistics(images), separate, 20, one_thread),
    "texture_noise": Judge(lambda images, seed: texture_statistics(images, NOISE_SD, seed), separate, 20, one_thread),
    "cnn": Judge(lambda images, _: torch.from_numpy(images), scratch_cnn, 2, nullcontext),
}


def check_judges(names: Sequence[str], blocks: int) -> None:
    """Raise `LookalikeError` for a judge that there is not, or for no block."""
    for name in names:
        if name not in JUDGES:
            raise LookalikeError("unknown-choice", f"judge is {name!r}; it must be {' or '.join(JUDGES)}")
    if blocks < 1:
        raise LookalikeError("out-of-range", f"blocks is {blocks}; at least 1 is needed")


def fresh_eyes(
    names: Iterable[str],
    real: Pixels,
    blocks: Sequence[Pixels],
    train: Pixels,
    groups: Groups,
    *,
    seed: int,
    resamples: int,
    progress: Callable[[str], None],
) -> FreshEyes:
    """What each judge says of generated blocks (each N, R, R) against N real patches.

    `groups` are the patients of the real and then of the training patches, which serve real against real; without
    training patches there is none. Each judge has its own random numbers, whichever others there are.
    """
    count, patients = len(real), groups[: len(real)]
    scores = {}
    for name in dict.fromkeys(names):
        judge, rng = JUDGES[name], np.random.default_rng([seed, *name.encode()])
        progress(f"{name}: {len(blocks)} blocks of {count} generated images, and {judge.deals} deals of real patches")
        with judge.threads():
            seen = judge.sees(np.concatenate([real, train]), _seed(rng))
            separations = [
                judge.learns(seen[:count], judge.sees(block, _seed(rng)), patients, np.arange(count), _seed(rng))
                for block in blocks
            ]
            deals = [random_split(groups, count, rng) for _ in range(judge.deals if len(train) else 0)]
            against = tuple(_deal(judge, seen, groups, deal, _seed(rng)) for deal in deals)
        with one_thread():
            scores[name] = _score(separations, against, patients, rng, resamples)
    return FreshEyes(len(blocks), count, _told_from_chance(scores.values(), len(np.unique(patients))), scores)


def _deal(judge: Judge, seen: Tensor, groups: Groups, deal: tuple[Indices, Indices], seed: int) -> float:
    one, two = deal
    weights = torch.ones(len(one), dtype=torch.float64)
    return judge.learns(seen[one], seen[two], groups[one], groups[two], seed).auc(weights, weights)


def _score(
    separations: Sequence[Separation],
    against: tuple[float, ...],
    patients: Groups,
    rng: np.random.Generator,
    resamples: int,
) -> FreshScore:
    seeds, ones = np.arange(len(patients)), torch.ones(len(patients), dtype=torch.float64)
    values = tuple(block.auc(ones, ones) for block in separations)
    draws = []
    for _ in range(resamples):
        weights = bootstrap_weights(patients, rng)
        draws.append(float(np.mean([block.auc(weights, bootstrap_weights(seeds, rng)) for block in separations])))
    return FreshScore(estimate(float(np.mean(values)), draws, (0.0, 1.0)), values, against)


def _told_from_chance(scores: Iterable[FreshScore], patients: int) -> float:
    errors = [float(np.sqrt((2 * patients + 1) / 12)) / patients]
    errors += [float(np.std(one.real, ddof=1)) for one in scores if len(one.real) >= _ENOUGH_DEALS]
    return 0.5 + 1.96 * max(errors)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))

"""Fresh eyes: judges that no training uses, each trained anew on the images at hand.

A generator that was trained on some features, or chosen by them, may be right in these and wrong in others. So each
judge here learns to tell generated images from real patches by something else, and is scored by its AUC on patients
and seeds that it has not seen (five folds, `gan.evaluation.metrics.separability`):

- `cnn`: a small network trained from scratch on the pixels (`gan.evaluation.judges.scratch_cnn`);
- `texture`: a classifier on statistics of texture (`gan.evaluation.judges.texture`), and `texture_noise`: the same with
  noise of SD 2/255 on both kinds of images, which hides what a display's noise would hide;
- `squeezenet`: a classifier on a pretrained network's features (`gan.networks.squeezenet`).

**Real against real** is that of `gan.evaluation.evaluate`: deals of the patients of the split and of train, the judge
trained anew for each.

**Too few patches.** The AUC of N patches and N generated images that do not differ varies from one set of patients and
seeds to another: its SD is √((2n + 1) / 12n²), with n the patients (Hanley & McNeil 1982, Radiology 143:29, at .5), or
that of a judge's 20 or more deals where it is larger, because a classifier that learns from such data adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data.errors import LookalikeError
from gan.bootstrap import Groups, Indices, one_thread, random_split
from gan.evaluation.blocks import FEWEST_DEALS, Measure, Score, score_blocks
from gan.evaluation.judges.scratch_cnn import scratch_cnn
from gan.evaluation.judges.texture import NOISE_SD, texture_statistics
from gan.evaluation.metrics.separability import Separation, separate
from gan.networks.squeezenet import squeezenet_features
from stimuli.images import Pixels

AUC = {"auc": ((0.0, 1.0), 1)}
SMALL_AUC = 0.55  # a difference worth having enough patches for
_Z = 1.96


@dataclass(frozen=True)
class Judge:
    """What a judge sees of images (a seed serves noise), how it learns, and its deals of real against real.

    A classifier learns in one thread, since waiting for others takes longer; a network uses all.
    """

    sees: Callable[[Pixels, int], Tensor]
    learns: Callable[[Tensor, Tensor, Groups, Groups, int], Separation]
    deals: int
    threads: Callable[[], AbstractContextManager[None]] = one_thread


JUDGES = {
    "cnn": Judge(lambda images, _: torch.from_numpy(images), scratch_cnn, 2, nullcontext),
    "texture": Judge(lambda images, _: texture_statistics(images), separate, 100),
    "texture_noise": Judge(lambda images, seed: texture_statistics(images, NOISE_SD, seed), separate, 100),
    "squeezenet": Judge(lambda images, _: squeezenet_features(images), separate, 40),
}
QUICK_JUDGES = tuple(name for name in JUDGES if name != "cnn")  # they take seconds


@dataclass(frozen=True)
class RealPatches:
    """N real patches (N, R, R), training patches for real against real, and the patients of both, in this order.

    Without training patches there is no real against real. `stand_in` are the rows of N training patches that are also
    judged in the place of generated ones, if any.
    """

    images: Pixels
    train: Pixels
    groups: Groups
    stand_in: Indices | None = None

    @property
    def patients(self) -> Groups:
        return self.groups[: len(self.images)]


def check_judges(names: Iterable[str], blocks: int) -> None:
    """Raise `LookalikeError` for a judge that there is not, or for no block."""
    for name in names:
        if name not in JUDGES:
            raise LookalikeError("unknown-choice", f"judge is {name!r}; it must be {' or '.join(JUDGES)}")
    if blocks < 1:
        raise LookalikeError("out-of-range", f"blocks is {blocks}; at least 1 is needed")


def fresh_eyes(
    names: Iterable[str],
    real: RealPatches,
    generated: Mapping[float, Sequence[Pixels]],
    *,
    seed: int,
    resamples: int,
    progress: Callable[[str], None],
) -> dict[float, dict[str, Score]]:
    """What each judge says of blocks of generated images (each N, R, R), by truncation and then by judge.

    Each judge has its own random numbers, whichever others there are.
    """
    scores: dict[float, dict[str, Score]] = {psi: {} for psi in generated}
    for name in dict.fromkeys(names):
        judge, rng = JUDGES[name], np.random.default_rng([seed, *name.encode()])
        progress(f"{name}: {len(real.images) + len(real.train)} real patches")
        with judge.threads():
            seen = judge.sees(np.concatenate([real.images, real.train]), _seed(rng))
            deals = _deals(judge, seen, real, rng, name, progress)
            training = _training(judge, seen, real, rng)
            for psi, blocks in generated.items():
                measures = []
                for number, block in enumerate(blocks, 1):
                    progress(f"{name}: truncation {psi:g}, block {number} of {len(blocks)}")
                    measures.append(_against(judge, seen[: len(real.images)], block, real.patients, rng))
                with one_thread():
                    found = score_blocks(AUC, measures, deals, real.patients, rng, resamples, training)
                scores[psi][name] = found["auc"]
    return scores


def texture_auc(
    real: Pixels,
    fake: Pixels,
    real_groups: Groups,
    fake_groups: Groups,
    *,
    noise_sd: float = 0.0,
    seed: int = 0,
) -> float:
    """How well texture tells two sets of images apart: held-out AUC in [0, 1], .5 at chance.

    It takes a second or two for a few hundred images of 64 px, so that a training may ask for it at every snapshot.

    `real` (N, R, R) and `fake` (M, R, R) are P-values; images of a group (a patient, a seed) share a fold. Noise of SD
    `noise_sd` (P-values) is added to both. The seed is that of the noise and of the folds.
    """
    with one_thread():
        one, two = texture_statistics(real, noise_sd, seed), texture_statistics(fake, noise_sd, seed + 1)
        return _auc(separate(one, two, real_groups, fake_groups, seed))


def smallest_auc(scores: Iterable[Score], patients: int) -> float:
    """The AUC below which one block of generated images cannot be told from .5, with so many patients."""
    reach = [_Z * float(np.sqrt((2 * patients + 1) / 12)) / patients]
    reach += [(one.real.high - one.real.low) / 2 for one in scores if one.real and one.deals >= FEWEST_DEALS]
    return 0.5 + max(reach)


def patches_needed(smallest: float, images: int, auc: float = SMALL_AUC) -> int:
    """About how many patches it takes to tell an AUC from .5, if `smallest` is the smallest that `images` can."""
    return int(np.ceil(images * ((smallest - 0.5) / (auc - 0.5)) ** 2))


def _deals(
    judge: Judge, seen: Tensor, real: RealPatches, rng: np.random.Generator, name: str, progress: Callable[[str], None]
) -> list[tuple[float]]:
    """The AUC of each deal of real patches, from what the judge sees of all of them."""
    if not len(real.train):
        return []
    found = []
    for number in range(1, judge.deals + 1):
        if number == 1 or judge.deals < FEWEST_DEALS:  # a judge with few deals learns slowly
            progress(f"{name}: real against real, deal {number} of {judge.deals}")
        one, two = random_split(real.groups, len(real.images), rng)
        found.append((_auc(judge.learns(seen[one], seen[two], real.groups[one], real.groups[two], _seed(rng))),))
    return found


def _training(judge: Judge, seen: Tensor, real: RealPatches, rng: np.random.Generator) -> Measure | None:
    """Training patches in the place of generated images."""
    if real.stand_in is None:
        return None
    count = len(real.images)
    rows = count + real.stand_in
    separation = judge.learns(seen[:count], seen[rows], real.patients, real.groups[rows], _seed(rng))
    return lambda *weights: (separation.auc(*weights),)


def _against(judge: Judge, real: Tensor, block: Pixels, patients: Groups, rng: np.random.Generator) -> Measure:
    seen = judge.sees(block, _seed(rng))
    separation = judge.learns(real, seen, patients, np.arange(len(block)), _seed(rng))
    return lambda *weights: (separation.auc(*weights),)


def _auc(separation: Separation) -> float:
    fake, real = separation.wins.shape
    return separation.auc(torch.ones(real, dtype=torch.float64), torch.ones(fake, dtype=torch.float64))


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))

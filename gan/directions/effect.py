"""What an edit does to images, as judges see it that learned from pixels of real patients on whom nothing was fitted.

The judge of a label is a classifier on SqueezeNet's features and statistics of texture of real patches, neither of
which any fit has used; that of size is a regression on the same. Each tells how far an edit moves images, in SD of what
it says of real patches; mean grey, contrast and fine detail are measured. Intervals are over the judges' patients, from
whom they learn anew in each bootstrap sample, and over the edited images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from data.arrays import Floats
from data.results.result import Estimate
from gan.bootstrap import bootstrap_weights, estimate, group_numbers, one_thread
from gan.checkpoint import Model
from gan.codes import ImageCode, codes_of_seeds, images_of
from gan.directions.edit import Direction, direction_along, edit
from gan.directions.fit import C, FittedDirection, Patients, auc_estimate
from gan.directions.sample import LOOKS, looks
from gan.evaluation.judges.texture import texture_statistics
from gan.networks.code_space import CodeSpace
from gan.networks.squeezenet import squeezenet_features
from stimuli.images import Pixels

AMOUNT = 3.0  # SD; images are compared at both ends
IMAGES = 32  # edited
RANDOM = 30  # directions, for what any direction does
SIZE = "size"
_COMPONENTS = 128
_RIDGE = 1.0  # penalty of the judge of size
_RESAMPLES = 200
_FIRST_SEED = 300_000  # of the edited images
_SURE = 1.645  # one-sided, 5%


@dataclass(frozen=True)
class RealPatches:
    """Real patches (N, R, R): P-values, patients, labels, and the lesion's size.

    `labels` has one column per label, 1, 0 or NaN; `size` is the share of the patch that the lesion's box covers, NaN
    where it is unknown.
    """

    images: Pixels
    patients: Patients
    labels: pd.DataFrame
    size: Floats


@dataclass(frozen=True)
class Effect:
    """What a direction does.

    Attributes
    ----------
    name : str
        Of the direction and its label.
    judge_auc : Estimate
        How well the label's judge tells real patches with it from those without, on the patients of the fit, which it
        has not seen.
    moves : dict of str to Estimate
        How far images move from one end (-3 SD) to the other (+3 SD), in SD over real patches: what the judges say of
        its own label, and of other labels and `size` where they can tell them; and `gan.directions.sample.LOOKS`.
    random_sd : float
        SD of how far random directions of the same length move the label's judge.
    """

    name: str
    judge_auc: Estimate
    moves: dict[str, Estimate]
    random_sd: float

    @property
    def own(self) -> Estimate:
        """How far the label's own judge moves."""
        return self.moves[self.name]

    @property
    def fault(self) -> str:
        """Why the direction does not hold; empty if it does."""
        if not _above(self.judge_auc, 0.5):
            return "no judge learned the label from real patches"
        if not _above(self.own, 0.0):
            return "the judge does not move along it"
        if self.own.value <= _SURE * self.random_sd:
            return "random directions move the judge as far"
        others = {name: abs(one.value) for name, one in self.moves.items() if name != self.name}
        farthest = max(others, key=lambda name: others[name])
        return f"{farthest} moves farther" if others[farthest] > self.own.value else ""


def _above(found: Estimate, least: float) -> bool:
    return found.low is not None and found.low > least


@dataclass(frozen=True)
class _Sight:
    """What judges see: standardised features of both kinds, each kind with the same total variance, as components."""

    scaler: StandardScaler
    weights: Floats
    components: PCA

    def __call__(self, images: Pixels) -> Floats:
        seen: Floats = self.components.transform(self.scaler.transform(_features(images)[0]) * self.weights)
        return seen


def _features(images: Pixels) -> tuple[Floats, Floats]:
    """Features (N, D) of images, and the weight of each (D,)."""
    kinds = [squeezenet_features(images).numpy(), texture_statistics(images).numpy()]
    return np.hstack(kinds), np.concatenate([np.full(one.shape[1], one.shape[1] ** -0.5) for one in kinds])


def _sight(images: Pixels) -> tuple[_Sight, Floats]:
    """What judges see, and what they see of the images that set it up."""
    raw, weights = _features(images)
    scaler = StandardScaler().fit(raw)
    scaled = scaler.transform(raw) * weights
    components = PCA(min(_COMPONENTS, *scaled.shape), random_state=0).fit(scaled)
    return _Sight(scaler, weights, components), components.transform(scaled)


@dataclass(frozen=True)
class _Change:
    """From one end of a direction to the other: what judges see (images, components), and looks (images, 3)."""

    seen: Floats
    looks: Floats


def measure_effects(
    model: Model,
    space: CodeSpace,
    fitted: Sequence[FittedDirection],
    kept_out: Floats,
    real: RealPatches,
    unseen: RealPatches,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Effect]:
    """Measure what edits along directions do, as judges see it who know real patches only.

    32 images of seeds, at the model's truncation and each with its own noise, are moved to both ends of each direction,
    and of 30 random ones that keep to the same space.

    Parameters
    ----------
    model, space : Model, CodeSpace
        Whose images are edited, and its codes.
    fitted : sequence of FittedDirection
        From `fit_to_images` or `fit_to_codes`.
    kept_out : array, shape (w_dim, 3)
        What `appearance` gave and the fitted directions are orthogonal to.
    real : RealPatches
        Patches of patients on whom nothing was fitted, from which the judges learn.
    unseen : RealPatches
        Patches of other patients, on whom the judges are tested: those of the fit will do.
    progress : function of str
        Called with what is done next.

    Returns
    -------
    list of Effect
        In the order of the directions.
    """
    with one_thread():
        progress(f"judges learn from {len(real.images)} real patches")
        sight, seen = _sight(real.images)
        own, aside = _changes(model, space, fitted, kept_out, sight, progress)
        known, rng = _Judges(seen, real), np.random.default_rng(0)
        draws = [known.learned(rng) for _ in range(_RESAMPLES)]
        judges = known.learned(None)
        progress(f"judges are tested on {len(unseen.images)} other patches")
        aucs = _tested(judges, sight(unseen.images), unseen)
        found = []
        for one, change in zip(fitted, own, strict=True):
            trusted = [name for name in judges if name == one.name or _above(aucs[name], 0.5)]
            moves = {name: _move(change.seen, judges[name], [draw[name] for draw in draws], rng) for name in trusted}
            for name, share in zip(LOOKS, (change.looks / looks(real.images).std(axis=0)).T, strict=True):
                moves[name] = _move(share[:, None], np.ones(1), [np.ones(1)] * _RESAMPLES, rng)
            others = [float((other.seen @ judges[one.name]).mean()) for other in aside]
            found.append(Effect(one.name, aucs[one.name], moves, float(np.std(others))))
    return found


def _changes(
    model: Model,
    space: CodeSpace,
    fitted: Sequence[FittedDirection],
    kept_out: Floats,
    sight: _Sight,
    progress: Callable[[str], None],
) -> tuple[list[_Change], list[_Change]]:
    """What changes along each direction, and along random ones."""
    base, own = codes_of_seeds(model, range(_FIRST_SEED, _FIRST_SEED + IMAGES)), []
    for one in fitted:
        progress(f"images along {one.name}")
        own.append(_change(model, base, direction_along(one.name, one.way, space), sight))
    progress(f"images along {RANDOM} random directions")
    return own, [_change(model, base, way, sight) for way in _random(space, kept_out)]


def _random(space: CodeSpace, kept_out: Floats) -> list[Direction]:
    rng = np.random.default_rng(1)
    ways = rng.standard_normal((RANDOM, len(kept_out)))
    ways -= ways @ kept_out @ kept_out.T
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    return [direction_along(f"random direction {number}", way, space) for number, way in enumerate(ways, 1)]


def _change(model: Model, base: list[ImageCode], direction: Direction, sight: _Sight) -> _Change:
    low, high = (images_of(model.generator, edit(base, direction, [amount])) for amount in (-AMOUNT, AMOUNT))
    return _Change(sight(high) - sight(low), looks(high) - looks(low))


def _move(changes: Floats, judge: Floats, others: Sequence[Floats], rng: np.random.Generator) -> Estimate:
    """Mean of what a judge says of changes (images, D); its interval from other judges, on images drawn anew."""
    draws = [float((changes[rng.integers(len(changes), size=len(changes))] @ one).mean()) for one in others]
    return estimate(float((changes @ judge).mean()), draws)


class _Judges:
    """What is known of real patches, from which judges of all labels and of size learn."""

    def __init__(self, seen: Floats, real: RealPatches) -> None:
        self.seen, self.groups = seen, group_numbers(list(real.patients))
        self.truths = {str(name): real.labels[name].to_numpy(float) for name in real.labels}
        if (~np.isnan(real.size)).sum() > 1 and np.nanstd(real.size) > 0:
            self.truths[SIZE] = real.size

    def learned(self, rng: np.random.Generator | None) -> dict[str, Floats]:
        """Each judge's weights (components,), in SD of what it says of real patches; of a bootstrap sample of patients
        if there is a generator of random numbers.
        """
        return {name: self._judge(name, truth, rng) for name, truth in self.truths.items()}

    def _judge(self, name: str, truth: Floats, rng: np.random.Generator | None) -> Floats:
        known = ~np.isnan(truth)
        while True:
            weights = np.ones(len(truth)) if rng is None else bootstrap_weights(self.groups, rng).numpy()
            used = known & (weights > 0)
            if name == SIZE or len(set(truth[used])) == 2:
                break
        learner = Ridge(_RIDGE) if name == SIZE else LogisticRegression(C=C, max_iter=2000)
        judge: Floats = learner.fit(self.seen[used], truth[used], sample_weight=weights[used]).coef_.reshape(-1)
        return judge / max(float((self.seen @ judge).std()), 1e-12)


def _tested(judges: dict[str, Floats], seen: Floats, unseen: RealPatches) -> dict[str, Estimate]:
    """AUC of each judge on other patients' patches; that of size for lesions above the median against the others."""
    groups, found = group_numbers(list(unseen.patients)), {}
    for name, judge in judges.items():
        values = unseen.size if name == SIZE else unseen.labels[name].to_numpy(float)
        known = ~np.isnan(values)
        truth = values[known] > np.median(values[known]) if name == SIZE else values[known] > 0
        found[name] = auc_estimate(truth.astype(np.int64), seen[known] @ judge, groups[known])
    return found

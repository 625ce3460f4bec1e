"""Model observers: how well the best linear use of a few channels discriminates real from generated images.

The Hotelling observer weighs channel outputs by the inverse of their covariance (Barrett et al. 1993, Proc. Natl.
Acad. Sci. 90:9758). On outputs at the image's centre it is linear in the pixels and sees differences of the mean
image only, which for textures without a fixed signal is next to nothing; on channel energies it is quadratic and
sees differences of contrast, sharpness and orientation wherever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from analysis import intervals
from analysis.image_cues import crossvalidation
from analysis.image_cues import grouped_auc as grouped
from analysis.image_cues.channel_banks import Bank
from analysis.image_cues.crossvalidation import CrossValidated, cross_validate
from analysis.image_cues.image_stack import stacks
from analysis.trials import is_generated
from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from data.results.result import Result

PER_CHANNEL = 10  # training images of each class for every channel
RIDGE = 1e-4  # in units of each channel's variance
_NOT_HUMAN = "It has no internal noise: this is what its channels contain, not a prediction of human d′."
_LEAST_SD, _WIDEST_SD = 1e-6, 1000.0


@dataclass(frozen=True, eq=False)
class ModelObserver(Result):
    """How well one observer discriminates real from generated images.

    `found` is its cross-validated performance; `control` the same for real images against the same images with a
    known change, `control_words`. `channels` counts its channels, `channels_words` says which. `meaning` is a
    summary. Where there are too few images, `found` and `control` are undefined with a reason.
    """

    observer: str
    channels: int
    channels_words: str
    found: CrossValidated
    control: CrossValidated
    control_words: str
    meaning: str
    reason: str | None


@dataclass(frozen=True, eq=False)
class NoisyObserver(Result):
    """A model observer with internal noise of `noise_sd`, in SDs of its decision variable within a class.

    `auc` [0, 1] with its standard error and bounds at `level`; `dprime` = √2 z(AUC). What is undefined is NaN and
    `reason` says why.
    """

    observer: str
    noise_sd: float
    auc: float
    se: float
    low: float
    high: float
    level: float
    dprime: float
    meaning: str
    reason: str | None


def model_observer(
    images: Iterable[npt.ArrayLike],
    truth: npt.ArrayLike,
    groups: npt.ArrayLike | None,
    bank_for: Callable[[tuple[int, int], int], Bank],
    *,
    folds: int = 5,
    permutations: int = 999,
    seed: int = 0,
    level: float = 0.95,
) -> ModelObserver:
    """A channelised Hotelling observer: the best linear use of a few channels to discriminate real from generated.

    Parameters
    ----------
    images : iterable of array_like, each of shape (rows, columns)
        P-values in [0, 1], each side at least 16 px, all of one size; or an array (images, rows, columns).
    truth : array_like of str, shape (images,)
        "real" or "generated".
    groups : array_like, shape (images,), or None
        Patients' codes, as in `grouped_auc`.
    bank_for : callable
        From the images' shape and the most channels that they allow to the channels: `laguerre_gauss_bank`,
        `gabor_bank` or `energy_bank` of `analysis.image_cues.channel_banks`.
    folds, permutations, seed, level
        As in `compare_cues`.

    Returns
    -------
    ModelObserver
        Its cross-validated performance `found`; a positive `control`, the same for real images against copies with a
        known change; and a sentence on what follows. With too few images the result is undefined, with a reason.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths, a real image without a patient, or images of several sizes, with a side below
        16 px, outside [0, 1] or not a number.

    Notes
    -----
    There are at most as many channels as leave 10 training images of each class for every channel. The control sets
    each real image beside its changed copy, both in the patient's group. Copies share their background, so the change
    is learned a little more easily than from other images.

    References
    ----------
    Barrett et al. 1993, Proc. Natl. Acad. Sci. 90:9758; Gallas & Barrett 2003, J. Opt. Soc. Am. A 20:1725.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.ndimage import gaussian_filter
    >>> from analysis import model_observer
    >>> from analysis.image_cues.channel_banks import energy_bank
    >>> images = np.random.default_rng(1).normal(0.5, 0.1, (80, 32, 32)).clip(0, 1)
    >>> images[1::2] = gaussian_filter(images[1::2], (0, 0.3, 0.3))
    >>> found = model_observer(images, ["real", "generated"] * 40, None, energy_bank, permutations=19)
    >>> found.channels, round(found.found.auc, 2), found.found.p
    (3, 0.59, 0.25)
    """
    signal = is_generated(truth)
    codes = grouped.group_codes(signal, groups)
    fold = crossvalidation.fold_of(signal, codes, folds, seed)
    training = 0 if fold is None else crossvalidation.fewest_in_training(signal, fold)
    bank, features, changed = _respond(images, signal, bank_for, training // PER_CHANNEL)
    count = features.shape[1]
    if training < PER_CHANNEL * count:
        reason = (
            crossvalidation.TOO_FEW_PATIENTS
            if fold is None
            else (
                f"{training} training images of a class for {count} {'channels' if count > 1 else 'channel'}; "
                f"{PER_CHANNEL * count} are needed"
            )
        )
        return _refused(bank, count, signal, codes, level, reason)
    real = np.flatnonzero(~signal)
    options = {"folds": folds, "permutations": permutations, "seed": seed}
    words = np.where(signal, "generated", "real")
    found = cross_validate(features, words, codes, hotelling, level=level, **options)
    pairs = np.concatenate([features[real], changed])
    versions = np.repeat(["real", "generated"], real.size)
    control = cross_validate(pairs, versions, np.tile(codes[real], 2), hotelling, level=level, **options)
    result = ModelObserver(bank.name, count, bank.words, found, control, bank.change_words, "", found.reason)
    return replace(result, meaning=_meaning(result))


def with_internal_noise(
    observer: ModelObserver, *, sd: float | None = None, dprime: float | None = None
) -> NoisyObserver:
    """The observer with normal noise added to its decision variable, which is what makes it comparable with people.

    Give either `sd`, in SDs of the decision variable within a class, or a human `dprime` > 0 that it is to have:
    the noise then makes its AUC Φ(d′/√2). Each pair of images counts with the probability that noise leaves it in
    the right order, so nothing is drawn. Noise cannot raise performance: a `dprime` above the observer's is
    undefined, with a reason. Raises `LookalikeError` unless exactly one is given, and at least 0.
    """
    given = [value for value in (sd, dprime) if value is not None]
    if len(given) != 1 or not 0 <= given[0] < np.inf:
        raise LookalikeError(
            "conflicting-options", f"sd {sd} and dprime {dprime}: give one of them, a number of at least 0"
        )
    found = observer.found
    area = se = low = high = reached = np.nan
    noise, reason = _noise_for(found, dprime) if dprime is not None else (given[0], None)
    if np.isnan(found.auc):
        reason = found.reason
    if reason is None:
        wins = grouped.pair_wins(found.score, found.signal, found.fold, noise)
        area = _noisy_auc(found, noise)
        se = found.widening * grouped.standard_error(wins, found.signal, found.group, found.fold)
        freedom = grouped.degrees_of_freedom(found.signal, found.group)
        low, high = intervals.logit(area, se, found.level, freedom)
        reached = float(np.sqrt(2) * ndtri(area)) if 0 < area < 1 else np.nan
        reason = None if low == low else "the scores separate the classes completely: no interval"
    return NoisyObserver(
        observer=observer.observer,
        noise_sd=noise,
        auc=area,
        se=se,
        low=low,
        high=high,
        level=found.level,
        dprime=reached,
        meaning=_noise_meaning(noise, dprime),
        reason=reason,
    )


def hotelling(train: Floats, labels: Flags, test: Floats) -> Floats:
    """Scores (labellings, k) of `test` (k, channels) by the Hotelling observers of `labels` (labellings, n) on
    `train` (n, channels), in SDs of the decision variable within a class.

    Its weights are S⁻¹ (mean of generated − mean of real). S is the covariance over all training images, the same
    for every labelling: that within classes gives the same weights but for a factor. Channels are standardised,
    and 1e-4 of their variance added to the diagonal, so that equal channels do not make S singular.
    """
    centre, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    train, test = (train - centre) / spread, (test - centre) / spread
    covariance = train.T @ train / len(train) + RIDGE * np.eye(train.shape[1])
    generated = labels.sum(axis=1, keepdims=True)
    real = len(train) - generated
    # A relabelling may leave one class only; the difference is then from the common mean, 0.
    difference = labels @ train / np.maximum(generated, 1) - ~labels @ train / np.maximum(real, 1)
    weights = np.linalg.solve(covariance, difference.T).T
    distance = np.sum(weights * difference, axis=1, keepdims=True)
    within = distance - generated * real / len(train) ** 2 * distance**2
    return np.asarray(weights @ test.T / np.sqrt(np.where(within > 0, within, 1.0)))


def _respond(
    images: Iterable[npt.ArrayLike], signal: Flags, bank_for: Callable[[tuple[int, int], int], Bank], most: int
) -> tuple[Bank, Floats, Floats]:
    """The bank, the features of all images, and those of the real ones after the known change."""
    bank: Bank | None = None
    features: list[Floats] = []
    changed: list[Floats] = []
    seen = 0
    for stack in stacks(images):
        if bank is None:
            bank = bank_for((stack.shape[1], stack.shape[2]), max(most, 1))
        features.append(bank.respond(stack))
        real = stack[~signal[seen : seen + len(stack)]] if seen + len(stack) <= signal.size else stack[:0]
        if len(real):
            changed.append(bank.respond(bank.change(real)))
        seen += len(stack)
    if bank is None or seen != signal.size:
        raise LookalikeError(
            "unequal-lengths",
            f"{signal.size} truths and {seen} images: there must be one truth per image, and an image",
        )
    table = np.concatenate(features)
    return bank, table, np.concatenate([table[:0], *changed])


def _refused(bank: Bank, count: int, signal: Flags, codes: Ints, level: float, reason: str) -> ModelObserver:
    nothing = crossvalidation.undefined(signal, codes, level, reason)
    return ModelObserver(
        bank.name, count, bank.words, nothing, nothing, bank.change_words, f"Not tested: {reason}.", reason
    )


def _meaning(result: ModelObserver) -> str:
    found, control = result.found, result.control
    if np.isnan(found.p):
        return f"Undefined: {found.reason}. {_NOT_HUMAN}"
    told = f"AUC {found.auc:.2f}; by chance, it exceeds {found.null_high:.2f} in 5% of permutations"
    if found.p <= 0.05:
        return f"This observer discriminates generated from real images ({told}). {_NOT_HUMAN}"
    missed = (
        f"This observer does not discriminate generated from real images ({told}); with so many images it finds an "
        f"AUC of {found.smallest_detectable:.2f} with 80% power."
    )
    if control.p <= 0.05:
        proof = f"It does find {result.control_words} (AUC {control.auc:.2f})."
    else:
        proof = f"But it does not find {result.control_words} either, so the result is inconclusive."
    return f"{missed} {proof} {_NOT_HUMAN}"


def _noisy_auc(found: CrossValidated, sd: float) -> float:
    wins = grouped.pair_wins(found.score, found.signal, found.fold, sd)
    pairs = sum(
        int(np.sum((found.fold == one) & found.signal)) * int(np.sum((found.fold == one) & ~found.signal))
        for one in np.unique(found.fold)
    )
    return float(np.sum(wins[found.signal])) / pairs


def _noise_for(found: CrossValidated, dprime: float) -> tuple[float, str | None]:
    """The noise that gives a d′, or NaN and why there is none."""
    wanted = float(ndtr(dprime / np.sqrt(2)))
    if not wanted <= found.auc:
        return np.nan, f"without noise its AUC is {found.auc:.3f}, below the {wanted:.3f} of this d′"
    if _noisy_auc(found, _WIDEST_SD) >= wanted:
        return np.nan, f"no noise up to {_WIDEST_SD:g} SDs makes its d′ as small as {dprime:g}"
    if _noisy_auc(found, _LEAST_SD) <= wanted:
        return 0.0, None
    return float(brentq(lambda sd: _noisy_auc(found, sd) - wanted, _LEAST_SD, _WIDEST_SD)), None


def _noise_meaning(noise: float, dprime: float | None) -> str:
    if np.isnan(noise):
        return "No internal noise gives this d′."
    words = f"Internal noise of {noise:.3g} SDs of the decision variable"
    if dprime is None:
        return f"{words}: it predicts people's d′ only if theirs is as large."
    return f"{words}, fitted to a human d′ of {dprime:.3g} on these images: it predicts people's d′ on others only."

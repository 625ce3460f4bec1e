"""The variance of a mean AUC, or of a difference of two, over samples of readers and of images.

The estimate is Gallas's one-shot variance (2006, Acad. Radiol. 13:353), unbiased in any design (Gallas &
Brown 2008, Neural Netw. 21:387). With equal weight for each of R readers it is

    S² / R + C̄,

S² the variance of the readers' AUCs and C̄ the mean unbiased covariance of two readers' AUCs over samples
of images: M1 to M8 weighted as the design says, less M8, comes to the same (test_ustatistics).

An unbiased estimate can be negative, or smaller than variances of which it is the sum; what intervals use
cannot (`one_shot`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from analysis.mrmc.estimates import Estimates, of_aucs
from analysis.readings import Readings
from data.arrays import Floats
from data.errors import LookalikeError

Sampled = Literal["random", "fixed"]
# With fewer readers their variance is too little known to count the images' degrees of freedom as well.
FEW_READERS = 5
SINGLE_IMAGE = "a participant rated a single image of a class: no variance over images"
# A sample of readers: the value of each is Σ sign · AUC over the readings at that reader's place in the lists.
Sample = Sequence[tuple[int, Sequence[int]]]


class OneShot(NamedTuple):
    """A value, its `unbiased` variance, the one to be `used` (see `one_shot`), the latter's df and its `method`.

    With readers and images random, `unbiased` = `readers` (S² / R) + `images` (C̄); with one of them fixed it is
    the other's. `between` is the variance of readers' true values, unbiased, of one sample of readers with both
    random; NaN otherwise. What is undefined is NaN and `reason` says why.
    """

    value: float
    unbiased: float = np.nan
    used: float = np.nan
    df: float = np.nan
    readers: float = np.nan
    images: float = np.nan
    between: float = np.nan
    method: str = ""
    reason: str | None = None


def one_shot(study: Readings, samples: Sequence[Sample], readers: Sampled, images: Sampled) -> OneShot:
    """`one_shot_of` the readings' AUCs; without readings there is no value."""
    check_sampled(readers, images)
    if min(len(sample[0][1]) for sample in samples) == 0:
        return no_variance(np.nan, "no participant rated images of both classes")
    return one_shot_of(of_aucs(study), samples, readers, images)


def one_shot_of(found: Estimates, samples: Sequence[Sample], readers: Sampled, images: Sampled) -> OneShot:
    """The sum of the samples' mean values, and its variance with readers and images random or fixed.

    Unbiased, the variance may be negative. `used` is S² / R + max(C̄, 0), after Hillis (2007, Stat. Med. 26:596):
    with readers drawn at random, C̄ estimates the variance over images of the mean of all possible readers,
    which cannot be negative. With readers fixed, it is S̄² / R + max((1 − 1/R) C̄, 0), S̄² the readers' mean
    variance over images. By the law of total variance the first is at least as large as the second on average,
    so where these images happen to make the readers' AUCs alike, the second is used.

    The degrees of freedom are Satterthwaite's: V² / Σ part² / (number − 1), the parts being S² / R and, for each
    class of images, the variance of the value by the images' influence on it, and V their sum before it is raised; at
    least the smallest number − 1 (Gaylor & Hopper 1969, Technometrics 11:691), as in the software iMRMC ("BDG").
    Hillis's df leave out that C̄ is an estimate too: in 1,500 simulated studies of 30 participants and 20 images the
    90% interval covers .88 with Hillis's and .90 with these; with 6 or 10 participants and 100 images they hardly
    differ. With fewer than 5 readers an S² that came out small by chance would also raise the degrees of freedom, so
    there they are R − 1, as Obuchowski & Rockette (1995, Commun. Stat. Simul. Comput. 24:285) had them: at chance,
    2 or 3 readers are then found to differ from it in at most 4.5% of studies, instead of up to 9%
    (docs/coverage.md).
    Raises `LookalikeError` if both are fixed, for then nothing varies.
    """
    check_sampled(readers, images)
    sizes = [len(sample[0][1]) for sample in samples]
    values = [_contrast(found.each, sample) for sample in samples]
    value = sum(float(np.mean(one)) for one in values)
    if readers == "random" and min(sizes) < 2:
        return no_variance(value, "one participant: how others would differ is unknown; readers can only be fixed")

    # Each part of the variance that is sampled, with its degrees of freedom.
    parts = [(float(np.var(one, ddof=1)) / one.size, one.size - 1) for one in values if readers == "random"]
    between = sum(part for part, _ in parts)
    if images == "fixed":
        df = satterthwaite(between, parts)
        return OneShot(value, between, between, df, between, method="variance of participants' AUCs")
    own, shared, all_shared = _over_images(found.covariance, samples)
    if np.isnan(own + shared):
        return no_variance(value, SINGLE_IMAGE)
    fixed = own + max(all_shared, 0)
    image_parts = _image_parts(found, samples)
    if readers == "fixed":
        unbiased, df = own + all_shared, satterthwaite(fixed, image_parts)
        return OneShot(value, unbiased, fixed, df, images=unbiased, method=method_of(all_shared))
    # With readers random, their own share of the variance over images is in S² already.
    random = between + max(shared, 0)
    few = min(sizes) < FEW_READERS
    df = min(sizes) - 1 if few else satterthwaite(random, [*parts, *image_parts])
    return OneShot(
        value,
        unbiased=between + shared,
        used=max(random, fixed),
        df=df,
        readers=between,
        images=shared,
        between=sizes[0] * (between - own) + shared if len(sizes) == 1 else np.nan,
        method=method_of(shared, raised=fixed > random, few=few),
    )


def check_sampled(readers: Sampled, images: Sampled) -> None:
    """Raise `LookalikeError` unless readers and images are random or fixed, and not both fixed."""
    if {readers, images} - {"random", "fixed"} or (readers, images) == ("fixed", "fixed"):
        raise LookalikeError(
            "nothing-sampled", f"readers {readers}, images {images}: must be random or fixed, and not both fixed"
        )


def no_variance(value: float, reason: str) -> OneShot:
    """A value whose variance is unknown, for this reason."""
    return OneShot(value, reason=reason)


def method_of(shared: float, raised: bool = False, few: bool = False) -> str:
    """What was estimated how, with its sources."""
    name = "one-shot U-statistics (Gallas 2006)"
    if raised:
        name += ", raised to the variance with participants fixed (law of total variance)"
    elif shared < 0:
        name += ", a negative covariance counting as 0 (Hillis 2007)"
    return name + (", participants - 1 degrees of freedom (Obuchowski & Rockette 1995)" if few else "")


def _contrast(values: Floats, sample: Sample) -> Floats:
    return np.asarray(np.sum([sign * values[np.asarray(places)] for sign, places in sample], axis=0), dtype=np.float64)


def _over_images(covariance: Floats, samples: Sequence[Sample]) -> tuple[float, float, float]:
    """Variance of the value over images: each reader's own share, and what two readers have in common.

    The latter is a mean covariance of two readers, twice: over the R (R − 1) pairs of different ones, if they stand
    for others; and as a sum over these pairs divided by all R², if no others matter.
    """
    own = shared = all_shared = 0.0
    for a, one in enumerate(samples):
        for b, other in enumerate(samples):
            block = np.zeros((len(one[0][1]), len(other[0][1])))
            for sign, places in one:
                for other_sign, other_places in other:
                    block += sign * other_sign * covariance[np.ix_(places, other_places)]
            if a != b:
                shared += float(np.mean(block))
                all_shared += float(np.mean(block))
                continue
            size = len(block)
            own += float(np.trace(block)) / size**2
            np.fill_diagonal(block, 0)
            shared += float(np.sum(block)) / max(size * (size - 1), 1)
            all_shared += float(np.sum(block)) / size**2
    return own, shared, all_shared


def _image_parts(found: Estimates, samples: Sequence[Sample]) -> list[tuple[float, int]]:
    """For each class, the variance of the value by the influence of the class's images on it, and its df."""
    weight = np.zeros(found.each.size)
    for sample in samples:
        for sign, places in sample:
            weight[np.asarray(places)] = sign / len(places)
    return [(float(one.products([weight])[0, 0]), one.number - 1) for one in found.classes]


def satterthwaite(variance: float, parts: Sequence[tuple[float, int]]) -> float:
    """Degrees of freedom of a variance with these (part, its df), at least the smallest of theirs."""
    least = min(df for _, df in parts)
    spread = sum(part**2 / df for part, df in parts)
    return max(variance**2 / spread, least) if spread > 0 else least

"""Simple image statistics, and how well each and all together discriminate real from generated images.

An observer needs no eye for texture to discriminate images that differ in brightness or sharpness. Whatever these
cues find is an artefact to remove before people are tested. All work on P-values (display-referred grey, 0 to 1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.fft import fft2
from scipy.stats import kurtosis, skew
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from analysis.image_cues import grouped_auc as grouped
from analysis.image_cues.channels import hann
from analysis.image_cues.crossvalidation import CrossValidated, cross_validate
from analysis.image_cues.image_stack import stacks
from analysis.multiplicity import holm
from data.arrays import Flags, Floats, Ints
from data.errors import LookalikeError
from data.results.result import Result, frame_of

CUES = (
    "mean",
    "contrast",
    "skewness",
    "kurtosis",
    "spectrum_slope",
    "anisotropy",
    "border_mean",
    "border_contrast",
    "noise",
    "jpeg_grid",
)
TOP_CPP = 0.4  # below the corner of the spectrum, where only diagonals are left
_RINGS = 8
_JPEG_BLOCK_PX = 8
_DECIMALS = 9


@dataclass(frozen=True, eq=False)
class CueAuc(Result):
    """How well one cue discriminates: `auc` [0, 1] > .5 where generated images have more of it.

    `distance` = |auc − .5|; `low` and `high` bound the AUC at `level`; `p` is two-sided, `p_holm` adjusted for the
    number of cues. `smallest_detectable` is the AUC that would reach p_holm < .05 with 80% power if no other cue did.
    `real_median` and `generated_median` are in the cue's units; `unmeasured` counts images where it is undefined.
    What is undefined is NaN and `reason` says why.
    """

    cue: str
    auc: float
    distance: float
    se: float
    low: float
    high: float
    level: float
    p: float
    p_holm: float
    smallest_detectable: float
    design_effect: float
    real_median: float
    generated_median: float
    real: int
    generated: int
    unmeasured: int
    reason: str | None


@dataclass(frozen=True, eq=False)
class CueReport(Result):
    """Each cue by itself, and all of them `combined` in a cross-validated logistic classifier.

    `incomplete` counts images left out of the classifier without all cues.
    """

    cues: tuple[CueAuc, ...]
    combined: CrossValidated
    incomplete: int

    def to_frame(self) -> pd.DataFrame:
        """One row per cue."""
        return frame_of(self.cues)


def measure_cues(images: Iterable[npt.ArrayLike]) -> pd.DataFrame:
    """Simple statistics of images that could give generated ones away: brightness, sharpness, noise and the like.

    Parameters
    ----------
    images : iterable of array_like, each of shape (rows, columns)
        P-values (display-referred grey) in [0, 1], each side at least 16 px, all of one size; or an array (images,
        rows, columns).

    Returns
    -------
    pandas.DataFrame
        One row per image, one column per cue (`analysis.image_cues.cues.CUES`); what is undefined for an image is NaN.

    Raises
    ------
    LookalikeError
        For images of several sizes, with a side below 16 px, outside [0, 1] or not a number.

    Notes
    -----
    - `mean`, `contrast` (population SD), `skewness`, `kurtosis` (excess) of its P-values;
    - `spectrum_slope`: of log power on log frequency over 8 rings evenly spaced in log frequency, from 4 cycles per
      image (of the shorter side) to .4 cycles per pixel, mean removed and a Hann window applied; natural images have
      about −2;
    - `anisotropy`: |Σ P e^(2iθ)| / Σ P in each of those rings, averaged over rings as complex numbers: 0 without a
      preferred orientation, 1 for a grating;
    - `border_mean`, `border_contrast`: mean and SD of the frame, a sixteenth of the shorter side wide, less those of
      the inside;
    - `noise`: Immerkær's estimate of the noise SD;
    - `jpeg_grid`: (a − b) / (a + b), with a the mean size of the third difference across boundaries of 8 x 8 blocks
      that start in the image's corner and b elsewhere: 0 without a grid.

    References
    ----------
    Field 1987, J. Opt. Soc. Am. A 4:2379; Immerkær 1996, Comput. Vis. Image Underst. 64:300.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import measure_cues
    >>> images = np.random.default_rng(1).normal(0.5, 0.05, (2, 32, 32)).clip(0, 1)
    >>> measure_cues(images)[["mean", "contrast", "noise"]].round(2).to_dict("records")
    [{'mean': 0.5, 'contrast': 0.05, 'noise': 0.05}, {'mean': 0.5, 'contrast': 0.05, 'noise': 0.05}]
    """
    tables = [_measure(stack) for stack in stacks(images)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(CUES), dtype=np.float64)


def compare_cues(
    cues: pd.DataFrame,
    truth: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    *,
    folds: int = 5,
    permutations: int = 199,
    seed: int = 0,
    level: float = 0.95,
) -> CueReport:
    """How well each cue, and all of them together, discriminate real from generated images.

    Parameters
    ----------
    cues : pandas.DataFrame
        One row per image, any numeric columns, such as `measure_cues` gives.
    truth : array_like of str, shape (images,)
        "real" or "generated".
    groups : array_like, shape (images,), optional
        Patients' codes, as in `grouped_auc`.
    folds : int, optional
        Of the cross-validation; patients are not split.
    permutations : int, optional
        Relabellings of the patients for the classifier's null distribution, at least 19.
    seed : int, optional
        Of folds and permutations.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    CueReport
        For each cue its AUC with patients as clusters and p, Holm-adjusted; for all of them `combined`, logistic
        regression (L2, C = 1) on standardised cues, trained and tested on different patients.

    Raises
    ------
    LookalikeError
        For no cue, another word, unequal lengths, an infinite cue, a real image without a patient or too few
        permutations.

    References
    ----------
    Holm 1979, Scand. J. Stat. 6:65; Chung & Romano 2013, Ann. Stat. 41:484.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import compare_cues, measure_cues
    >>> images = np.random.default_rng(1).normal(0.5, 0.05, (40, 32, 32)).clip(0, 1)
    >>> images[1::2] *= 1.02
    >>> found = compare_cues(measure_cues(images), ["real", "generated"] * 20, permutations=19)
    >>> found.cues[0].cue, round(found.cues[0].auc, 2), found.combined.auc > 0.9
    ('mean', 1.0, True)
    """
    if cues.shape[1] == 0:
        raise LookalikeError("no-cue", "there is no cue to compare; give a table with one column per cue")
    values = cues.to_numpy(dtype=np.float64)
    signal = grouped.truth_flags(truth, len(values))
    codes = grouped.group_codes(signal, groups)
    alpha = 0.05 / cues.shape[1]
    found = [
        _of_cue(str(name), values[:, column], signal, codes, level, alpha) for column, name in enumerate(cues.columns)
    ]
    complete = np.isfinite(values).all(axis=1)
    combined = cross_validate(
        values[complete],
        np.asarray(truth, dtype=object)[complete],
        codes[complete],
        _logistic,
        folds=folds,
        permutations=permutations,
        seed=seed,
        level=level,
    )
    adjusted = holm([one.p for one in found])
    found = [replace(one, p_holm=float(p)) for one, p in zip(found, adjusted, strict=True)]
    return CueReport(tuple(found), combined, int(np.sum(~complete)))


def _of_cue(name: str, values: Floats, signal: Flags, codes: Ints, level: float, alpha: float) -> CueAuc:
    words = np.where(signal, "generated", "real")
    found = grouped.grouped_auc(words, values, codes, level=level, alpha=alpha)
    known = ~np.isnan(values)
    medians = [
        float(np.median(part)) if part.size else np.nan for part in (values[known & ~signal], values[known & signal])
    ]
    return CueAuc(
        cue=name,
        auc=found.auc,
        distance=abs(found.auc - 0.5),
        se=found.se,
        low=found.low,
        high=found.high,
        level=level,
        p=found.p,
        p_holm=np.nan,
        smallest_detectable=found.smallest_detectable,
        design_effect=found.design_effect,
        real_median=medians[0],
        generated_median=medians[1],
        real=found.real,
        generated=found.generated,
        unmeasured=found.unscored,
        reason=found.reason,
    )


def _logistic(train: Floats, labels: Flags, test: Floats) -> Floats:
    scores = np.zeros((len(labels), len(test)))
    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    for number, generated in enumerate(labels):
        if generated.any() and not generated.all():  # a relabelling may leave one class only
            model = LogisticRegression(solver="newton-cholesky").fit(train, generated)
            scores[number] = model.decision_function(test)
    return scores


def _measure(stack: Floats) -> pd.DataFrame:
    """The cues of a stack (images, rows, columns)."""
    pixels = stack.reshape(len(stack), -1)
    varied = np.ptp(pixels, axis=1) > 0
    shape = np.full((2, len(stack)), np.nan)
    shape[:, varied] = skew(pixels[varied], axis=1), kurtosis(pixels[varied], axis=1)
    slope, anisotropy = _spectrum(stack)
    border_mean, border_contrast = _border(stack)
    columns = (
        pixels.mean(axis=1),
        pixels.std(axis=1),
        *shape,
        slope,
        anisotropy,
        border_mean,
        border_contrast,
        _immerkaer(stack),
        _jpeg_grid(stack),
    )
    # Equal histograms are equal whatever the order of the sums: otherwise rounding errors would be ranked as a cue.
    return pd.DataFrame(dict(zip(CUES, columns, strict=True))).round(_DECIMALS)


def _spectrum(stack: Floats) -> tuple[Floats, Floats]:
    """Slope and anisotropy of the power spectra over rings evenly spaced in log frequency."""
    rows, columns = stack.shape[1:]
    window = np.outer(hann(rows), hann(columns))
    power = np.abs(fft2((stack - stack.mean(axis=(1, 2), keepdims=True)) * window)).reshape(len(stack), -1) ** 2
    fy, fx = np.meshgrid(np.fft.fftfreq(rows), np.fft.fftfreq(columns), indexing="ij")
    frequency, angle = np.hypot(fx, fy).ravel(), np.arctan2(fy, fx).ravel()
    edges = np.geomspace(4 / min(rows, columns), TOP_CPP, _RINGS + 1)
    rings = [np.flatnonzero((frequency >= low) & (frequency < high)) for low, high in pairwise(edges)]
    rings = [ring for ring in rings if ring.size]
    totals = np.stack([power[:, ring].sum(axis=1) for ring in rings], axis=1)
    turned = np.stack([power[:, ring] @ np.exp(2j * angle[ring]) for ring in rings], axis=1)
    centre = np.array([np.log(frequency[ring]).mean() for ring in rings])
    weight = (centre - centre.mean()) / np.sum((centre - centre.mean()) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.log(totals / [ring.size for ring in rings]) @ weight
        anisotropy = np.abs(np.mean(turned / totals, axis=1))
    empty = ~(totals > 0).all(axis=1)
    slope[empty], anisotropy[empty] = np.nan, np.nan
    return slope, anisotropy


def _border(stack: Floats) -> tuple[Floats, Floats]:
    """Mean and SD of the frame less those of the inside."""
    rows, columns = stack.shape[1:]
    width = max(1, round(min(rows, columns) / 16))
    frame = np.ones((rows, columns), dtype=np.bool_)
    frame[width:-width, width:-width] = False
    outer, inner = stack[:, frame], stack[:, ~frame]
    return outer.mean(axis=1) - inner.mean(axis=1), outer.std(axis=1) - inner.std(axis=1)


def _immerkaer(stack: Floats) -> Floats:
    """√(π/2) / 6 times the mean size of the response to [1 −2 1] along columns and rows."""
    residual = np.diff(np.diff(stack, n=2, axis=1), n=2, axis=2)
    return np.asarray(np.sqrt(np.pi / 2) / 6 * np.mean(np.abs(residual), axis=(1, 2)))


def _jpeg_grid(stack: Floats) -> Floats:
    """How much larger steps are where blocks of 8 px meet, over rows and columns together."""
    on, off = np.zeros(len(stack)), np.zeros(len(stack))
    for axis in (1, 2):
        # The third difference is the step from pixel i + 1 to i + 2 over and above the steps on either side.
        steps = np.abs(np.diff(stack, n=3, axis=axis)).mean(axis=3 - axis)
        meets = np.arange(steps.shape[1]) % _JPEG_BLOCK_PX == _JPEG_BLOCK_PX - 2
        on += steps[:, meets].mean(axis=1)
        off += steps[:, ~meets].mean(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((on - off) / (on + off))

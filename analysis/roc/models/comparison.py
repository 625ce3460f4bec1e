"""Which model of the rating ROC to prefer: binormal with equal or unequal variances, proper, or contaminated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.roc.binormal import Binormal, Variance, binormal_fit_from_counts
from analysis.roc.models.contaminated import contaminated_binormal_from_counts
from analysis.roc.models.fit import RatingCurve
from analysis.roc.models.proper import proper_binormal_from_counts
from analysis.roc.ratings import RatingCounts, count_ratings
from data.results.result import Estimate, Result, frame_of

EQUAL, UNEQUAL, PROPER, CONTAMINATED = "equal-variance binormal", "binormal", "proper binormal", "contaminated binormal"
_ENOUGH = 2.0  # of a difference in AIC, for data to tell two models apart (Burnham & Anderson 2002)


@dataclass(frozen=True, eq=False)
class RatingModel(Result):
    """One model's fit: its area (NaN without one), how well it fits, and what is odd about it.

    `parameters` counts thresholds too. `aic` is the smaller the better; `pearson_p` is small where the model does not
    fit. `remark` tells of a hook inside the data, or of a fit at the end of the model's range; `reason` why there is
    no fit.
    """

    model: str
    auc: Estimate
    parameters: int
    log_likelihood: float
    aic: float
    pearson: float
    pearson_df: int
    pearson_p: float
    remark: str | None
    reason: str | None


@dataclass(frozen=True, eq=False)
class RatingModels(Result):
    """All models of one observer's ratings. `preferred` is the name of one of them, None where none is needed."""

    models: tuple[RatingModel, ...]
    preferred: str | None
    words: str

    def by_model(self) -> pd.DataFrame:
        """One row per model."""
        return frame_of(self.models)


def compare_rating_models(truth: npt.ArrayLike, rating: npt.ArrayLike, level: float = 0.95) -> RatingModels:
    """Which model of the rating ROC to prefer, and in a sentence why.

    Parameters
    ----------
    truth : array_like of str, shape (trials,)
        "real" or "generated".
    rating : array_like of float, shape (trials,)
        At most 100 different values; larger means more generated-looking. NaN is left out.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    RatingModels
        The binormal model with equal and with unequal variances, the proper one and the contaminated one, each with its
        area, AIC and Pearson's X²; the one `preferred`, and the reason in `words`.

    Raises
    ------
    LookalikeError
        For another word, unequal lengths or an infinite rating.

    Notes
    -----
    Near chance none is preferred: curves without a hook cannot lie below the chance line, so that their areas are too
    large on average, and the empirical area (`roc_auc`) has no such bias. Where the binormal model has no fit, or its
    curve crosses the chance line inside the data, the better by AIC of the two models without a hook is preferred.
    Else the smallest AIC decides, if by 2 or more; if not, the simplest of those within 2.

    References
    ----------
    Metz & Pan 1999, J. Math. Psychol. 43:1; Dorfman & Berbaum 2000, Acad. Radiol. 7:427; Burnham & Anderson 2002, Model
    Selection and Multimodel Inference, 2.6.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import compare_rating_models
    >>> real, generated = (np.repeat([1, 2, 3, 4, 5], counts) for counts in ([30, 19, 8, 2, 1], [5, 6, 5, 12, 22]))
    >>> found = compare_rating_models(["real"] * 60 + ["generated"] * 50, [*real, *generated])
    >>> found.preferred
    'contaminated binormal'
    >>> [round(one.auc.value, 2) for one in found.models]
    [0.88, 0.87, 0.87, 0.87]
    """
    return compare_rating_models_from_counts(count_ratings(truth, rating), level)


def compare_rating_models_from_counts(counts: RatingCounts, level: float = 0.95) -> RatingModels:
    """The models of a table of ratings; see `compare_rating_models`."""
    usual = {variance: binormal_fit_from_counts(counts, kind, level) for variance, kind in _BINORMAL.items()}
    curves: dict[str, RatingCurve] = {
        PROPER: proper_binormal_from_counts(counts, level),
        CONTAMINATED: contaminated_binormal_from_counts(counts, level),
    }
    models = (
        *(_of_binormal(name, fit) for name, fit in usual.items()),
        *(_of_curve(name, fit) for name, fit in curves.items()),
    )
    preferred, words = _preferred(models, usual[UNEQUAL])
    return RatingModels(models, preferred, words)


_BINORMAL: dict[str, Variance] = {EQUAL: "equal", UNEQUAL: "unequal"}


def _of_binormal(name: str, fit: Binormal) -> RatingModel:
    parameters = fit.thresholds.size + (2 if fit.variance == "unequal" else 1)
    return RatingModel(
        model=name,
        auc=fit.a_z,
        parameters=0 if fit.reason else parameters,
        log_likelihood=fit.log_likelihood,
        aic=2 * parameters - 2 * fit.log_likelihood,
        pearson=fit.goodness.pearson,
        pearson_df=fit.goodness.df,
        pearson_p=fit.goodness.pearson_p,
        remark=fit.remark,
        reason=fit.reason,
    )


def _of_curve(name: str, fit: RatingCurve) -> RatingModel:
    return RatingModel(
        model=name,
        auc=fit.auc,
        parameters=0 if fit.reason else fit.thresholds.size + 2,
        log_likelihood=fit.log_likelihood,
        aic=fit.aic,
        pearson=fit.goodness.pearson,
        pearson_df=fit.goodness.df,
        pearson_p=fit.goodness.pearson_p,
        remark=fit.edge,
        reason=fit.reason,
    )


def _preferred(models: tuple[RatingModel, ...], usual: Binormal) -> tuple[str | None, str]:
    fitted = [one for one in models if one.reason is None]
    if not fitted:
        return None, f"No model has a fit ({models[-1].reason}); report the empirical area."
    equal = models[0]
    if equal.reason is None and equal.auc.low <= 0.5 <= equal.auc.high:
        return None, (
            "None is needed: the area may be .5. A proper or contaminated curve cannot lie below the chance line, so "
            "that at chance its area is too large on average; report the empirical area."
        )
    proper = [one for one in fitted if one.model in (PROPER, CONTAMINATED)]
    if proper and (usual.reason or usual.remark):
        best = min(proper, key=lambda one: one.aic)
        why = (
            f"the binormal model has no fit ({usual.reason})"
            if usual.reason
            else "the binormal curve crosses the chance line inside the data, at a false-alarm rate of "
            f"{usual.crossing:.2f}"
        )
        return best.model, f"The {best.model} model: {why}, and this one has no such hook; its area is {_area(best)}."
    best = min(fitted, key=lambda one: one.aic)
    close = [one for one in fitted if one.aic - best.aic < _ENOUGH]
    simplest = min(close, key=lambda one: (one.parameters, one.aic))
    if len(close) == 1:
        return best.model, f"The {best.model} model: its AIC is smaller than any other’s by {_ENOUGH:g} or more."
    areas = [one.auc.value for one in close]
    return simplest.model, (
        f"The {simplest.model} model, the simplest: these data do not tell it from "
        f"{' or '.join(one.model for one in close if one is not simplest)} (AIC within {_ENOUGH:g}), and the areas are "
        f"{_digits(min(areas))} to {_digits(max(areas))}."
    )


def _area(one: RatingModel) -> str:
    bounds = "" if math.isnan(one.auc.low) else f" ({_digits(one.auc.low)} to {_digits(one.auc.high)})"
    return f"{_digits(one.auc.value)}{bounds}"


def _digits(value: float) -> str:
    return "n/a" if np.isnan(value) else f"{value:.2f}".removeprefix("0")

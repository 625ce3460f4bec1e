"""Is the mean over participants near enough to chance? Two one-sided tests (TOST), a secondary result.

One value per participant, 0 meaning chance; see `analysis.group.one_sample` for what such a mean does not say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from analysis.group.one_sample import check_positive, sample_of
from data.errors import LookalikeError
from data.results.result import Result


@dataclass(frozen=True, eq=False)
class Tost(Result):
    """Two one-sided tests of equivalence: is the mean inside ±`bound`?

    `p_lower` tests "the mean is at most −bound", `p_upper` "it is at least +bound"; `p` is the larger of
    the two. `low` and `high` bound the mean at `level` = 1 − 2 α. `equivalent` is p ≤ α, which is the
    same as the interval lying inside ±bound; it is never true of what is undefined (NaN, with `reason`).
    """

    n: int
    undefined: int
    mean: float
    sd: float
    bound: float
    low: float
    high: float
    level: float
    p_lower: float
    p_upper: float
    p: float
    equivalent: bool
    reason: str | None


def equivalence_test(values: npt.ArrayLike, bound: float, alpha: float = 0.05) -> Tost:
    """Two one-sided t tests (TOST): is the mean over participants within ± `bound`?

    Parameters
    ----------
    values : array_like of float, shape (participants,)
        0 means chance: d′, or AUC − .5. NaN is left out and counted.
    bound : float
        In the units of `values`, positive.
    alpha : float, optional
        Error rate of each test, in (0, .5).

    Returns
    -------
    Tost
        The mean, its interval at 1 − 2 α, the two p and whether the mean is `equivalent` to 0.

    Raises
    ------
    LookalikeError
        For an infinite value, a bound that is not positive or an alpha outside (0, .5).

    Notes
    -----
    At a true mean on the bound, normal values are called equivalent with probability `alpha` at most. The images are
    taken as fixed; see `analysis.group.one_sample` for how often that errs, and `mrmc_auc` for a test that samples them
    too.

    References
    ----------
    Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657.

    Examples
    --------
    >>> from analysis import equivalence_test
    >>> found = equivalence_test([0.1, -0.05, 0.12, 0.02, -0.1, 0.06], bound=0.3)
    >>> round(found.mean, 3), round(found.p, 4), found.equivalent
    (0.025, 0.0003, True)
    """
    check_positive(bound, "bound")
    if not 0 < alpha < 0.5:
        raise LookalikeError("out-of-range", f"alpha {alpha}: must lie between 0 and 0.5")
    sample = sample_of(values)
    p_lower = float(t.sf((sample.mean + bound) / sample.se, sample.n - 1)) if not sample.reason else np.nan
    p_upper = float(t.cdf((sample.mean - bound) / sample.se, sample.n - 1)) if not sample.reason else np.nan
    margin = float(t.ppf(1 - alpha, max(sample.n - 1, 1))) * sample.se
    p = max(p_lower, p_upper)
    return Tost(
        n=sample.n,
        undefined=sample.undefined,
        mean=sample.mean,
        sd=sample.sd,
        bound=bound,
        low=sample.mean - margin,
        high=sample.mean + margin,
        level=1 - 2 * alpha,
        p_lower=p_lower,
        p_upper=p_upper,
        p=p,
        equivalent=bool(p <= alpha),
        reason=sample.reason,
    )

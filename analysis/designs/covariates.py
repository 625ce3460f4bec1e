"""Do measures go with what participants bring along: expertise, cases read a year?

A linear mixed model (Laird & Ware 1982, Biometrics 38:963), fitted by restricted maximum likelihood: the
measure of every participant in every session and condition, with the covariates, the condition and the retest as
fixed effects and the participant as a random one. Where every participant has one value it is ordinary least squares.
Effects have t intervals; degrees of freedom are those between participants for covariates, and within for conditions
and retests (exact in balanced designs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.stats import t as student
from statsmodels.regression.linear_model import OLS

from analysis.designs.sessions import MEASURES, SessionMeasure
from analysis.intervals import critical
from data.arrays import Floats
from data.errors import LookalikeError
from data.results.result import Result

MOST_LEVELS = 6  # words of a covariate


@dataclass(frozen=True, eq=False)
class Effect(Result):
    """One fixed effect: `change` of the measure per unit of `name`, or of `level_of_it` against `reference`.

    `low` and `high` are its t interval with `df` degrees of freedom; `within` says whether it varies within
    participants.
    """

    name: str
    level_of_it: str
    reference: str
    change: float
    se: float
    df: float
    low: float
    high: float
    p: float
    within: bool


@dataclass(frozen=True, eq=False)
class CovariateModel(Result):
    """A linear mixed model of one `measure` on what participants bring along.

    `effects` without the intercept, which is `intercept` (numbers are centred on participants' mean, words at their
    `reference`). `participant_sd` is the SD between participants beyond the effects, `residual_sd` that of the rest;
    with one value per participant there is only the latter, and `participant_sd` is NaN. `left_out` participants have
    no value of a covariate or of the measure. Images are taken as given. Undefined effects are none and `reason` says
    why.
    """

    measure: SessionMeasure
    participants: int
    observations: int
    left_out: int
    intercept: float
    participant_sd: float
    residual_sd: float
    effects: tuple[Effect, ...]
    level: float
    method: str
    reason: str | None


class _Term(NamedTuple):
    """A column of the matrix of fixed effects: a number, or a word against a reference."""

    name: str
    level_of_it: str
    reference: str
    within: bool


def covariate_model(
    table: pd.DataFrame, covariates: Sequence[str], measure: SessionMeasure = "dprime", level: float = 0.95
) -> CovariateModel:
    """A linear mixed model of d′, c or AUC on covariates of participants.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per participant, session and, if there are any, condition: columns participant, session, the measure,
        the covariates and perhaps condition. Columns of numbers are covariates as they are; words are compared with
        the first of them by the alphabet.
    covariates : sequence of str
        Columns of `table` that do not vary within a participant.
    measure : {"dprime", "criterion", "auc"}, optional
        What is explained.
    level : float, optional
        Level of the intervals, in (0, 1).

    Returns
    -------
    CovariateModel
        Each effect with its interval and p, and the SD between participants beyond them.

    Raises
    ------
    LookalikeError
        For a column that is missing, a covariate that varies within a participant or has more than 6 different words.

    Notes
    -----
    The effects speak of other participants judging these images. An expert's advantage with one set of images need not
    be that with others.

    References
    ----------
    Laird & Ware 1982, Biometrics 38:963; Pinheiro & Bates 2000, Mixed-Effects Models in S and S-PLUS, 2.4 (degrees of
    freedom).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis import covariate_model
    >>> rng = np.random.default_rng(1)
    >>> years = np.arange(12.0)
    >>> table = pd.DataFrame({"participant": [f"p{n}" for n in range(12)], "session": 1, "years": years})
    >>> table["dprime"] = 0.5 + 0.1 * years + rng.normal(0, 0.2, 12)
    >>> (effect,) = covariate_model(table, ["years"]).effects
    >>> round(effect.change, 3), round(effect.low, 3), round(effect.high, 3), effect.df
    (0.101, 0.077, 0.125, 10.0)
    """
    _refuse(table, covariates, measure)
    wanted = [measure, *covariates, *(["condition"] if "condition" in table else [])]
    kept = table.dropna(subset=wanted).reset_index(drop=True)
    left_out = table["participant"].nunique() - kept["participant"].nunique()
    columns, named = _design(kept, covariates)
    people, rows = kept["participant"].nunique(), len(kept)
    between = sum(not one.within for one in named)
    nothing = CovariateModel(
        measure, people, rows, left_out, np.nan, np.nan, np.nan, (), level, "", _undefined(kept, columns, between)
    )
    if nothing.reason is not None:
        return nothing
    values = kept[measure].to_numpy(dtype=np.float64)
    mixed = rows > people
    fit, spread, residual, method = _mixed(values, columns, kept["participant"]) if mixed else _plain(values, columns)
    estimates, errors = fit
    within = sum(one.within for one in named)
    free = {False: people - 1 - between, True: rows - people - within}
    effects = []
    for place, one in enumerate(named, start=1):
        df = float(free[one.within])
        margin = critical(level, df) * errors[place]
        p = float(2 * student.sf(abs(estimates[place]) / errors[place], df))
        change, se, margin = float(estimates[place]), float(errors[place]), float(margin)
        effects.append(
            Effect(
                change=change,
                se=se,
                df=df,
                low=float(change - margin),
                high=float(change + margin),
                p=p,
                **one._asdict(),
            )
        )
    return CovariateModel(
        measure, people, rows, left_out, float(estimates[0]), spread, residual, tuple(effects), level, method, None
    )


def covariate_models(table: pd.DataFrame, covariates: Sequence[str], level: float = 0.95) -> tuple[CovariateModel, ...]:
    """The model of every measure that the table has values of."""
    return tuple(
        covariate_model(table, covariates, measure, level)
        for measure in MEASURES
        if measure in table and table[measure].notna().any()
    )


def _refuse(table: pd.DataFrame, covariates: Sequence[str], measure: str) -> None:
    missing = [name for name in ("participant", "session", measure, *covariates) if name not in table]
    if missing or not covariates:
        raise LookalikeError("missing-column", f"the table has no column {', '.join(missing) or 'of a covariate'}")
    for name in covariates:
        varying = table.groupby("participant")[name].nunique()
        if (varying > 1).any():
            raise LookalikeError(
                "contradictory-facts",
                f"{name} is not the same throughout for participant {varying.idxmax()}; correct the table",
            )
        if _numeric(table[name]) is None and table[name].dropna().nunique() > MOST_LEVELS:
            raise LookalikeError(
                "too-many-levels",
                f"{name} has {table[name].dropna().nunique()} different words; a covariate is a number, or has "
                f"{MOST_LEVELS} words at most",
            )


def _numeric(column: pd.Series) -> pd.Series | None:
    """The column as numbers, None if it holds words."""
    found = pd.to_numeric(column, errors="coerce")
    return None if found[column.notna()].isna().any() else found.astype(np.float64)


def _design(kept: pd.DataFrame, covariates: Sequence[str]) -> tuple[Floats, list[_Term]]:
    """The matrix of fixed effects, intercept first, and what each of the other columns is."""
    columns: list[Floats] = [np.ones(len(kept))]
    named: list[_Term] = []
    for name in covariates:
        numbers = _numeric(kept[name])
        if numbers is not None:
            of_people = numbers.groupby(kept["participant"]).first()
            columns.append((numbers - of_people.mean()).to_numpy())
            named.append(_Term(name, "", "", within=False))
            continue
        _add_words(kept[name].astype(str), name, False, columns, named)
    if "condition" in kept:
        several = kept[["participant", "condition"]].drop_duplicates()["participant"].duplicated().any()
        _add_words(kept["condition"].astype(str), "condition", bool(several), columns, named)
    _add_words(kept["session"].astype(str), "session", True, columns, named)
    return np.column_stack(columns), named


def _add_words(words: pd.Series, name: str, within: bool, columns: list[Floats], named: list[_Term]) -> None:
    levels = sorted(words.unique())
    for level in levels[1:]:
        columns.append((words == level).to_numpy(dtype=np.float64))
        named.append(_Term(name, level, levels[0], within))


def _undefined(kept: pd.DataFrame, columns: Floats, between: int) -> str | None:
    people = kept["participant"].nunique()
    if people < between + 3:
        return f"{people} participants with all values: too few for {between} effects of participants"
    if np.linalg.matrix_rank(columns) < columns.shape[1]:
        return "the covariates determine one another (or one does not vary), so their effects cannot be separated"
    return None


def _plain(values: Floats, columns: Floats) -> tuple[tuple[Floats, Floats], float, float, str]:
    fit = OLS(values, columns).fit()
    return (np.asarray(fit.params), np.asarray(fit.bse)), np.nan, float(np.sqrt(fit.scale)), "ordinary least squares"


def _mixed(values: Floats, columns: Floats, participant: pd.Series) -> tuple[tuple[Floats, Floats], float, float, str]:
    """A random intercept by restricted maximum likelihood.

    Only the ratio of the two variances has to be searched for: given it, subtracting a share of each participant's mean
    makes the model one of ordinary least squares.
    """
    group, _ = pd.factorize(participant)
    size = np.bincount(group).astype(np.float64)

    def given(ratio: float) -> tuple[Any, float]:
        share = 1 - 1 / np.sqrt(1 + ratio * size)
        both = np.column_stack([values, columns])
        means = np.array([np.bincount(group, one) for one in both.T]).T / size[:, np.newaxis]
        lessened = both - (share[:, np.newaxis] * means)[group]
        fit = OLS(lessened[:, 0], lessened[:, 1:]).fit()
        _, spread = np.linalg.slogdet(lessened[:, 1:].T @ lessened[:, 1:])
        deviance = np.sum(np.log1p(ratio * size)) + spread + fit.df_resid * np.log(fit.scale)
        return fit, float(deviance)

    found = minimize_scalar(lambda log: given(float(np.exp(log)))[1], bounds=(-12, 12), method="bounded")
    # Participants may not differ beyond the effects: a variance of 0 is at the edge of what it can be.
    ratio = float(np.exp(found.x)) if found.fun < given(0)[1] else 0.0
    fit, _ = given(ratio)
    spreads = float(np.sqrt(ratio * fit.scale)), float(np.sqrt(fit.scale))
    estimates = np.asarray(fit.params), np.asarray(fit.bse)
    return estimates, *spreads, "linear mixed model, restricted maximum likelihood"

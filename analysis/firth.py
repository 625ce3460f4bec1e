"""Logistic regression by Firth's penalised likelihood, for many tables of counts at once.

Maximum likelihood gives infinite coefficients where an answer never varies with a predictor, and
coefficients too far from 0 in small samples. Adding half the log-determinant of the information
(Jeffreys' prior) to the log-likelihood corrects both (Firth 1993, Biometrika 80:27; Heinze & Schemper 2002,
Stat. Med. 21:2409). For one binary predictor it amounts to adding ½ to each of the four counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import expit

from data.arrays import Floats, Ints

# A design (cells, predictors), and counts (tables, cells, 2).
Regression = tuple[Floats, Floats]

_STEPS = 100
_BLOCK = 256  # tables at once: more leave the processor's cache


def firth(design: Floats, counts: Floats) -> Regression:
    """Coefficients and standard errors of many regressions on one design, both (tables, predictors).

    `design` has shape (cells, predictors), with a column of ones for an intercept; `counts` (tables, cells,
    2) says how often a cell's answer was 0 and 1. What a table does not determine is NaN. Fisher scoring
    on the score Σ (y − n p + h (½ − p)) x with h the leverage of a cell (Heinze & Schemper, equation 3);
    standard errors are from the information, as theirs.
    """
    return firth_each([(design, counts)])[0]


def firth_each(regressions: Sequence[Regression]) -> list[Regression]:
    """`firth` of every design with its tables, in order; together they take far less time than one by one."""
    found: dict[int, Regression] = {}
    for size in {design.shape[1] for design, _ in regressions}:
        places = [place for place, (design, _) in enumerate(regressions) if design.shape[1] == size]
        beta, errors = _fitted([regressions[place] for place in places])
        ends = np.cumsum([len(regressions[place][1]) for place in places])[:-1]
        found.update(zip(places, zip(np.split(beta, ends), np.split(errors, ends), strict=True), strict=True))
    return [found[place] for place in range(len(regressions))]


def _fitted(regressions: Sequence[Regression]) -> Regression:
    """Coefficients and standard errors of all tables, of designs that have equally many predictors."""
    rows = np.concatenate([design for design, _ in regressions])
    place, n, y = _filled(regressions)
    scale = [np.linalg.eigvalsh(_weighted(rows[place[block]], n[block])) for block in _blocks(np.arange(len(n)))]
    scales = np.concatenate(scale) if scale else np.empty((0, rows.shape[1]))
    # With all probabilities at one half nothing is lost to certainty: singular here is singular anywhere.
    going = np.flatnonzero(scales[:, 0] > 1e-9 * scales[:, -1])
    beta, errors = (np.full((len(n), rows.shape[1]), np.nan) for _ in range(2))
    beta[going] = 0
    for number in range(_STEPS):
        left = []
        for block in _blocks(going):
            x, trials = rows[place[block]], n[block]
            probability = expit((x @ beta[block][:, :, None])[:, :, 0])
            weight = trials * probability * (1 - probability)
            covariance = np.linalg.inv(_weighted(x, weight))
            leverage = weight * np.einsum("tnp,tnp->tn", x @ covariance, x)
            residual = y[block] - trials * probability + leverage * (0.5 - probability)
            step = np.einsum("tij,tj->ti", covariance, (residual[:, None] @ x)[:, 0])
            size = np.abs(step).max(axis=1)
            # Where answers nearly separate, a long step overshoots, and full steps may circle the maximum.
            length = (1.0 if number < 10 else 0.5) / np.maximum(1, size / 2)
            beta[block] += length[:, None] * step
            errors[block] = np.sqrt(covariance.diagonal(axis1=1, axis2=2))
            left.append(block[size > 1e-6])
        going = np.concatenate(left) if left else going
    beta[going], errors[going] = np.nan, np.nan
    return beta, errors


def _filled(regressions: Sequence[Regression]) -> tuple[Ints, Floats, Floats]:
    """Each table's cells that hold anything: their rows in the designs, n and y, all (tables, most cells of a table).

    The rest of a shorter table has n = 0, which says nothing.
    """
    parts, above = [], 0
    for design, counts in regressions:
        n = counts.sum(axis=2)
        width = int((n > 0).sum(axis=1).max(initial=0))
        cell = np.argsort(n == 0, axis=1, kind="stable")[:, :width]
        taken = (np.take_along_axis(one, cell, axis=1) for one in (n, counts[:, :, 1]))
        parts.append((cell + above, *taken))
        above += len(design)
    widest = max(cell.shape[1] for cell, _, _ in parts)
    place, n, y = (
        np.concatenate([np.pad(one, ((0, 0), (0, widest - one.shape[1]))) for one in column])
        for column in zip(*parts, strict=True)
    )
    return place.astype(np.int64), n.astype(np.float64), y.astype(np.float64)


def _weighted(x: Floats, weight: Floats) -> Floats:
    """Xᵀ W X of every table, (tables, predictors, predictors)."""
    return np.asarray(x.transpose(0, 2, 1) @ (x * weight[:, :, None]))


def _blocks(tables: Ints) -> Iterator[Ints]:
    return (tables[start : start + _BLOCK] for start in range(0, len(tables), _BLOCK))

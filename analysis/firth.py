"""Logistic regression by Firth's penalised likelihood, for many tables of counts at once.

Maximum likelihood gives infinite coefficients where an answer never varies with a predictor, and
coefficients too far from 0 in small samples. Adding half the log-determinant of the information
(Jeffreys' prior) to the log-likelihood corrects both (Firth 1993, Biometrika 80:27; Heinze & Schemper 2002,
Stat. Med. 21:2409). For one binary predictor it amounts to adding ½ to each of the four counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from data.arrays import Floats, Ints

# A design (cells, predictors), and counts (tables, cells, 2).
Regression = tuple[Floats, Floats]

_STEPS = 100
_BLOCK = 512  # tables at once: more leave the processor's cache
_MOSTLY_EMPTY = 4  # cells of a design to one that a table has


def firth(design: Floats, counts: Floats) -> Regression:
    """Coefficients and standard errors of many regressions on one design, both (tables, predictors).

    `design` has shape (cells, predictors), with a column of ones for an intercept; `counts` (tables, cells,
    2) says how often a cell's answer was 0 and 1. What a table does not determine is NaN. Fisher scoring
    on the score Σ (y − n p + h (½ − p)) x with h the leverage of a cell (Heinze & Schemper, equation 3);
    standard errors are from the information, as theirs.
    """
    return firth_each([(design, counts)])[0]


def firth_each(regressions: Sequence[Regression]) -> list[Regression]:
    """`firth` of every design with its tables, in order; those of one design together take far less time."""
    alike: dict[tuple[tuple[int, ...], bytes], list[int]] = {}
    for place, (design, _) in enumerate(regressions):
        alike.setdefault((design.shape, design.tobytes()), []).append(place)
    found: dict[int, Regression] = {}
    for places in alike.values():
        tables = [regressions[place][1] for place in places]
        beta, errors = _fitted(regressions[places[0]][0], np.concatenate(tables))
        ends = np.cumsum([len(one) for one in tables])[:-1]
        found.update(zip(places, zip(np.split(beta, ends), np.split(errors, ends), strict=True), strict=True))
    return [found[place] for place in range(len(regressions))]


def _fitted(design: Floats, counts: Floats) -> Regression:
    """Coefficients and standard errors of all tables of one design."""
    cells, n, y = _filled(design, counts)
    scales = [np.linalg.eigvalsh(cells.of(block).information(n[block])) for block in _blocks(np.arange(len(n)))]
    scale = np.concatenate(scales) if scales else np.empty((0, design.shape[1]))
    # With all probabilities at one half nothing is lost to certainty: singular here is singular anywhere.
    going = np.flatnonzero(scale[:, 0] > 1e-9 * scale[:, -1])
    beta, errors = (np.full((len(n), design.shape[1]), np.nan) for _ in range(2))
    beta[going] = 0
    for number in range(_STEPS):
        left = []
        for block in _blocks(going):
            x, trials = cells.of(block), n[block]
            probability = expit(x.predicted(beta[block]))
            weight = trials * probability * (1 - probability)
            covariance = _inverses(x.information(weight))
            leverage = weight * x.variances(covariance)
            residual = y[block] - trials * probability + leverage * (0.5 - probability)
            step = np.einsum("tij,tj->ti", covariance, x.score(residual))
            size = np.abs(step).max(axis=1)
            # Where answers nearly separate, a long step overshoots, and full steps may circle the maximum.
            length = (1.0 if number < 10 else 0.5) / np.maximum(1, size / 2)
            beta[block] += length[:, None] * step
            errors[block] = np.sqrt(covariance.diagonal(axis1=1, axis2=2))
            left.append(block[size > 1e-6])
        going = np.concatenate(left) if left else going
    beta[going], errors[going] = np.nan, np.nan
    return beta, errors


class _Whole:
    """The cells of a design X, the same for every table, so that sums over cells are products of two matrices."""

    def __init__(self, design: Floats) -> None:
        size = design.shape[1]
        first, second = np.triu_indices(size)
        self._design, self._upper = design, (first, second)
        self._products = design[:, first] * design[:, second]
        self._doubled = (np.where(first == second, 1, 2) * self._products).T
        self._square = np.empty((size, size), dtype=np.int64)
        self._square[first, second] = self._square[second, first] = np.arange(first.size)

    def of(self, _: Ints) -> _Whole:
        return self

    def predicted(self, beta: Floats) -> Floats:
        """X β of every table, (tables, cells)."""
        return np.asarray(beta @ self._design.T)

    def information(self, weight: Floats) -> Floats:
        """Xᵀ W X of every table, (tables, predictors, predictors)."""
        return np.asarray((weight @ self._products)[:, self._square])

    def variances(self, covariance: Floats) -> Floats:
        """x C xᵀ of every cell x of every table, (tables, cells)."""
        first, second = self._upper
        return np.asarray(covariance[:, first, second] @ self._doubled)

    def score(self, residual: Floats) -> Floats:
        """Xᵀ r of every table, (tables, predictors)."""
        return np.asarray(residual @ self._design)


class _Rows(NamedTuple):
    """The same of the `rows` of X that some tables have, (tables, cells, predictors)."""

    rows: Floats

    def predicted(self, beta: Floats) -> Floats:
        return np.asarray((self.rows @ beta[:, :, None])[:, :, 0])

    def information(self, weight: Floats) -> Floats:
        return np.asarray(self.rows.transpose(0, 2, 1) @ (self.rows * weight[:, :, None]))

    def variances(self, covariance: Floats) -> Floats:
        return np.asarray(np.einsum("tnp,tnp->tn", self.rows @ covariance, self.rows))

    def score(self, residual: Floats) -> Floats:
        return np.asarray((residual[:, None] @ self.rows)[:, 0])


class _Taken(NamedTuple):
    """Where tables leave most of X empty: which `cell` of it each of theirs is, (tables, cells)."""

    design: Floats
    cell: Ints

    def of(self, block: Ints) -> _Rows:
        return _Rows(self.design[self.cell[block]])


def _filled(design: Floats, counts: Floats) -> tuple[_Whole | _Taken, Floats, Floats]:
    """The cells, and n and y of every table in them, both (tables, cells).

    Where tables leave most cells of a design empty, each has its own; the rest of a shorter one has n = 0, which says
    nothing.
    """
    n, y = counts.sum(axis=2), np.ascontiguousarray(counts[:, :, 1])
    width = int((n > 0).sum(axis=1).max(initial=0))
    if len(design) < _MOSTLY_EMPTY * width:
        return _Whole(design), n, y
    cell = np.argsort(n == 0, axis=1, kind="stable")[:, :width]
    return _Taken(design, cell), np.take_along_axis(n, cell, axis=1), np.take_along_axis(y, cell, axis=1)


def _inverses(matrices: Floats) -> Floats:
    """The inverse of every positive definite matrix (tables, size, size), by Gauss and Jordan's method, all at once.

    LAPACK's takes several times as long for matrices so small. A singular one has NaN or infinities.
    """
    left = np.ascontiguousarray(matrices.transpose(1, 2, 0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for place in range(len(left)):
            pivot = 1 / left[place, place]
            row, column = left[place].copy(), left[:, place] * pivot
            left -= column[:, None] * row
            left[place], left[:, place] = row * pivot, -column
            left[place, place] = pivot
    return np.ascontiguousarray(left.transpose(2, 0, 1))


def _blocks(tables: Ints) -> Iterator[Ints]:
    return (tables[start : start + _BLOCK] for start in range(0, len(tables), _BLOCK))

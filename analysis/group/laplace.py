"""The Laplace likelihood of yes/no answers by participants to images, both random and crossed.

Participant p says "generated" of image i, of truth t (real or generated), with probability Φ(η),

    η_pi = μ_t + a_pt + w_i,    (a_p,real, a_p,generated) ~ N(0, M Mᵀ),    w_i ~ N(0, σ_t²),

where M is lower triangular. The seven parameters are μ_real, μ_generated, M11, M21, M22, σ_real and
σ_generated. Written by truth instead of by intercept and slope, every block of the algebra is a
scalar or 2 × 2; `analysis.group.mixed_probit` translates.

With b all random effects, K their covariance, Z their design and W the weights of the answers,

    −log L ≈ −Σ log Φ(±η) + bᵀ K⁻¹ b / 2 + log |I + K ZᵀWZ| / 2    at the mode of b.

K may be singular: K⁻¹ b is never computed by inverting, since it is Zᵀ(score) at the mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import erfcx, log_ndtr

from data.arrays import Floats, Ints

Information = Literal["observed", "expected"]
Effects = tuple[Floats, Floats]  # of participants on real and generated images (participants, 2), of images (images,)


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers as numbers: `participant` and `image` (codes from 0) and `sign` (+1 "generated", −1 "real"), (answers,).

    The first `real` of `images` images are real, the others generated. No pair of codes occurs twice.
    """

    participant: Ints
    image: Ints
    sign: Floats
    participants: int
    images: int
    real: int


class Laplace:
    """−log L and its gradient, for an optimiser: `value, gradient = likelihood(parameters)`.

    W is the observed information, which is Laplace's approximation proper, or the expected one, which
    lme4's `glmer` takes in its place (Bates et al. 2015, J. Stat. Softw. 67(1); the two are the same for
    a logit). The mode found last is where the next search begins, so that a small step costs little.
    """

    def __init__(self, answers: Answers, information: Information = "observed") -> None:
        self._answers, self._information = answers, information
        self._place = answers.participant * answers.images + answers.image
        self._truth = (np.arange(answers.images) >= answers.real).astype(np.int64)
        self._pulls: Effects = np.zeros((answers.participants, 2)), np.zeros(answers.images)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        m, sigma = triangle(parameters), parameters[5:7]
        loss, eta = self._to_mode(parameters[:2], m, sigma)
        score, observed = self._score(eta)
        curvature = bend = self._curvature(observed, m, sigma)
        weight, change = observed, self._change(eta, observed)
        if self._information == "expected":
            up, down = _mills(eta), _mills(-eta)
            weight, change = up * down, up * down * (down - up - 2 * eta)
            curvature = self._curvature(weight, m, sigma)
        leverage, of_participants, of_images = curvature.derivatives()

        # How the determinant answers to η: at a fixed mode (direct), and with the mode that moves (total).
        direct = leverage.ravel()[self._place] * change / 2
        total = direct - observed * self._at_answers(bend.solve(*self._sums(direct)))
        (pull, pull_image), (push, push_image) = self._pulls, self._sums(total)
        cross = push.T @ pull
        of_k = (of_participants - pull.T @ pull + cross + cross.T) / 2
        of_variance = (of_images - pull_image**2) / 2 + push_image * pull_image
        gradient = np.concatenate(
            [
                self._sums(total - score)[0].sum(axis=0),
                (2 * of_k @ m)[np.tril_indices(2)],
                2 * sigma * np.bincount(self._truth, of_variance, minlength=2),
            ]
        )
        return loss + curvature.log_determinant / 2, gradient

    def _to_mode(self, mu: Floats, m: Floats, sigma: Floats) -> tuple[float, Floats]:
        """The penalised loss and η (answers,) at the mode of b, by Newton's method with steps halved in need."""
        fixed = mu[self._truth[self._answers.image]]
        pulls = self._pulls
        effects: Effects = pulls[0] @ m @ m.T, sigma[self._truth] ** 2 * pulls[1]
        loss = self._loss(fixed, effects, pulls)
        for _ in range(100):
            shift = self._at_answers(effects)
            score, weight = self._score(fixed + shift)
            target = self._sums(weight * shift + score)
            newton = self._curvature(weight, m, sigma).solve(*target)
            taken = self._sums(weight * self._at_answers(newton))
            newton_pulls = target[0] - taken[0], target[1] - taken[1]
            step = max(float(np.abs(a - b).max()) for a, b in zip(newton, effects, strict=True))
            for share in (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16):
                tried, tried_pulls = _between(effects, newton, share), _between(pulls, newton_pulls, share)
                reached = self._loss(fixed, tried, tried_pulls)
                if reached <= loss + 1e-10 * abs(loss):
                    break
            effects, pulls, loss = tried, tried_pulls, reached
            # Newton's error squares: what is left after a step of 1e-5 is about 1e-10.
            if step < 1e-5:
                break
        self._pulls = pulls
        return loss, fixed + self._at_answers(effects)

    def _loss(self, fixed: Floats, effects: Effects, pulls: Effects) -> float:
        eta = fixed + self._at_answers(effects)
        penalty = sum(float(np.sum(a * b)) for a, b in zip(effects, pulls, strict=True)) / 2
        return penalty - float(np.sum(log_ndtr(self._answers.sign * eta)))

    def _score(self, eta: Floats) -> tuple[Floats, Floats]:
        """The first derivative of log Φ(±η) and minus the second, both (answers,)."""
        z = self._answers.sign * eta
        mills = _mills(z)
        return self._answers.sign * mills, mills * (mills + z)

    def _change(self, eta: Floats, weight: Floats) -> Floats:
        """The derivative of the observed weights by η."""
        z = self._answers.sign * eta
        mills = _mills(z)
        return self._answers.sign * (mills - weight * (2 * mills + z))

    def _at_answers(self, effects: Effects) -> Floats:
        """Z b (answers,)."""
        return np.asarray((effects[0][:, self._truth] + effects[1]).ravel()[self._place])

    def _sums(self, values: Floats) -> Effects:
        """Zᵀ values."""
        table = self._table(values)
        return _by_truth(table, self._answers.real), table.sum(axis=0)

    def _table(self, values: Floats) -> Floats:
        table = np.zeros(self._answers.participants * self._answers.images)
        table[self._place] = values
        return table.reshape(self._answers.participants, self._answers.images)

    def _curvature(self, weights: Floats, m: Floats, sigma: Floats) -> _ByImages | _ByParticipants:
        side = _ByImages if self._answers.images <= 2 * self._answers.participants else _ByParticipants
        return side(self._table(weights), self._answers.real, m, np.where(self._truth, sigma[1], sigma[0]))


def triangle(parameters: Floats) -> Floats:
    """M, the lower triangle of the participants' covariance, from the seven parameters."""
    return np.array([[parameters[2], 0.0], [parameters[3], parameters[4]]])


class _ByImages:
    """B = (K⁻¹ + ZᵀWZ)⁻¹ by a matrix of images × images: participants are eliminated, 2 × 2 block by block.

    `w` (participants, images) holds the weights (0 without an answer), `sigma` (images,) the images' SDs.
    """

    def __init__(self, w: Floats, real: int, m: Floats, sigma: Floats) -> None:
        self._w, self._sigma, self._parts = w, sigma, (slice(0, real), slice(real, None))
        self._n = _by_truth(w, real)
        self._blocks, determinants = _blocks(self._n, m)
        # What the answers say of the images once every participant's effects are free.
        self._e = np.diag(w.sum(axis=0))
        for t, s in ((0, 0), (0, 1), (1, 1)):
            rows, columns = self._parts[t], self._parts[s]
            self._e[rows, columns] -= w[:, rows].T @ (self._blocks[:, t, s, None] * w[:, columns])
        self._e[self._parts[1], self._parts[0]] = self._e[self._parts[0], self._parts[1]].T
        self._factor, log_determinant = _factor(sigma[:, None] * self._e * sigma)
        self.log_determinant = float(np.log(determinants).sum()) + log_determinant

    def solve(self, participants: Floats, images: Floats) -> Effects:
        """B times a right side of the shape of the effects."""
        first = _times(self._blocks, participants)
        told = np.concatenate([first[:, t] @ self._w[:, part] for t, part in enumerate(self._parts)])
        solved = self._sigma * cho_solve(self._factor, self._sigma * (images - told))
        taken = np.column_stack([self._w[:, part] @ solved[part] for part in self._parts])
        return _times(self._blocks, participants - taken), solved

    def derivatives(self) -> tuple[Floats, Floats, Floats]:
        """What log |I + K ZᵀWZ| answers to.

        Its derivative by the weights is diag(Z B Zᵀ), as a table (participants, images); by K it is
        R = ZᵀWZ − ZᵀWZ B ZᵀWZ, given as the sum of the participants' blocks (2, 2) and the diagonal of the images.
        """
        w, parts, blocks = self._w, self._parts, self._blocks
        b = self._sigma[:, None] * cho_solve(self._factor, np.diag(self._sigma))
        seen = np.stack([w[:, part] @ b[part] for part in parts], axis=1)
        inner = np.stack([np.einsum("pti,pi->pt", seen[:, :, part], w[:, part]) for part in parts], axis=2)
        own = blocks + blocks @ inner @ blocks
        leverage = np.empty_like(w)
        for t, part in enumerate(parts):
            cross = np.einsum("ps,psi->pi", blocks[:, t], seen[:, :, part])
            leverage[:, part] = own[:, t, t, None] - 2 * cross + np.diag(b)[part]
        kept = np.eye(2) - self._n[:, :, None] * blocks
        of_participants = kept * self._n[:, None, :] - kept @ inner @ kept.transpose(0, 2, 1)
        return leverage, of_participants.sum(axis=0), np.diag(self._e) - np.sum((self._e @ b) * self._e, axis=1)


class _ByParticipants:
    """The same by a matrix of participants × participants, twice: images are eliminated, one by one."""

    def __init__(self, w: Floats, real: int, m: Floats, sigma: Floats) -> None:
        self._w, self._m, self._parts = w, m, (slice(0, real), slice(real, None))
        n = w.sum(axis=0)
        self._n, self._spread = n, sigma**2 / (1 + sigma**2 * n)
        self._kept = 1 / (1 + sigma**2 * n)
        self._e = np.stack(
            [np.diag(w[:, part].sum(axis=1)) - (w[:, part] * self._spread[part]) @ w[:, part].T for part in self._parts]
        )
        size = 2 * w.shape[0]
        inner = np.einsum("ta,tpq,tb->apbq", m, self._e, m).reshape(size, size)
        self._factor, log_determinant = _factor(inner)
        self.log_determinant = float(-np.log(self._kept).sum()) + log_determinant

    def solve(self, participants: Floats, images: Floats) -> Effects:
        first = self._spread * images
        told = np.column_stack([self._w[:, part] @ first[part] for part in self._parts])
        inner = cho_solve(self._factor, ((participants - told) @ self._m).T.ravel())
        solved = inner.reshape(2, -1).T @ self._m.T
        taken = np.concatenate([solved[:, t] @ self._w[:, part] for t, part in enumerate(self._parts)])
        return solved, self._spread * (images - taken)

    def derivatives(self) -> tuple[Floats, Floats, Floats]:
        w, count = self._w, self._w.shape[0]
        inverse = cho_solve(self._factor, np.eye(2 * count)).reshape(2, count, 2, count)
        b = np.einsum("ta,apbq,sb->tspq", self._m, inverse, self._m)
        leverage, of_images = np.empty_like(w), np.empty_like(self._n)
        for t, part in enumerate(self._parts):
            seen = b[t, t] @ w[:, part]
            inner, spread = np.sum(w[:, part] * seen, axis=0), self._spread[part]
            leverage[:, part] = np.diag(b[t, t])[:, None] - 2 * seen * spread + spread + spread**2 * inner
            of_images[part] = self._n[part] * self._kept[part] - self._kept[part] ** 2 * inner
        of_participants = np.diag(np.trace(self._e, axis1=1, axis2=2)) - np.array(
            [[np.sum((self._e[t] @ b[t, s]) * self._e[s]) for s in (0, 1)] for t in (0, 1)]
        )
        return leverage, of_participants, of_images


def _blocks(n: Floats, m: Floats) -> tuple[Floats, Floats]:
    """(Kₚ⁻¹ + diag(nₚ))⁻¹ and |I + Kₚ diag(nₚ)| for each participant, Kₚ = M Mᵀ singular or not."""
    k, area = m @ m.T, float(np.linalg.det(m)) ** 2
    determinants = 1 + n @ np.diag(k) + area * n.prod(axis=1)
    blocks = np.tile(k, (n.shape[0], 1, 1))
    blocks[:, 0, 0] += n[:, 1] * area
    blocks[:, 1, 1] += n[:, 0] * area
    return blocks / determinants[:, None, None], determinants


def _factor(matrix: Floats) -> tuple[tuple[Floats, bool], float]:
    """The Cholesky factor of I + matrix and its log-determinant."""
    factor = cho_factor(np.eye(matrix.shape[0]) + matrix, lower=True)
    return factor, 2 * float(np.log(np.diag(factor[0])).sum())


def _by_truth(table: Floats, real: int) -> Floats:
    return np.column_stack([table[:, :real].sum(axis=1), table[:, real:].sum(axis=1)])


def _times(blocks: Floats, vectors: Floats) -> Floats:
    return np.asarray(np.einsum("pts,ps->pt", blocks, vectors))


def _between(old: Effects, new: Effects, share: float) -> Effects:
    return old[0] + share * (new[0] - old[0]), old[1] + share * (new[1] - old[1])


def _mills(x: Floats) -> Floats:
    """φ(x) / Φ(x), without overflow or cancellation."""
    return np.asarray(np.sqrt(2 / np.pi) / erfcx(-x / np.sqrt(2)))

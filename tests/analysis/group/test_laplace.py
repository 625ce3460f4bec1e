"""The Laplace likelihood against finite differences, against itself from the other side, and an exact integral."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import log_ndtr

from analysis.group import laplace
from analysis.group.laplace import Answers, Information, Laplace

Floats = npt.NDArray[np.float64]
PARAMETERS = np.array([-0.3, 0.4, 0.5, -0.3, 0.4, 0.6, 0.3])
FLAT = np.array([-0.3, 0.4, 0.5, 0.5, 0.0, 0.0, 0.3])  # a correlation of 1, and real images that do not differ
INFORMATION: list[Information] = ["observed", "expected"]


@pytest.mark.parametrize("information", INFORMATION)
@pytest.mark.parametrize("shape", [(4, 11, 9), (12, 4, 3)])
def test_gradient_is_that_of_the_value(information: Information, shape: tuple[int, int, int]) -> None:
    """Central differences; both sides of the elimination; also where the covariance is singular."""
    likelihood = Laplace(_answers(1, *shape), information)
    for parameters in (PARAMETERS, FLAT):
        _, gradient = likelihood(parameters)
        steps = 1e-5 * np.eye(7)
        numeric = [(likelihood(parameters + e)[0] - likelihood(parameters - e)[0]) / 2e-5 for e in steps]
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("parameters", [PARAMETERS, FLAT])
def test_both_sides_of_the_elimination_agree(parameters: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = _answers(2, 6, 8, 7)
    value, gradient = Laplace(answers)(parameters)
    monkeypatch.setattr(laplace, "_ByParticipants", laplace._ByImages)
    other, other_gradient = Laplace(answers)(parameters)
    assert laplace._ByImages is laplace._ByParticipants
    assert value == pytest.approx(other, abs=1e-10)
    np.testing.assert_allclose(gradient, other_gradient, atol=1e-9)


@pytest.mark.parametrize("shape", [(6, 8, 7), (9, 3, 4)])
def test_value_is_that_of_dense_matrices(shape: tuple[int, int, int]) -> None:
    """The definition, with all design matrices written out and the mode found by Newton's method on b."""
    answers = _answers(3, *shape)
    participants, images = answers.participants, answers.images
    truth = (answers.image >= answers.real).astype(int)
    rows = np.arange(truth.size)
    z = np.zeros((truth.size, 2 * participants + images))
    z[rows, 2 * answers.participant + truth] = 1
    z[rows, 2 * participants + answers.image] = 1
    m = laplace.triangle(PARAMETERS)
    k = np.zeros((z.shape[1],) * 2)
    for p in range(participants):
        k[2 * p : 2 * p + 2, 2 * p : 2 * p + 2] = m @ m.T
    kinds = (np.arange(images) >= answers.real).astype(int)
    k[2 * participants :, 2 * participants :] = np.diag(PARAMETERS[5:][kinds] ** 2)
    b, inverse = np.zeros(z.shape[1]), np.linalg.inv(k)
    for _ in range(30):
        x = answers.sign * (PARAMETERS[:2][truth] + z @ b)
        mills = np.exp(-(x**2) / 2 - log_ndtr(x)) / np.sqrt(2 * np.pi)
        weights = mills * (mills + x)
        hessian = z.T @ (weights[:, None] * z)
        b = b + np.linalg.solve(hessian + inverse, z.T @ (answers.sign * mills) - inverse @ b)
    expected = -np.sum(log_ndtr(x)) + b @ inverse @ b / 2 + np.linalg.slogdet(np.eye(b.size) + k @ hessian)[1] / 2
    assert Laplace(answers)(PARAMETERS)[0] == pytest.approx(expected, abs=1e-9)


def test_observed_information_is_nearer_to_the_exact_likelihood() -> None:
    """Without participants' effects the integral is one-dimensional for each image: Gauss–Hermite, 60 points.

    Six answers an image. On the log-likelihood of 60 images the observed information errs by less than .4
    and the expected one by three times as much.
    """
    answers = _answers(4, 6, 30, 30)
    parameters = np.array([0.1, 0.3, 0, 0, 0, 0.6, 0.6])
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    generated = answers.image >= answers.real
    eta = np.where(generated, 0.3, 0.1)[:, None] + 0.6 * nodes
    by_image = np.zeros((answers.images, nodes.size))
    np.add.at(by_image, answers.image, log_ndtr(answers.sign[:, None] * eta))
    exact = -np.sum(np.log(np.exp(by_image) @ weights / np.sqrt(2 * np.pi)))
    observed, expected = (abs(Laplace(answers, which)(parameters)[0] - exact) for which in INFORMATION)
    assert observed < 0.4
    assert observed < expected / 3


def test_a_warm_start_finds_the_same_mode() -> None:
    """The value depends on the parameters only, not on those asked for before."""
    likelihood = Laplace(_answers(5, 5, 10, 10))
    fresh = likelihood(PARAMETERS)
    likelihood(np.array([2.0, -2, 3, 1, 2, 4, 0.01]))
    again = likelihood(PARAMETERS)
    assert again[0] == pytest.approx(fresh[0], abs=1e-9)
    np.testing.assert_allclose(again[1], fresh[1], atol=1e-7)


def _answers(seed: int, participants: int, real: int, generated: int) -> Answers:
    """Random answers, a tenth of them missing."""
    rng = np.random.default_rng(seed)
    people, images = np.nonzero(rng.random((participants, real + generated)) < 0.9)
    sign = np.where(rng.standard_normal(people.size) < 0.8 * rng.standard_normal(real + generated)[images], 1.0, -1.0)
    return Answers(people, images, sign, participants, real + generated, real)

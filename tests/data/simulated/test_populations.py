"""Populations of simulated observers: whole studies at once say what `Observer.judge` says one by one."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from data.simulated.observers import Observer, usual_cuts
from data.simulated.populations import USUAL, Population, _pull, draw_group, draw_ratings, read_population

SIGMAS = 4.5  # of the Monte-Carlo estimate; about 1 in 150,000 by chance


def test_a_group_has_the_set_mean_and_spread_of_dprime_and_criterion() -> None:
    count = 3000
    group = draw_group(count, 5, Population(dprime=0.7, between_sd=0.4, criterion_sd=0.25))
    for values, mean, sd in (([o.dprime for o in group], 0.7, 0.4), ([o.criterion for o in group], 0.0, 0.25)):
        assert abs(np.mean(values) - mean) < SIGMAS * sd / math.sqrt(count)
        assert abs(np.std(values, ddof=1) - sd) < SIGMAS * sd / math.sqrt(2 * count)
    assert abs(np.corrcoef([o.dprime for o in group], [o.criterion for o in group])[0, 1]) < SIGMAS / math.sqrt(count)


def test_a_group_shares_its_images_but_each_observer_is_someone_else() -> None:
    group = draw_group(50, 5, Population(image_sd=0.4, own_sd=0.2, lapse=0.03))
    assert {o.image_seed for o in group} == {5}
    assert len({o.seed for o in group}) == 50
    assert {(o.image_sd, o.own_sd, o.lapse) for o in group} == {(0.4, 0.2, 0.03)}
    assert draw_group(50, 5, Population(image_sd=0.4, own_sd=0.2, lapse=0.03)) == group
    assert draw_group(50, 6)[0] != group[0]
    assert draw_group(3, 5) == draw_group(9, 5)[:3]  # a larger group keeps its first members
    assert draw_group(0, 5) == []


@pytest.mark.parametrize("name", ["between_sd", "criterion_sd"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_impossible_populations_are_refused(name: str, value: float, refuses: Any) -> None:
    with refuses("out-of-range") as caught:
        Population(**{name: value})
    assert name in str(caught.value)


def test_a_populations_members_are_checked_too(refuses: Any) -> None:
    with refuses("out-of-range") as caught:
        Population(image_sd=1.2)
    assert "image_sd" in str(caught.value)


@pytest.mark.parametrize("own_images", [False, True])
def test_ratings_of_whole_studies_follow_the_model_of_judge(own_images: bool) -> None:
    """Shares of each rating, and the covariance of two observers' evidence on one image, against judge's model."""
    population = Population(dprime=0.8, between_sd=0.3, criterion_sd=0.2, image_sd=0.5, lapse=0.05)
    generated = np.arange(40) % 2 == 1
    ratings = draw_ratings(population, 20, generated, np.random.default_rng(1), studies=400, own_images=own_images)
    assert ratings.shape == (400, 20, 40)
    assert set(np.unique(ratings)) == {-4, -3, -2, -1, 1, 2, 3, 4}
    # Over observers, evidence less criterion is normal with all variances added up.
    sd = math.sqrt(1 + 0.2**2 + (0.3 / 2) ** 2)
    edges = np.array([-np.inf, *(-np.array(usual_cuts(4)[::-1])), 0, *usual_cuts(4), np.inf])
    for is_generated, mean in ((True, 0.4), (False, -0.4)):
        found = [np.mean(ratings[..., generated == is_generated] == r) for r in (-4, -3, -2, -1, 1, 2, 3, 4)]
        expected = 0.95 * np.diff(norm.cdf((edges - mean) / sd)) + 0.05 / 8
        np.testing.assert_allclose(found, expected, atol=0.006)
    said = (ratings > 0).astype(float)
    pairs = np.array([np.mean((said[:, a] - said.mean()) * (said[:, b] - said.mean())) for a, b in ((0, 1), (2, 3))])
    alone = np.mean((said[:, 0] - said.mean()) ** 2)
    share = pairs.mean() / alone
    assert (share > 0.15) != own_images  # one image moves all its observers, unless each has his own


def test_ratings_of_studies_repeat_from_a_seed() -> None:
    generated = np.array([True, False])
    one, two = (draw_ratings(Population(), 3, generated, np.random.default_rng(7), studies=2) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [
        {"signal_sd": 1.6},
        {"confidence_noise": 0.8, "lapse": 0.1},
        {"fatigue": 2.0},
        {"serial_response": 1.2, "lapse": 0.2},
        {"serial_evidence": -0.7},
        {"serial_response": -1.0, "serial_evidence": 0.5, "fatigue": 1.0, "signal_sd": 0.7, "confidence_noise": 0.4},
    ],
)
def test_whole_studies_and_single_judgements_agree(parameters: dict[str, float]) -> None:
    """Shares of ratings after each kind of answer, early and late, from 300 observers either way."""
    people, images = 300, 60
    population = Population(dprime=1.5, between_sd=0.0, criterion_sd=0.0, criterion=0.3, **parameters)
    generated = np.arange(images) % 2 == 1
    rng = np.random.default_rng(5)
    judged = np.zeros((people, images))
    for person in range(people):
        observer = population.observer(1.5, 0.3, seed=person, image_seed=person)
        order = rng.permutation(images)
        truths = [("real", "generated")[image % 2] for image in order]
        said = observer.judge_in_order([(f"s{i}", t) for i, t in zip(order, truths, strict=True)], 1)
        signs = [1 if one.response == "generated" else -1 for one in said]
        judged[person, order] = [sign * one.confidence for sign, one in zip(signs, said, strict=True)]
    drawn = draw_ratings(population, people, generated, rng, own_images=True)[0]
    for truth in (True, False):
        for rating in (-4, -3, -2, -1, 1, 2, 3, 4):
            shares = [float(np.mean(one[:, generated == truth] == rating)) for one in (judged, drawn)]
            pooled = max(np.mean(shares), 0.01)
            # Answers of one observer hang together under serial dependence, hence twice the variance.
            error = math.sqrt(2 * 2 * pooled * (1 - pooled) / (people * images / 2))
            assert abs(shares[0] - shares[1]) < SIGMAS * error, (truth, rating, shares)


def test_ratings_in_the_order_shown_depend_on_the_last_answer() -> None:
    """Every image alike and no evidence: the probability of a repeat is Φ(w / 2), whatever the order."""
    population = Population(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, serial_response=1.0)
    ratings = draw_ratings(population, 400, np.zeros(50, dtype=np.bool_), np.random.default_rng(2))[0]
    # Seen through a random order, the answers of one observer stay even: no side is preferred.
    assert abs(np.mean(ratings > 0) - 0.5) < 0.02
    # Runs of the same answer spread the totals: variance n (1 + r) / (1 - r) / 4 with r = 2 Φ(1/2) - 1.
    r = 2 * norm.cdf(0.5) - 1
    assert np.var((ratings > 0).sum(axis=1)) == pytest.approx(50 * (1 + r) / (1 - r) / 4, rel=0.3)


def test_each_image_is_pulled_by_the_one_shown_before_it() -> None:
    """By hand: images 2, 0, 3, 1 shown in this order; image 3 was a lapse, answered "generated"."""
    population = Population(serial_response=1.0, serial_evidence=0.5)
    evidence = np.array([[[0.8, -0.2, -1.0, -2.0]]], np.float32)
    distance = evidence - np.float32(0.1)
    guesses = np.array([[[0, 0, 0, 3]]], np.int8)
    pull = _pull(population, evidence, distance, guesses, np.array([[[2, 0, 3, 1]]]))
    # Image 0: after "real" (-1.1), evidence -1.0. Image 3: after .7 - 1.0 < 0, "real", evidence .8. Image 1: after 3.
    np.testing.assert_allclose(pull, [[[-0.5 - 0.5, 0.5 - 1.0, 0.0, -0.5 + 0.4]]], atol=1e-6)


def test_fatigue_lowers_the_mean_dprime_as_integrated() -> None:
    population = Population(2.0, 0.0, 0.0, 0.0, 0.0, 0.0, fatigue=1.0)
    generated = np.arange(100) % 2 == 1
    ratings = draw_ratings(population, 200, generated, np.random.default_rng(3))[0]
    expected = np.mean(norm.cdf(np.exp(-np.arange(100) / 100)))
    assert abs(np.mean((ratings > 0) == generated) - expected) < SIGMAS * math.sqrt(0.2 / ratings.size)


def test_a_member_is_the_same_whenever_the_name_is() -> None:
    population = Population(dprime=0.7, between_sd=0.4, criterion=0.2, criterion_sd=0.25, fatigue=0.3)
    assert population.member("k7q2m") == population.member("k7q2m") != population.member("k7q2n")
    members = [population.member(f"p{n}") for n in range(2000)]
    for values, mean, sd in (([o.dprime for o in members], 0.7, 0.4), ([o.criterion for o in members], 0.2, 0.25)):
        assert abs(np.mean(values) - mean) < SIGMAS * sd / math.sqrt(2000)
        assert abs(np.std(values) - sd) < SIGMAS * sd / math.sqrt(4000)
    assert {o.fatigue for o in members} == {0.3}


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_reaches_every_parameter(tmp_path: Path) -> None:
    values = {one.name: 0.125 + place / 100 for place, one in enumerate(fields(Population))}
    values |= {"image_seed": 7, "confidence_cuts": [0.5, 1.5]}
    found = read_population(written(tmp_path / "o.toml", "\n".join(f"{k} = {v}" for k, v in values.items())))
    assert {one.name: getattr(found, one.name) for one in fields(found)} == values | {"confidence_cuts": (0.5, 1.5)}
    # Whatever one observer can have, a file can say, but who it is.
    assert {one.name for one in fields(Observer)} - {one.name for one in fields(Population)} == {"seed", "internal_sd"}
    assert read_population(written(tmp_path / "none.toml", "")) == USUAL


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("dprme = 1", "unknown-setting", "dprme: no such setting; did you mean 'dprime'"),
        ("seed = 3", "unknown-setting", "seed: no such setting"),
        ("dprime = '1'", "bad-setting", "dprime: Input should be a valid number"),
        ("lapse = true", "bad-setting", "lapse: Input should be a valid number"),
        ("image_seed = 1.5", "bad-setting", "image_seed: Input should be a valid integer"),
        ("confidence_cuts = 0.5", "bad-setting", "confidence_cuts: Input should be a valid tuple"),
        ("confidence_cuts = [0.5, 'x']", "bad-setting", "confidence_cuts.1: Input should be a valid number"),
        ("lapse = 2", "out-of-range", "lapse 2.0: must be a share"),
        ("dprime = nan", "out-of-range", "dprime is nan"),
        ("dprime = ", "not-toml", "not readable as TOML"),
    ],
)
def test_a_faulty_file_is_refused_by_name(tmp_path: Path, text: str, code: str, message: str, refuses: Any) -> None:
    with refuses(code) as caught:
        read_population(written(tmp_path / "o.toml", text))
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path, refuses: Any) -> None:
    with refuses("no-such-file") as caught:
        read_population(tmp_path / "none.toml")
    assert "none.toml" in str(caught.value)

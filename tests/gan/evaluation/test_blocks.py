"""Scores over blocks, from measures whose answers are known."""

import numpy as np
import pytest
import torch

from gan.evaluation.blocks import score_blocks

LOOSE = (-np.inf, np.inf)
PATIENTS = np.repeat(np.arange(50), 2)


def shares(values):
    """The weighted mean of each real image's value, and of each generated image's."""

    def measure(real, fake):
        return float(real @ values[0] / real.sum()), float(fake @ values[1] / fake.sum())

    return measure


def made(count, seed=0):
    """Measures of blocks with the same real images, whose value patients share, and other generated ones."""
    rng = np.random.default_rng(seed)
    real = np.repeat(rng.normal(size=50), 2)
    return [shares([torch.from_numpy(real), torch.from_numpy(rng.normal(size=100))]) for _ in range(count)], real


def scored(blocks, deals=(), metrics=None, resamples=400):
    return score_blocks(
        metrics or {"real": (LOOSE, 1), "fake": (LOOSE, -1)},
        blocks,
        deals,
        PATIENTS,
        np.random.default_rng(1),
        resamples,
    )


def test_the_value_is_the_mean_of_the_blocks():
    blocks, _ = made(3)
    found = scored(blocks)["fake"]
    assert len(set(found.blocks)) == 3
    assert found.generated.value == pytest.approx(np.mean(found.blocks))


def test_patients_are_the_same_in_every_block_and_seeds_are_not():
    """The mean of five blocks is as uncertain as one in its patients, and √5 times less in its seeds."""
    real = made(1)[1]
    one, five = scored(made(1)[0]), scored(made(5)[0])
    patients = 2 * 1.96 * real[::2].std() / 50**0.5
    assert one["real"].generated.high - one["real"].generated.low == pytest.approx(patients, rel=0.15)
    same, shrunk = (
        (five[name].generated.high - five[name].generated.low) / (one[name].generated.high - one[name].generated.low)
        for name in ("real", "fake")
    )
    assert same == pytest.approx(1, abs=0.1)
    assert shrunk == pytest.approx(5**-0.5, abs=0.12)


def test_chance_is_the_share_of_deals_as_bad_on_the_side_that_is_worse():
    blocks, _ = made(1)
    value = scored(blocks)["real"].generated.value
    deals = [(value + step, value + step) for step in np.linspace(-1, 1, 41)]
    found = score_blocks({"up": (LOOSE, 1), "down": (LOOSE, -1)}, [lambda *_: (value, value - 0.5)], deals, PATIENTS,
                         np.random.default_rng(0), 2)  # fmt: skip
    assert found["up"].chance == pytest.approx((21 + 1) / 42)
    assert found["down"].chance == pytest.approx((11 + 1) / 42)
    assert (found["up"].deals, found["up"].real.value) == (41, pytest.approx(value))
    assert found["up"].real.high == pytest.approx(value + 0.95)


def test_few_deals_give_their_range_and_no_chance():
    found = scored(made(1)[0], deals=[(0.1, 1.0), (0.3, 2.0)])["real"]
    assert (found.real.low, found.real.value, found.real.high) == (0.1, pytest.approx(0.2), 0.3)
    assert found.chance is None
    assert scored(made(1)[0])["real"].real is None


def test_an_interval_stays_inside_the_bounds():
    metrics = {"real": ((0.0, 1.0), 1), "fake": (LOOSE, 1)}
    found = scored([lambda *_: (1.0, 0.0)], metrics=metrics)["real"]
    assert (found.generated.low, found.generated.high) == (1.0, 1.0)


def test_training_patches_are_measured_whole():
    found = scored(made(1)[0], resamples=2)
    assert found["real"].training is None
    with_training = score_blocks(
        {"real": (LOOSE, 1), "fake": (LOOSE, 1)},
        made(1)[0],
        [],
        PATIENTS,
        np.random.default_rng(1),
        2,
        lambda *_: (7, 8),
    )
    assert (with_training["real"].training, with_training["fake"].training) == (7, 8)
    assert with_training["real"].generated == found["real"].generated

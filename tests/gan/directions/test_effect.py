"""What judges say of edits: a direction that changes what a label is about holds, others do not."""

import numpy as np
import pandas as pd
import pytest

from gan.bootstrap import estimate
from gan.directions.effect import SIZE, RealPatches, measure_effects
from gan.directions.fit import FittedDirection
from gan.networks.code_space import CodeSpace

LABELS = ("bright", "coin")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"own": 1.0}, ""),
        ({"own": 1.0, "judge": (0.6, 0.49, 0.7)}, "no judge learned the label from real patches"),
        ({"own": 0.2}, "the judge does not move along it"),
        ({"own": -1.0}, "the judge does not move along it"),
        ({"own": 0.5, "random": 0.4}, "random directions move the judge as far"),
        ({"own": 0.5, "others": -0.6}, "b moves farther"),
    ],
)
def test_a_direction_holds_or_says_why_not(given, fault, effect_of):
    assert effect_of(**given).fault == fault


def real(images, seed):
    rng = np.random.default_rng(seed)
    bright = (images.mean(axis=(1, 2)) > np.median(images.mean(axis=(1, 2)))).astype(float)
    labels = pd.DataFrame({"bright": bright, "coin": rng.integers(0, 2, len(images)).astype(float)})
    labels.loc[0, "coin"] = np.nan
    return RealPatches(images, np.arange(len(images)).astype(str), labels, np.full(len(images), np.nan))


@pytest.fixture
def measured(model, monkeypatch):
    """Of real patches that are generated ones, the label `bright` follows grey; `coin` follows nothing.

    The first direction moves grey, the second is any.
    """
    from gan.directions.fit import appearance
    from gan.directions.sample import sample_of
    from gan.generate import images_from_seeds

    monkeypatch.setattr("gan.directions.sample.SEEDS", range(200))
    for name, few in (("IMAGES", 6), ("RANDOM", 6), ("_RESAMPLES", 20)):
        monkeypatch.setattr(f"gan.directions.effect.{name}", few)
    space = CodeSpace(model.generator.architecture)
    space.fit(model.generator)
    grey = appearance(sample_of(model, space))[:, 0]
    images = images_from_seeds(model.generator, range(160), psi=1.0)
    first, second = real(images[:80], 0), real(images[80:], 1)
    sample = sample_of(model, space)
    way = grey * np.sign(np.corrcoef(sample.codes @ grey, sample.images.mean(axis=(1, 2)))[0, 1])
    ways = {"bright": way, "coin": np.eye(16)[5]}
    fitted = [FittedDirection(name, ways[name], estimate(0.9, [0.9, 0.9]), 0.5, 40, 40) for name in LABELS]
    return measure_effects(model, space, fitted, np.zeros((16, 1)), first, second)


@pytest.mark.slow
def test_the_judge_of_a_label_moves_along_its_direction(measured):
    bright, coin = measured
    assert bright.judge_auc.low > 0.5
    assert bright.own.low > 0
    assert bright.moves["mean grey"].low > 0
    assert bright.own.value > 1.645 * bright.random_sd
    assert coin.fault
    assert SIZE not in bright.moves  # unknown here
    assert "coin" not in bright.moves  # no judge can tell it
    assert {"bright", "coin", "mean grey", "contrast", "fine detail"} == set(coin.moves)

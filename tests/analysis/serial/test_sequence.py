"""Two trials back, similarity and time on task: recovered, kept apart, and at their level."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit

from analysis.firth import firth
from analysis.serial.sequence import ImageSimilarity, SequenceEffects, sequence_effects

WORDS = np.array(["real", "generated"])


def answered(seed, trials=200, r1=0.0, t1=0.0, r2=0.0, t2=0.0, time=0.0, gain=0.0, alike=None, tuned=0.0, name="p1"):
    """One observer whose log-odds are known; `alike` (images, images) from −.5 to .5 tunes the previous response."""
    rng = np.random.default_rng(seed)
    truth, image = rng.permutation(np.arange(trials) % 2), rng.permutation(trials)
    said = np.zeros(trials, dtype=int)
    for k in range(trials):
        passed = k / (trials - 1) - 0.5
        z = (1 + gain * passed) * (truth[k] - 0.5) + time * passed
        if k:
            grade = 0 if alike is None else alike[image[k], image[k - 1]]
            z += (r1 + tuned * grade) * (said[k - 1] - 0.5) + t1 * (truth[k - 1] - 0.5)
        if k > 1:
            z += r2 * (said[k - 2] - 0.5) + t2 * (truth[k - 2] - 0.5)
        said[k] = rng.random() < expit(z)
    return pd.DataFrame(
        {
            "participant": name,
            "trial": np.arange(1, trials + 1),
            "stimulus_id": image.astype(str),
            "truth": WORDS[truth],
            "response": WORDS[said],
        }
    )


def group(n=6, **true):
    return pd.concat([answered(seed, name=f"p{seed}", **true) for seed in range(n)], ignore_index=True)


def effects(found):
    return {one.name: one for one in found.effects}


def test_it_is_a_logistic_regression_of_the_trials():
    """Firth's estimate of the same design, trial by trial, and statsmodels' without the penalty is near."""
    table = answered(1, trials=600, r1=0.8, t2=-0.5)
    said, truth = ((table[name] == "generated").to_numpy().astype(float) for name in ("response", "truth"))
    place = np.arange(600)[2:] * 10 // 600
    moved = np.polynomial.legendre.legvander((2 * place + 1) / 10 - 1, 3)[:, 1:]
    columns = [said[1:-1], truth[1:-1], said[:-2], truth[:-2], truth[2:]]
    design = np.column_stack([np.ones(598), *(one - 0.5 for one in columns), moved])
    counts = np.column_stack([1 - said[2:], said[2:]])[None]
    expected = firth(design, counts)[0][0, 1:5]
    found = effects(sequence_effects(table, redraws=5))
    names = ("response 1 back", "truth 1 back", "response 2 back", "truth 2 back")
    raw = [found[name].participants["p1"].raw for name in names]
    np.testing.assert_allclose(raw, expected, atol=1e-5)
    np.testing.assert_allclose(raw, sm.Logit(said[2:], design).fit(disp=0).params[1:5], atol=0.05)


@pytest.mark.parametrize(
    ("true", "name"),
    [
        ({"r1": 1.2}, "response 1 back"),
        ({"t1": 1.2}, "truth 1 back"),
        ({"r2": -1.2}, "response 2 back"),
        ({"t2": 1.2}, "truth 2 back"),
        ({"time": 1.5}, "criterion over time"),
        ({"gain": 2.5}, "sensitivity over time"),
    ],
)
def test_an_effect_is_recovered_with_its_sign_and_the_others_are_not_found(true, name):
    found = effects(sequence_effects(group(**true), redraws=200))
    (value,) = true.values()
    assert found[name].group.mean == pytest.approx(value, abs=0.45 * abs(value))
    assert found[name].group.p < 0.05
    others = [one.group.p for key, one in found.items() if key != name]
    assert sum(p < 0.01 for p in others) <= 1


def test_dependence_that_is_tuned_to_similarity_is_found_in_that_similarity_alone():
    rng = np.random.default_rng(1)
    where = rng.random((200, 2))
    one, other = (np.abs(where[:, [k]] - where[:, k]) for k in (0, 1))
    alike = 0.5 - (np.argsort(np.argsort(one.ravel())) / one.size).reshape(one.shape)
    ids = tuple(str(k) for k in range(200))
    given = [ImageSimilarity("first", ids, -one), ImageSimilarity("second", ids, -other)]
    found = effects(sequence_effects(group(8, r1=0.5, alike=alike, tuned=4.0), given, redraws=200))
    tuned = found["response 1 back x similarity (first)"].group
    assert tuned.mean > 1
    assert tuned.p < 0.05
    assert abs(found["response 1 back x similarity (second)"].group.mean) < tuned.mean / 2


def test_batches_are_told_from_the_session():
    """The criterion rises within each batch and starts anew: no trend over the session."""
    table = group(6, trials=200)
    within = (table["trial"] - 1) % 50 / 49 - 0.5
    rng = np.random.default_rng(1)
    table["response"] = WORDS[(rng.random(len(table)) < expit(2 * within)).astype(int)]
    table["after_gap"] = (table["trial"] - 1) % 50 == 0
    found = effects(sequence_effects(table, redraws=200))
    assert found["criterion within a batch"].group.mean == pytest.approx(2, abs=0.6)
    assert found["criterion within a batch"].group.p < 0.05
    assert abs(found["criterion over time"].group.mean) < 0.8
    assert "criterion within a batch" not in effects(sequence_effects(table.drop(columns="after_gap"), redraws=5))


def test_what_is_undefined_says_why_and_comes_back_from_json():
    table = answered(1, trials=40).assign(response="real")
    found = sequence_effects(table, redraws=20)
    assert SequenceEffects.from_json(found.to_json()) == found
    short = sequence_effects(answered(1, trials=2), redraws=20)
    assert "response 1 back" in short.reason
    assert short.table().loc[0, "n"] == 0


def test_similarity_needs_ids_and_every_image(refuses):
    table = answered(1, trials=20)
    similarity = ImageSimilarity("pixels", tuple(str(k) for k in range(20)), np.eye(20))
    with refuses("missing-column"):
        sequence_effects(table.drop(columns="stimulus_id"), [similarity], redraws=5)
    with refuses("unknown-stimulus"):
        sequence_effects(table.assign(stimulus_id="x"), [similarity], redraws=5)


@pytest.mark.slow
def test_without_dependence_p_keeps_its_level():
    """100 groups of 4: each effect's share of p ≤ .05 has a standard error of 2.2%, their mean about 1%."""
    ids = tuple(str(k) for k in range(60))
    matrix = np.random.default_rng(0).random((60, 60))
    given = [ImageSimilarity("any", ids, matrix + matrix.T)]
    small = []
    for seed in range(100):
        tables = [answered(10 * seed + k, trials=60, name=f"p{k}") for k in range(4)]
        found = sequence_effects(pd.concat(tables, ignore_index=True), given, redraws=99, seed=seed)
        small.append([one.group.p <= 0.05 for one in found.effects])
    assert np.mean(small) < 0.07
    assert np.mean(small, axis=0).max() < 0.13

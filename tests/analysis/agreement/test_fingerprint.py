"""Error fingerprint: correlations written out, every permutation, level, power and coverage, and what is refused."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from analysis.agreement.fingerprint import Fingerprint, fingerprint

TRUTH = np.array(["real", "generated"] * 30)


def session(evidence, names="abcdef"):
    """Answers and confidences from evidence (participants, images)."""
    count, images = evidence.shape
    values = evidence.ravel()
    return pd.DataFrame(
        {
            "participant": np.repeat(list(names)[:count], images),
            "stimulus_id": np.tile(np.arange(images).astype(str), count),
            "truth": np.tile(TRUTH[:images], count),
            "response": np.where(values > 0, "generated", "real"),
            "confidence": 1 + np.minimum(np.abs(values) * 1.5, 3).astype(int),
        }
    )


def study(seed, n=6, own=0.0, common=0.5):
    rng = np.random.default_rng(seed)
    pattern = common * rng.standard_normal(60) + own * rng.standard_normal((n, 60)) + 0.5 * (TRUTH == "generated")
    return tuple(session(pattern + rng.standard_normal((n, 60))) for _ in range(2))


def residuals(table, name):
    own = table[table["participant"] == name].set_index("stimulus_id").sort_index()
    value = own["confidence"] * own["response"].map({"real": -1, "generated": 1})
    return value - value.groupby(own["truth"]).transform("mean")


def test_correlations_are_pearsons_within_truth():
    first, again = study(1, n=4, own=0.5)
    found = fingerprint(first, again)
    for row, one in enumerate("abcd"):
        for column, other in enumerate("abcd"):
            expected = residuals(first, one).corr(residuals(again, other))
            assert found.correlations[row, column] == pytest.approx(expected)
    off = ~np.eye(4, dtype=bool)
    assert found.own == pytest.approx(np.diag(found.correlations).mean())
    assert found.others == pytest.approx(found.correlations[off].mean())
    assert found.identified == np.mean([one.place == 1 for one in found.participants])


def test_p_is_the_share_of_all_assignments_of_retests():
    first, again = study(2, n=5, own=0.4)
    found = fingerprint(first, again)
    r = found.correlations
    means = [np.mean([r[k, other] for k, other in enumerate(order)]) for order in permutations(range(5))]
    assert found.exact
    assert found.p == pytest.approx(np.mean(np.array(means) >= found.own - 1e-9))


def test_criterion_and_sensitivity_are_no_fingerprint():
    """Observers who differ only in bias and in d′, however much: the pattern within truth is noise."""
    rng = np.random.default_rng(3)
    shift = np.linspace(-1.2, 1.2, 6)[:, None] + np.linspace(0, 2, 6)[:, None] * (TRUTH == "generated")
    found = fingerprint(*(session(shift + rng.standard_normal((6, 60))) for _ in range(2)))
    assert abs(found.difference) < 0.1
    assert found.p > 0.05


def test_rows_and_order_of_participants_do_not_matter_and_it_survives_json():
    first, again = study(4, own=0.5)
    found = fingerprint(first, again)
    assert fingerprint(first.sample(frac=1, random_state=1), again.sample(frac=1, random_state=2)) == found
    assert Fingerprint.from_json(found.to_json()) == found


def test_answers_alone_and_missing_images():
    first, again = study(5, own=0.8)
    found = fingerprint(first.drop(columns="confidence"), again)
    assert found.of == "answers"
    assert found.p < 0.05
    some = again[~((again["participant"] == "a") & (again["stimulus_id"].astype(int) < 20))]
    part = fingerprint(first, some)
    assert [one.images for one in part.participants][:2] == [40, 60]


def test_who_has_no_pattern_is_left_out():
    first, again = study(6, own=0.8)
    again.loc[again["participant"] == "c", ["response", "confidence"]] = ("real", 1)
    few = again[(again["participant"] != "d") | (again["stimulus_id"].astype(int) < 5)]
    found = fingerprint(first, few)
    assert found.n == 4
    assert found.left_out == 2
    assert [one.participant for one in found.participants] == ["a", "b", "e", "f"]
    nobody = fingerprint(first, again[again["participant"] == "a"])
    assert nobody.n == 1
    assert "fewer than two" in nobody.reason
    assert np.isnan(nobody.p)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda t: t.drop(columns="truth"), "missing-column"),
        (lambda t: t.assign(truth="fake"), "unknown-word"),
        (lambda t: pd.concat([t, t]), "repeated-trial"),
    ],
)
def test_what_is_no_session_is_refused(change, code, refuses):
    first, again = study(7)
    with refuses(code):
        fingerprint(change(first), again)


@pytest.mark.slow
def test_level_power_and_coverage():
    """200 studies of 6: a standard error of 1.5% of a level of 5%. Patterns that all share are no fingerprint."""
    null, real, covered = [], [], []
    for seed in range(200):
        null.append(fingerprint(*study(seed, own=0, common=1)).p <= 0.05)
        real.append(fingerprint(*study(seed, own=0.7, common=0.5)).p <= 0.05)
        none = fingerprint(*study(1000 + seed, own=0, common=0.5))
        covered.append(none.low <= 0 <= none.high)
    assert np.mean(null) < 0.09
    assert np.mean(real) > 0.9
    assert np.mean(covered) > 0.9

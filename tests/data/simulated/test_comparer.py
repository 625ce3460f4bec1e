"""Simulated observers of a scale, and the triads of a session."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from data.errors import LookalikeError
from data.scales import Scale
from data.simulated.comparer import SimulatedComparer, draw_triads

LOOP = Scale(tuple(np.arange(0, 360, 30.0).tolist()), (2.0,) * 12, closed=True)


def test_distances_are_the_shorter_arc_or_straight_across():
    arc, chord = SimulatedComparer(LOOP), SimulatedComparer(LOOP, "chord")
    np.testing.assert_allclose(arc.perceived([0, 0, 0], [30, 180, 330]), [2, 12, 2], atol=1e-6)
    # A circle of circumference 24 has a diameter of 24 / π.
    np.testing.assert_allclose(chord.perceived([0], [180]), [24 / np.pi], atol=1e-6)
    path = SimulatedComparer(Scale((0.0, 10.0, 20.0), (1.0, 3.0), closed=False))
    np.testing.assert_allclose(path.perceived([0, 20], [20, 10]), [4, 3], atol=1e-3)


def test_answers_follow_the_difference_of_distances():
    triads = pd.DataFrame({"left_deg": 330.0, "middle_deg": 0.0, "right_deg": 60.0}, index=range(20_000))
    said = SimulatedComparer(LOOP).answer(triads, np.random.default_rng(1))["response"] == "right"
    assert said.mean() == pytest.approx(norm.cdf(2 / 2), abs=4 * 0.5 / np.sqrt(20_000))
    lapsing = SimulatedComparer(LOOP, lapse=0.2).answer(triads, np.random.default_rng(1))["response"] == "right"
    assert lapsing.mean() == pytest.approx(0.1 + 0.8 * norm.cdf(1), abs=0.015)


@pytest.mark.parametrize("closed", [True, False])
def test_triads_are_balanced_and_compare_unequal_arcs(closed):
    where = np.arange(12) * 30.0
    triads = draw_triads(where, 600, closed=closed, rng=np.random.default_rng(1))
    assert set(triads["middle_deg"]) == set(where if closed else where[1:-1])
    if closed:
        assert triads["middle_deg"].value_counts().unique().tolist() == [50]
    arcs = (triads[["left_deg", "right_deg"]].sub(triads["middle_deg"], axis=0) + 180) % 360 - 180 if closed else None
    if arcs is not None:
        assert (np.sign(arcs["left_deg"]) == -np.sign(arcs["right_deg"])).all()
        assert (arcs.abs().sum(axis=1) <= 180).all()
        assert (arcs["left_deg"].abs() != arcs["right_deg"].abs()).mean() > 0.5
    else:
        low, high = triads[["left_deg", "right_deg"]].min(axis=1), triads[["left_deg", "right_deg"]].max(axis=1)
        assert ((low < triads["middle_deg"]) & (triads["middle_deg"] < high)).all()
    swapped = triads["left_deg"] > triads["right_deg"]
    assert 0.4 < swapped.mean() < 0.6


@pytest.mark.parametrize(
    "wrong", [{"positions_deg": [0, 90, 180, 270]}, {"count": 0}, {"widest": 0.1}, {"positions_deg": [0, 9, 3, 20, 30]}]
)
def test_what_makes_no_design_is_refused(wrong):
    wanted = {"positions_deg": np.arange(12) * 30.0, "count": 10, "closed": True, "rng": np.random.default_rng(1)}
    with pytest.raises(LookalikeError) as error:
        draw_triads(**(wanted | wrong))
    assert error.value.code == "out-of-range"


def test_a_share_of_lapses_is_a_share():
    with pytest.raises(LookalikeError):
        SimulatedComparer(LOOP, lapse=1.5)

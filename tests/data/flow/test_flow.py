"""What a task file says of how trials follow one another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import kstest, truncexpon

from data.flow.flow import Flow

TIMES = st.floats(0.05, 5)


def test_a_fixed_time_is_the_same_before_every_trial_and_none_is_none() -> None:
    rng = np.random.default_rng(0)
    assert Flow(fixation_s=0.5).draw_fixations(3, rng) == [0.5, 0.5, 0.5]
    assert Flow().draw_fixations(2, rng) == [None, None]


@given(TIMES, TIMES, st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_times_are_uniform_between_the_shortest_and_the_longest(low: float, span: float, seed: int) -> None:
    flow = Flow(fixation_s=low, fixation_longest_s=low + span)
    drawn = np.array(flow.draw_fixations(400, np.random.default_rng(seed)), dtype=float)
    assert kstest((drawn - low) / span, "uniform").pvalue > 1e-5
    assert flow.draw_fixations(400, np.random.default_rng(seed)) == drawn.tolist()


@given(TIMES, TIMES, st.floats(0.02, 0.48), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_exponential_times_have_the_mean_that_was_asked_for(low: float, span: float, mean: float, seed: int) -> None:
    flow = Flow(fixation_s=low, fixation_longest_s=low + span, fixation_mean_s=low + span * mean)
    drawn = (np.array(flow.draw_fixations(2000, np.random.default_rng(seed)), dtype=float) - low) / span
    assert abs(drawn.mean() - mean) < 5 * 0.3 / np.sqrt(2000)  # no such distribution has an SD above .29
    # By another implementation: the scale whose truncated exponential has this mean, found by its own mean.
    scales = np.geomspace(1e-3, 50, 4000)
    scale = scales[np.argmin(np.abs([truncexpon.mean(1 / one, scale=one) - mean for one in scales[::40]]) * 1.0) * 40]
    close = scales[(scales > scale / 1.6) & (scales < scale * 1.6)]
    scale = close[np.argmin([abs(truncexpon.mean(1 / one, scale=one) - mean) for one in close])]
    assert kstest(drawn, truncexpon(1 / scale, scale=scale).cdf).pvalue > 1e-5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fixation_longest_s": 1.0}, "fixation_longest_s: must be longer than fixation_s"),
        ({"fixation_s": 1.0, "fixation_longest_s": 1.0}, "fixation_longest_s: must be longer"),
        ({"fixation_s": 1.0, "fixation_mean_s": 1.2}, "set both"),
        ({"fixation_s": 1.0, "fixation_longest_s": 2.0, "fixation_mean_s": 1.5}, "below 1.5, half-way"),
        ({"fixation_s": 1.0, "fixation_longest_s": 2.0, "fixation_mean_s": 1.0}, "above 1 and"),
        ({"missed": "repeat"}, "only with timeout_s"),
    ],
)
def test_times_that_do_not_fit_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Flow.model_validate(given)
    assert said in str(caught.value)


def test_settings_left_alone_are_not_written() -> None:
    """So a setting that a later version brings changes no plan's hash."""
    assert Flow().model_dump() == {}
    assert Flow(fixation_s=0.5, touch=True).model_dump() == {"fixation_s": 0.5, "touch": True}

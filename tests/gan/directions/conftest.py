"""An effect of given sizes."""

import pytest

from data.results.result import Estimate
from gan.directions.effect import Effect


@pytest.fixture
def effect_of():
    """The effect of a direction `a` that moves its own judge by `own` and that of `b` by `others`."""

    def make(own, others=0.0, judge=(0.8, 0.7, 0.9), random=0.1):
        moves = {"a": Estimate(own, low=own - 0.3, high=own + 0.3), "b": Estimate(others, low=-1.0, high=1.0)}
        value, low, high = judge
        return Effect("a", Estimate(value, low=low, high=high), moves, random)

    return make

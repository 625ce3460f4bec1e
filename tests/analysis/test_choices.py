"""A mistyped word is refused: no function takes it for another choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
import gan

TRUTH, SAID = ["real", "generated"] * 10, ["real", "generated", "generated", "real", "real"] * 4
TRIALS = pd.DataFrame(
    {"participant": ["a"] * 10 + ["b"] * 10, "stimulus_id": [*range(10)] * 2, "truth": TRUTH, "response": SAID}
)


@pytest.mark.parametrize(
    "call",
    [
        lambda: analysis.dprime(20, 5, 10, 15, correction="loglinear"),
        lambda: analysis.dprime_from_responses(TRUTH, SAID, correction="log_linear"),
        lambda: analysis.two_alternative(20, 5, 10, 15, correction="loglinear"),
        lambda: analysis.same_different(20, 5, 10, 15, correction="loglinear"),
        lambda: analysis.meta_dprime(TRUTH, SAID, [1, 2, 1, 2, 1] * 4, "maniscalco"),
        lambda: analysis.mixed_probit(TRIALS, information="obs"),
        lambda: analysis.bayes_factor([0.3, -0.3, 0.1], direction="two_sided"),
        lambda: analysis.informed_bayes_factor([0.3, -0.3, 0.1], 0.3, direction="both"),
        lambda: analysis.clustered_bootstrap(TRUTH, np.arange(20.0), ["a"] * 20, range(20), seed=1, clusters="all"),
    ],
)
def test_a_mistyped_word_is_refused(call: Callable[[], Any], refuses: Any) -> None:
    with refuses("unknown-choice"):
        call()


def test_a_truncation_that_is_none_is_refused(refuses: Any) -> None:
    with refuses("out-of-range"):
        gan.images_from_seeds(None, [1], psi=7)

"""Planning by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.group.power import power, power_table
from analysis.report.power_report import power_figure, save_power
from data.simulated.populations import Population


@pytest.mark.slow
def test_equivalence_is_rarely_declared_at_the_bound_itself() -> None:
    """True d' .3 is an AUC of .584 = .5 + δ: the error of equivalence is at most 5%; standard error .007."""
    found = power(Population(dprime=0.3, image_sd=0.5), 10, 100, delta=0.084, studies=1000, seed=1)
    assert found.mean_auc == pytest.approx(0.58, abs=0.005)
    assert found.near_chance < 0.07


@pytest.mark.slow
def test_a_difference_is_rarely_found_where_there_is_none() -> None:
    found = power(Population(image_sd=0.5), 10, 100, delta=0.084, studies=1000, seed=2)
    assert found.mean_auc == pytest.approx(0.5, abs=0.005)
    assert found.difference < 0.075
    assert found.near_chance + found.difference + found.undecided == pytest.approx(1)


@pytest.mark.slow
def test_what_helps_helps() -> None:
    base = power(Population(), 6, 60, delta=0.084, studies=300)
    for better in (
        power(Population(), 24, 60, delta=0.084, studies=300),
        power(Population(), 6, 240, delta=0.084, studies=300),
        power(Population(image_sd=0.0), 6, 60, delta=0.084, studies=300),
        power(Population(), 6, 60, delta=0.15, studies=300),
        power(Population(), 6, 60, delta=0.084, studies=300, own_images=True),
    ):
        assert better.near_chance > base.near_chance + 0.08


@pytest.mark.slow
def test_the_same_seed_gives_the_same_table_and_a_picture_of_it(tmp_path) -> None:
    options = {"delta": 0.1, "studies": 20}
    told: list[int] = []
    table = power_table(Population(), [0, 0.5], [3, 5], [20, 40], progress=told.append, **options)
    assert len(table) == len(told) == 8
    pd.testing.assert_frame_equal(table, power_table(Population(), [0, 0.5], [3, 5], [20, 40], **options))
    figure = power_figure(table)
    assert [axes.get_title() for axes in figure.axes] == ["true d′ 0", "true d′ 0.5"]
    line = figure.axes[0].lines[0]
    wanted = table[(table["dprime"] == 0) & (table["images"] == 20)]
    np.testing.assert_allclose(line.get_xydata(), wanted[["participants", "near_chance"]])
    save_power(table, tmp_path / "plan")
    assert {path.name for path in (tmp_path / "plan").iterdir()} == {"power.tsv", "power.png", "power.svg"}


@pytest.mark.parametrize(
    ("participants", "images", "options", "code"),
    [
        (1, 100, {}, "out-of-range"),
        (5, 101, {}, "out-of-range"),
        (5, 2, {}, "out-of-range"),
        (5, 10, {"studies": 0}, "out-of-range"),
        (5, 10, {"delta": -0.1}, "out-of-range"),
        (5, 10, {"level": 1.0}, "out-of-range"),
    ],
)
def test_impossible_studies_are_refused(
    participants: int, images: int, options: dict[str, Any], code: str, refuses: Any
) -> None:
    with refuses(code):
        power(Population(), participants, images, **{"delta": 0.084, "studies": 2, **options})

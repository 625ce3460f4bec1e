"""The group's AUC by other methods: each row is the method it names, and methods that cannot be used say so."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analysis.mrmc import mrmc, obuchowski_rockette, other_methods
from analysis.readings import from_trials
from analysis.roc import clusters as roc_clusters
from analysis.roc import permutation as roc_permutation
from data.simulated.populations import Population, draw_ratings


def study(participants: int, images: int = 40, dprime: float = 0.6, seed: int = 0) -> pd.DataFrame:
    generated = np.arange(images) % 2 == 1
    ratings = draw_ratings(Population(dprime=dprime), participants, generated, np.random.default_rng(seed))[0]
    people, place = np.indices(ratings.shape)
    return pd.DataFrame(
        {
            "participant": [f"p{person:02d}" for person in people.flat],
            "stimulus_id": [f"s{image}" for image in place.flat],
            "truth": np.where(generated[place.ravel()], "generated", "real"),
            "rating": ratings.ravel().astype(float),
        }
    )


def by_name(found: tuple[other_methods.MethodResult, ...]) -> dict[str, other_methods.MethodResult]:
    return {one.method.split(" (")[0]: one for one in found}


def test_each_row_is_the_method_that_it_names() -> None:
    rated = study(5)
    rows = by_name(other_methods.auc_by_method(rated, 0.9))
    primary = mrmc.mrmc_auc(rated, level=0.9)
    expected = {
        "one-shot U-statistics": (primary.auc, primary.low, primary.p_chance),
        "t over participants": _read(mrmc.mrmc_auc(rated, level=0.9, images="fixed")),
    }
    for method in ("DeLong", "jackknife", "bootstrap"):
        expected[f"Obuchowski–Rockette, {method}"] = _read(obuchowski_rockette.auc(rated, method.lower(), level=0.9))
    for name, values in expected.items():
        row = rows[name]
        assert (row.value, row.low, row.p) == pytest.approx(values, abs=1e-12), name
        assert row.reason is None
    columns = (rated["truth"], rated["rating"])
    drawn = roc_clusters.clustered_bootstrap(*columns, rated["participant"], rated["stimulus_id"], 0, level=0.9)
    assert rows["bootstrap of both, BCa"].low == drawn.bca_low
    tested = roc_permutation.permutation_test(*columns, 0, participant=rated["participant"], image=rated["stimulus_id"])
    assert rows["permuted labels"].p == tested.p
    assert [row.value for row in rows.values()] == pytest.approx([primary.auc] * 7)


def test_what_needs_one_set_of_images_says_so_and_the_others_stand() -> None:
    own = study(4).assign(stimulus_id=lambda table: table["participant"] + table["stimulus_id"])
    rows = by_name(other_methods.auc_by_method(own))
    for name in ("Obuchowski–Rockette, DeLong", "bootstrap of both, BCa"):
        assert math.isnan(rows[name].value)
        assert rows[name].reason
    assert rows["Obuchowski–Rockette, jackknife"].low < rows["one-shot U-statistics"].value
    assert "images" in str(rows["Obuchowski–Rockette, DeLong"].reason)


def test_one_participant_has_an_interval_over_images_only() -> None:
    rows = by_name(other_methods.auc_by_method(study(1)))
    assert rows["one-shot U-statistics"].low < rows["one-shot U-statistics"].high
    assert math.isnan(rows["t over participants"].low)
    assert "one participant" in str(rows["bootstrap of both, BCa"].reason)


def test_every_method_takes_many_participants() -> None:
    rows = other_methods.auc_by_method(study(other_methods.MOST + 1))
    assert all(one.reason is None for one in rows)
    assert all(one.low < one.value < one.high for one in rows if one.method != "permuted labels")


def test_two_modalities_differ_alike_by_all_methods() -> None:
    both = pd.concat([study(5, dprime=1.2).assign(modality="a"), study(5, dprime=0.2, seed=1).assign(modality="b")])
    rows = by_name(other_methods.difference_by_method(from_trials(both), 0.95))
    expected = mrmc.mrmc_difference(both, level=0.95)
    assert expected.difference > 0.1
    for row in rows.values():
        assert row.value == pytest.approx(expected.difference, abs=1e-9)
        assert row.low < row.value < row.high
    groups = both.assign(participant=both["participant"] + both["modality"])
    unpaired = by_name(other_methods.difference_by_method(from_trials(groups)))
    assert "two groups" in str(unpaired["Obuchowski–Rockette, jackknife"].reason)
    assert not math.isnan(unpaired["one-shot U-statistics"].low)


def _read(found: mrmc.Auc | obuchowski_rockette.OrAuc) -> tuple[float, float, float]:
    return found.auc, found.low, found.p_chance

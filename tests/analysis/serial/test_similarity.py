"""How alike the images of a set are."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from analysis.image_cues.cues import measure_cues
from analysis.serial.sequence import sequence_effects
from analysis.serial.similarity import similarities_of_set


@dataclass(frozen=True)
class Images:
    """What a stimulus set offers here."""

    table: pd.DataFrame
    pixels: dict

    def read(self, name):
        return self.pixels[name]


@pytest.fixture
def images():
    rng = np.random.default_rng(1)
    pixels = {f"i{k}": gaussian_filter(rng.random((32, 32)), 0.5 + k / 8) for k in range(12)}
    pixels["big"] = rng.random((40, 40))
    table = pd.DataFrame({"stimulus_id": [*pixels], "role": ["main"] * 11 + ["practice", "catch"]})
    table["loop_position_deg"] = [*np.arange(0, 330, 30.0), np.nan, np.nan]
    return Images(table, pixels)


def test_similarities_are_those_of_pixels_cues_and_degrees(images):
    pixels, cues, loop = similarities_of_set(images)
    assert [one.name for one in (pixels, cues, loop)] == ["pixels", "cues", "loop"]
    assert pixels.images == (*(f"i{k}" for k in range(11)), "big")
    apart = images.pixels["i3"].astype(float) - images.pixels["i7"]
    assert pixels.matrix[3, 7] == pytest.approx(-np.sqrt(np.mean(apart**2)))
    assert np.isnan(pixels.matrix[3, 11])  # of another size
    values = measure_cues([images.pixels[f"i{k}"] for k in range(11)]).to_numpy(dtype=float)
    values = values[:, values.std(axis=0) > 0]
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    assert cues.matrix[2, 9] == pytest.approx(-np.linalg.norm(scaled[2] - scaled[9]))
    assert loop.matrix[0, 1] == -30
    assert loop.matrix[0, 10] == pytest.approx(-60)
    assert np.isnan(loop.matrix[0, 11])


def test_a_set_without_positions_has_no_similarity_on_a_loop(images):
    few = Images(images.table.assign(loop_position_deg=np.nan), images.pixels)
    assert [one.name for one in similarities_of_set(few)] == ["pixels", "cues"]


def test_pairs_of_unknown_similarity_are_left_out_of_the_regression(images):
    rng = np.random.default_rng(2)
    shown = rng.choice(similarities_of_set(images)[0].images, 300)
    table = pd.DataFrame({"participant": "a", "trial": range(1, 301), "stimulus_id": shown})
    table["truth"], table["response"] = (rng.choice(["real", "generated"], 300) for _ in range(2))
    found = sequence_effects(table, similarities_of_set(images), redraws=20)
    names = [one.name for one in found.effects if "similarity" in one.name]
    assert len(names) == 6
    assert all(np.isfinite(one.group.mean) for one in found.effects)

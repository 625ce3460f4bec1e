"""The whole examination, of arrays and of a stimulus set on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from analysis.image_cues import detectability
from stimuli.sets import Candidate, Layout, StimulusSet, build_set


@pytest.mark.slow
def test_a_blurred_generator_is_given_away_in_a_stimulus_set(tmp_path: Path) -> None:
    """Main images only: catch images, flat at the border, would otherwise be found by it."""
    made = _build(tmp_path / "set")
    found = detectability.detectability_of_set(made)
    table = found.to_frame().set_index("what")
    assert table.loc["noise", "auc"] < 0.1
    assert table.loc["noise", "p"] < 0.001
    assert table.loc["mean", "p"] > 0.05
    assert table.loc["border_mean", "p"] > 0.05
    assert table.loc["all cues", "auc"] > 0.9
    assert table.loc["Gabor energy", "auc"] > 0.9
    assert table.loc["Laguerre–Gauss", "p"] > 0.05
    assert list(table["kind"].unique()) == ["cue", "classifier", "model observer"]
    noise = next(one for one in found.cues.cues if one.cue == "noise")
    assert (noise.real, noise.generated) == (40, 40)
    assert found.observers[0].found.groups == 20 + 40
    noisy = {one.observer: one for one in found.as_people(0.8)}
    assert noisy["Gabor energy"].dprime == pytest.approx(0.8, abs=1e-3)
    assert noisy["Gabor energy"].noise_sd > 1
    assert np.isnan(noisy["Laguerre–Gauss"].noise_sd)  # it sees less than that already
    assert found.as_people(-0.1) == found.as_people(np.nan) == []
    assert isinstance(found.to_dict()["observers"][2]["found"]["auc"], float)


def test_a_set_without_patients_or_main_images_is_refused(tmp_path: Path, refuses: Any) -> None:
    made = _build(tmp_path / "set")
    nameless = made.table.assign(patient=made.table["patient"].where(made.table["stimulus_id"] != _first_real(made)))
    with refuses("missing-value"):
        detectability.detectability_of_set(StimulusSet(made.folder, nameless, made.about, made.sha256))
    with refuses("no-main-image"):
        detectability.detectability_of_set(
            StimulusSet(made.folder, made.table.assign(role="practice"), made.about, made.sha256)
        )


def _first_real(made: StimulusSet) -> str:
    main = made.select("main")
    return str(main.loc[main["truth"] == "real", "stimulus_id"].iloc[0])


def _build(folder: Path) -> StimulusSet:
    """40 real images of 20 patients, 40 generated ones a little blurred, and 10 catch images with a white frame."""
    rng = np.random.default_rng(1)
    images = 0.5 + 0.05 * rng.normal(size=(90, 32, 32)) + 0.05 * rng.normal(size=(90, 1, 1))
    images = np.clip(images, 0, 1).astype(np.float32)
    blurred = gaussian_filter(images[40:80], (0, 0.5, 0.5))
    framed = images[80:].copy()
    framed[:, 0] = framed[:, -1] = 1
    return build_set(
        folder,
        [Candidate(image, f"patch:{n}", patient=f"p{n // 2}") for n, image in enumerate(images[:40])],
        [Candidate(image, f"seed:{n}") for n, image in enumerate(blurred)],
        Layout(main=80, catch=10),
        {},
        catch=[Candidate(image, f"seed:{100 + n}") for n, image in enumerate(framed)],
    )

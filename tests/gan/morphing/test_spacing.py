"""Loops in equal steps of a perceptual scale."""

from dataclasses import replace

import numpy as np
import pytest

from data.loops import read_loop
from data.scales import LoopIdentity, Scale
from gan.codes import codes_of_seeds
from gan.morphing.loop import LoopSettings, make_loop
from gan.morphing.spacing import ON_SCALE
from stimuli.images import read_image

SETTINGS = LoopSettings(24, metric="pixel", bits=16)


def frames_of(folder):
    return np.stack([read_image(folder / frame.file).pixels for frame in read_loop(folder).frames])


def identity(loop, model):
    return LoopIdentity(model.sha256, loop.anchors_sha256, loop.path, loop.metric, len(loop.frames))


@pytest.fixture
def compared(model, tmp_path):
    loop = make_loop(model, tmp_path / "compared", codes_of_seeds(model, [1, 2, 3]), SETTINGS)
    return loop, frames_of(tmp_path / "compared")


def test_an_even_scale_gives_the_same_frames_again(model, compared, tmp_path):
    loop, images = compared
    scale = Scale(tuple(np.arange(0, 360, 45.0).tolist()), (2.0,) * 8, True, identity(loop, model))
    made = make_loop(model, tmp_path / "again", codes_of_seeds(model, [1, 2, 3]), SETTINGS, scale=scale)
    np.testing.assert_allclose(frames_of(tmp_path / "again"), images, atol=2e-3)
    assert made.metric == ON_SCALE
    assert made.evenness < 0.01
    assert made.measures["scale"]["jnd_per_step"] == pytest.approx(16 / 24)
    assert [frame.step for frame in made.frames] == pytest.approx([16 / 24] * 24)


def test_a_half_that_looks_twice_as_large_gets_twice_as_many_frames(model, compared, tmp_path):
    loop, images = compared
    scale = Scale(tuple(np.arange(0, 360, 15.0).tolist()), (2.0,) * 12 + (1.0,) * 12, True, identity(loop, model))
    made = make_loop(model, tmp_path / "scaled", codes_of_seeds(model, [1, 2, 3]), SETTINGS, scale=scale)
    where = np.array(made.measures["scale"]["positions_deg"])
    assert (where < 180).sum() == 16
    np.testing.assert_allclose(where[[0, 4, 16, 20]], [0, 45, 180, 270], atol=2)
    # Frame 4 is at 45°, where frame 3 of the compared loop is.
    away = np.abs(images - frames_of(tmp_path / "scaled")[4]).mean(axis=(1, 2))
    assert away.argmin() == 3
    assert [frame.position_deg for frame in made.frames] == [15.0 * k for k in range(24)]
    assert made == read_loop(tmp_path / "scaled")


def test_an_open_path_keeps_its_ends(model, tmp_path):
    settings = LoopSettings(13, path="open", metric="pixel", bits=16)
    anchors = codes_of_seeds(model, [4, 9])
    loop = make_loop(model, tmp_path / "path", anchors, settings)
    scale = Scale(tuple(np.linspace(0, 180, 7).tolist()), (1.0, 1, 1, 2, 2, 2), False, identity(loop, model))
    make_loop(model, tmp_path / "scaled", anchors, settings, scale=scale)
    one, other = frames_of(tmp_path / "path"), frames_of(tmp_path / "scaled")
    np.testing.assert_allclose(other[[0, -1]], one[[0, -1]], atol=1e-3)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"model_sha256": "f" * 64}, "other-model"),
        ({"path": "straight"}, "other-loop"),
        ({"metric": "another"}, "other-loop"),
        ({"metric": ON_SCALE}, "other-loop"),
        (None, "other-loop"),
    ],
)
def test_the_scale_of_another_loop_is_refused(model, compared, tmp_path, refuses, change, code):
    whose = None if change is None else replace(identity(compared[0], model), **change)
    scale = Scale(tuple(np.arange(0, 360, 45.0).tolist()), (2.0,) * 8, True, whose)
    with refuses(code):
        make_loop(model, tmp_path / "no", codes_of_seeds(model, [1, 2, 3]), SETTINGS, scale=scale)
    assert not (tmp_path / "no").exists()

"""A loop of classic stimuli is a loop like any other."""

from __future__ import annotations

import numpy as np
import pytest

from data.loops import read_loop
from stimuli.classic.loop import ClassicLoop, make_classic_loop
from stimuli.classic.rendering import Look
from stimuli.classic.tissue import Tissue
from stimuli.images import read_image
from stimuli.loop_set import read_loops


@pytest.fixture
def backgrounds(texture):
    return [Tissue(0.2 + 0.4 * texture(n), f"p{n}-1", f"patient{n}") for n in range(3)]


def test_it_is_read_back_with_even_steps_and_its_patient(backgrounds, tmp_path):
    made = make_classic_loop(tmp_path / "loop", backgrounds, ClassicLoop(frames=12, seed=4), {"patches_sha256": "ab"})
    assert read_loop(tmp_path / "loop") == made
    assert made.patients == (("patient0",),) * 3
    assert made.anchors == (0, 4, 8)
    assert made.evenness == 0
    assert made.measures["tissue"] == "p0-1"
    assert made.measures["classic"]["look"]["contrast"] == 0.2
    assert made.measures["patches_sha256"] == "ab"
    loops = read_loops(tmp_path / "loop")
    assert loops.positions("loop") == tuple(30.0 * n for n in range(12))
    assert {path.name for path in (tmp_path / "loop").iterdir()} >= {"ring.png", "loop.gif"}


def test_frames_change_little_by_little_and_only_inside(backgrounds, tmp_path):
    make_classic_loop(tmp_path / "loop", backgrounds, ClassicLoop(frames=24, bits=16))
    frames = np.stack([read_image(path).pixels for path in sorted((tmp_path / "loop").glob("frame-*.png"))])
    assert np.abs(frames[:, :2] - backgrounds[0].pixels[:2]).max() < 1e-4
    from_first = np.sqrt(((frames - frames[0]) ** 2).mean(axis=(1, 2)))
    assert np.argmax(from_first) in range(9, 16)
    assert from_first[1] < from_first[4] < from_first[8]
    assert from_first[1] == pytest.approx(from_first[-1], rel=0.3)


def test_the_same_seed_gives_the_same_loop_and_another_one_another(backgrounds, tmp_path):
    first, again, other = (
        make_classic_loop(tmp_path / name, backgrounds, ClassicLoop(frames=6, seed=seed))
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    assert first == again
    assert first.frames[0].sha256 != other.frames[0].sha256


def test_tissue_too_bright_for_the_contrast_is_passed_over_or_refused(backgrounds, tmp_path, refuses):
    bright = Tissue(np.full((48, 48), 0.95, np.float32), "bright", "x")
    assert make_classic_loop(tmp_path / "loop", [bright, *backgrounds], ClassicLoop(frames=6)).measures["tissue"] == (
        "p0-1"
    )
    with refuses("out-of-range"):
        make_classic_loop(tmp_path / "none", [bright], ClassicLoop(frames=6))
    with refuses("no-tissue"):
        make_classic_loop(tmp_path / "none", [], ClassicLoop(frames=6))
    assert not (tmp_path / "none").exists()
    dark = ClassicLoop(Look(contrast=-0.2), frames=6)
    assert make_classic_loop(tmp_path / "dark", [bright], dark).measures["tissue"] == "bright"


def test_too_few_frames_and_other_bits_are_refused(refuses):
    with refuses("out-of-range"):
        ClassicLoop(frames=5)
    with refuses("unknown-choice"):
        ClassicLoop(bits=12)

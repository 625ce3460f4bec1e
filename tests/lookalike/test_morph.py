"""`lookalike morph`: families, rings, and loops from codes files."""

import json

import pandas as pd
import pytest

from data.errors import LookalikeError
from data.loops import read_loop
from gan.checkpoint import load_model
from gan.morphing.choose import SEEDS_PER_ANCHOR, far_anchors, variation_beside
from gan.morphing.loop import LoopSettings
from gan.morphing.metrics import metric_of
from gan.morphing.path import path_through
from gan.networks.features import Vgg16
from lookalike.flows.morph import Family, anchors_of, make_family
from stimuli.loop_set import read_loops


@pytest.fixture
def morph(lookalike, workshop):
    def call(*words):
        model = workshop / "run/models/000000064-images"
        done = lookalike("morph", "--model", model, "--frames", 20, "--metric", "pixel", "--json", *words)
        assert done.code == 0, done.err
        return json.loads(done.out)

    return call


@pytest.mark.slow
def test_a_family_is_a_folder_of_loops_with_a_table(morph, tmp_path):
    found = morph("--count", 2, "--out", tmp_path / "loops")
    loops = read_loops(tmp_path / "loops")
    assert list(loops.loops) == ["loop-01", "loop-02"]
    table = pd.read_csv(tmp_path / "loops" / "loops.csv")
    assert table["loop"].tolist() == ["loop-01", "loop-02"]
    assert table["variation_pixel"].tolist() == pytest.approx([one.evenness for one in loops.loops.values()])
    assert [row["anchors"] for row in found["measures"]] == table["anchors"].tolist()


@pytest.mark.parametrize("metric", ["pixel", "vgg"])
def test_a_loop_of_a_family_is_the_steadiest_of_its_candidates(workshop, metric):
    model, network = load_model(workshop / "run/models/000000064-images"), Vgg16()
    settings = LoopSettings(frames=20, metric=metric)
    even, beside = metric_of(metric, network), metric_of("nlpd" if metric == "vgg" else "vgg", network)
    for number in range(2):
        chosen = anchors_of(model, Family(2, candidates=3), number, None, settings, network)
        candidates = far_anchors(model, 3, 3, number * 3 * 3 * SEEDS_PER_ANCHOR, None, even)
        varies = [variation_beside(model.generator, path_through(one, "round"), even, beside) for one in candidates]
        assert [one.name for one in chosen] == [one.name for one in candidates[varies.index(min(varies))]]


def test_candidates_are_not_compared_without_weights(workshop, tmp_path):
    model = load_model(workshop / "run/models/000000064-images")
    with pytest.raises(LookalikeError, match="compared in VGG16") as refused:
        make_family(model, tmp_path / "loops", Family(2, candidates=3), None, LoopSettings(frames=20), None, None)
    assert refused.value.code == "weights-needed"
    assert not (tmp_path / "loops").exists()


@pytest.mark.slow
def test_a_loop_goes_through_images_of_a_codes_file(morph, workshop, tmp_path):
    file = workshop / "loop" / "anchors.json"
    morph("--seeds", f"{file}#seed-3,7,{file}#seed-1", "--out", tmp_path / "mixed")
    whole = morph("--seeds", file, "--open", "--out", tmp_path / "whole")
    assert read_loop(tmp_path / "mixed").sources == tuple(f"seed {k}, truncation 0.7" for k in (3, 7, 1))
    assert whole["anchors_at_frames"][-1] == 19


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("--count", 2, "--seeds", "1,2"), "unused-option"),
        (("--count", 2, "--noise-seed", 1), "unused-option"),
        (("--anchors", 4), "unused-option"),
        (("--first-seed", 4), "unused-option"),
        (("--candidates", 4), "unused-option"),
        (("--around", 5, "--distance", 1, "--noise-seed", 1), "unused-option"),
        (("--around", 5), "missing-option"),
        (("--open", "--path", "straight"), "conflicting-options"),
    ],
)
def test_options_that_would_do_nothing_are_refused(mistake, tmp_path, given, code):
    mistake("morph", "--out", tmp_path / "loop", *given, code=code)
    assert not (tmp_path / "loop").exists()


@pytest.mark.slow
def test_a_ring_stays_around_its_image(morph, tmp_path):
    morph("--around", 5, "--distance", "0.002", "--seeds", "6,7", "--out", tmp_path / "ring")
    assert read_loop(tmp_path / "ring").sources[0] == "0.002 (pixel) from seed-5 towards seeds 6 and 7"

"""`lookalike stimuli graded --snapshots`: known fakes from the snapshots of a training run."""

import json

import numpy as np
import pytest

from gan.checkpoint import load_model
from gan.generate import images_from_seeds
from stimuli.patches import read_patches
from stimuli.sets import read_set

pytestmark = pytest.mark.slow
SEEN = (1000, 1100, 2000, 2100, 4200, 9000)  # training images


@pytest.fixture(scope="module")
def run(gallery, untrained, tmp_path_factory):
    """The folder of a training run, whose snapshots are untrained models."""
    folder, patches = tmp_path_factory.mktemp("run"), read_patches(gallery / "patches")
    for number, seen in enumerate(SEEN):
        untrained(folder / "models" / f"{seen:09d}-images", patches, 10 + number, images_seen=seen)
    return folder


@pytest.fixture
def graded(gallery, lookalike, tmp_path):
    """Make a set of 6 trials with 3 images of each level; what was printed is asserted to be no error."""

    def make(*words):
        out = tmp_path / "graded"
        said = lookalike("stimuli", "graded", "--patches", gallery / "patches", "--trials", 6, "--practice", 1,
                         "--each", 3, "--out", out, *words)  # fmt: skip
        assert said.code == 0, said.err
        return read_set(out)

    return make


def test_a_run_gives_a_level_for_every_halving_of_its_training_images(gallery, run, graded, lookalike, tmp_path):
    """9,000 images, then those nearest to 4,500, 2,250 and 1,125; the others are left out."""
    made = graded("--snapshots", run, "--seed", 5)
    levels = {1.0: 9000, 2.143: 4200, 4.286: 2100, 8.182: 1100}
    assert {one["level"]: one["images_seen"] for one in made.about["snapshots"]} == levels
    fakes = made.table[made.table["truth"] == "generated"]
    assert fakes[fakes["role"] == "main"]["level"].value_counts().to_dict() == dict.fromkeys(levels, 3)
    assert fakes[fakes["role"] == "practice"]["level"].tolist() == [8.182]
    real = made.table[made.table["truth"] == "real"]
    assert len(real) == 7
    assert set(real["patient"]) <= set(read_patches(gallery / "patches").select("study")["patient"])
    seeds = fakes["source"].str.removeprefix("seed:").astype(int)
    assert sorted(seeds) == [*range(12), 15]  # no code twice; practice has the next of its level
    for row, seed in zip(fakes.itertuples(), seeds, strict=True):
        model = load_model(run / "models" / f"{levels[row.level]:09d}-images")
        assert model.sha256 in [one["model_sha256"] for one in made.about["snapshots"] if one["level"] == row.level]
        image = images_from_seeds(model.generator, [seed], model.truncation)[0]
        np.testing.assert_allclose(made.read(row.stimulus_id), image, atol=0.5 / 255 + 1e-6)
    last = run / "models" / "000009000-images"
    said = lookalike("stimuli", "check", made.folder, "--patches", gallery / "patches", "--model", last, "--json")
    found = {one["check"]: (one["outcome"], one["words"]) for one in json.loads(said.out)["checks"]}
    assert found["model"] == ("ok", "000009000-images, by its hash; one of 4 snapshots")
    assert found["provenance"][0] == found["real images"][0] == "ok"
    other = gallery / "model1"
    said = lookalike("stimuli", "check", made.folder, "--patches", gallery / "patches", "--model", other, "--json")
    assert ("model", "wrong") in [(one["check"], one["outcome"]) for one in json.loads(said.out)["checks"]]
    study = tmp_path / "study.toml"
    study.write_text('name = "A"\ntask = "threshold"\nplanned_participants = 3\n[plan]\ntrials = 6\n')
    said = lookalike("run", made.folder, "--data", tmp_path / "data", "--study", study, "--participant", "sim1",
                     "--observer", "simulated", "--no-window", "--threshold", 3, "--json")  # fmt: skip
    assert json.loads(said.out)["complete"] is True


def test_models_get_the_levels_that_are_given_in_their_order(run, graded):
    models = [word for seen in (2000, 9000, 1000) for word in ("--snapshots", run / "models" / f"{seen:09d}-images")]
    made = graded(*models, "--levels", "0.3,0.1,0.9", "--truncation", 1, "--first-seed", 40)
    said = [(one["level"], one["images_seen"], one["truncation"]) for one in made.about["snapshots"]]
    assert said == [(0.1, 9000, 1), (0.3, 2000, 1), (0.9, 1000, 1)]
    fakes = made.table[made.table["truth"] == "generated"]
    assert fakes["source"].str.removeprefix("seed:").astype(int).min() == 40


def test_an_image_that_shows_nothing_is_followed_by_another_of_its_level(run, graded, monkeypatch):
    from lookalike.flows.sets import graded as flow

    looked = []
    monkeypatch.setattr(flow, "flatness", lambda pixels: looked.append(pixels) or ("flat" if len(looked) == 2 else ""))
    made = graded("--snapshots", run)
    fakes = made.table[(made.table["truth"] == "generated") & (made.table["role"] == "main")]
    assert set(fakes["level"].value_counts()) == {3}
    assert made.about["rejected"]["generated"] == {"flat": 1}
    assert "seed:1" not in set(fakes["source"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--snapshots", "run/models/000001000-images", "--snapshots", "run"), "conflicting-options", "one run alone"),
        (("--snapshots", "run/models"), "no-such-file", "neither a model (no config.json) nor a training run"),
        (("--snapshots", "model1", "--snapshots", "model2"), "set-too-small", "a threshold needs 3 levels at least"),
        (("--snapshots", "run", "--levels", "1,2"), "out-of-range", "2 numbers, and --snapshots 4 models"),
        (("--snapshots", "run", "--levels", "1,2,2,3"), "out-of-range", "both have the level 2"),
        (("--snapshots", "run", "--levels", "0,1,2,3"), "out-of-range", "write numbers above 0"),
        (("--snapshots", "run", "--dark"), "unused-option", "--dark means nothing with --snapshots"),
        (("--truncation", "0.5"), "unused-option", "--truncation means nothing without --snapshots"),
        (("--snapshots", "silent", "--snapshots", "run/models/000001000-images"), "incomplete-model", "images_seen"),
    ],
)
def test_what_makes_no_levels_is_refused(gallery, run, untrained, mistake, tmp_path, words, code, said):
    places = {"run": run, "model1": gallery / "model1", "model2": gallery / "model2", "silent": tmp_path / "silent"}
    if "silent" in words:
        untrained(tmp_path / "silent", read_patches(gallery / "patches"), 1, images_seen=None)
    named = []
    for word in words:
        top, _, rest = word.partition("/")
        named.append(places[top] / rest if top in places else word)
    made = ("stimuli", "graded", "--patches", gallery / "patches", "--trials", 6, "--each", 3)
    assert said in mistake(*made, *named, "--out", tmp_path / "out", code=code)
    assert not (tmp_path / "out").exists()


def test_a_run_without_snapshots_yet_and_patients_of_the_training_are_refused(gallery, untrained, mistake, tmp_path):
    made = (
        "stimuli",
        "graded",
        "--patches",
        gallery / "patches",
        "--trials",
        6,
        "--each",
        3,
        "--out",
        tmp_path / "out",
    )
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "settings.json").write_text("{}")  # as a run has it from its first moment
    assert "no snapshots yet" in mistake(*made, "--snapshots", tmp_path / "new", code="no-such-file")
    patches, models = read_patches(gallery / "patches"), []
    for number in (1, 2, 3):
        shown = sorted(set(patches.select("study")["patient"]))
        models += ["--snapshots", untrained(tmp_path / str(number), patches, number, train_patients=shown)]
    assert "study patients" in mistake(*made, *models, code="patient-overlap")

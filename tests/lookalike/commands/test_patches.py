"""`lookalike patches --precut`: patches that are already cut go the whole way, as patches that were cut here."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data.files import read_json
from gan.checkpoint import load_model
from gan.training.settings import Settings
from gan.training.train import describe_training
from stimuli.patches import read_patches
from stimuli.sets import read_set


def write_precut(folder, patients=110, size=16, lesion_px=10):
    """Noise with a bright disc in a box that varies in size from patch to patch, and the disc's mask."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    rows = []
    for n in range(patients):
        side = lesion_px + rng.uniform(-1, 1)
        inside = x**2 + y**2 < (side / 2) ** 2
        Image.fromarray((100 + 60 * inside + rng.integers(0, 40, (size, size))).astype(np.uint8)).save(
            folder / f"images/{n}.png"
        )
        Image.fromarray((255 * inside).astype(np.uint8)).save(folder / f"masks/{n}.png")
        start = (size - side) / 2
        rows.append({"file": f"images/{n}.png", "mask": f"masks/{n}.png", "patient_id": f"P{n}", "lesion_x": start,
                     "lesion_y": start, "lesion_w": side, "lesion_h": side, "native_side_est": 40})  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "patches.csv", index=False)
    return folder


@pytest.fixture
def collect(lookalike, tmp_path):
    """Call `patches --precut`, always with the same key."""
    (tmp_path / "key").write_bytes(b"k" * 32)

    def call(source, out, *words):
        said = lookalike("patches", source, "--precut", "--out", out, "--key", tmp_path / "key",
                         "--split", "50/25/25", *words, "--json")  # fmt: skip
        assert said.code == 0, said.err
        return json.loads(said.out)

    return call


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_every_later_command_takes_them(lookalike, mistake, collect, tmp_path):
    shown = collect(write_precut(tmp_path / "cut"), tmp_path / "set", "--size", 16)
    assert sum(shown["patches"].values()) == 110
    assert shown["without_mask"] == {}
    patches = read_patches(tmp_path / "set")
    assert patches.about["context"] is None
    assert patches.mask(patches.table.iloc[0]).any()

    small = ("--batch", 8, "--channel-base", 128, "--channel-max", 16, "--latent", 16)
    trained = lookalike("train", tmp_path / "set", "--out", tmp_path / "run", "--kimg", 0.016, *small, "--json")
    assert trained.code == 0, trained.err
    model = json.loads(trained.out)["model"]
    training = load_model(tmp_path / model).training
    assert training["context"] is None
    assert training["context_median"] == patches.about["context_median"] == pytest.approx(1.6, abs=0.05)

    words = ("evaluate", model, "--patches", tmp_path / "set", "--out", tmp_path / "evaluation")
    evaluated = lookalike(*words, "--judges", "none", "--blocks", 1, "--resamples", 20)
    assert evaluated.code == 0, evaluated.err
    assert read_json(tmp_path / "evaluation" / "evaluation.json")["split"] == "study"

    build = ("stimuli", "build", "--model", model, "--main", 4)
    built = lookalike(*build, "--patches", tmp_path / "set", "--out", tmp_path / "stimuli")
    assert built.code == 0, built.err
    assert len(read_set(tmp_path / "stimuli").table) == 4

    # Framed nearly as those, more tightly than those, and all with one context.
    collect(write_precut(tmp_path / "near", lesion_px=10.5), tmp_path / "near-set")
    assert lookalike(*build, "--patches", tmp_path / "near-set", "--out", tmp_path / "near-stimuli").code == 0
    collect(write_precut(tmp_path / "tight", lesion_px=13), tmp_path / "tight-set")
    said = mistake(*build, "--patches", tmp_path / "tight-set", "--out", tmp_path / "none", code="context-mismatch")
    assert "cut at context 1.2" in said
    assert "give patches framed as those" in said


@pytest.mark.slow
def test_patches_of_varying_context_are_refused_for_a_model_of_one_context(mistake, collect, gallery, tmp_path):
    collect(write_precut(tmp_path / "cut"), tmp_path / "set")
    said = mistake("stimuli", "build", "--model", gallery / "model1", "--main", 4, "--patches", tmp_path / "set",
                   "--out", tmp_path / "none", code="context-mismatch")  # fmt: skip
    assert "was trained at 2, " in said
    assert "cut patches with --context 2" in said


@pytest.mark.parametrize("words", [("--context", 2), ("--crops-per-box", 1), ("--train-crops", 3)])
def test_options_of_cutting_are_refused(mistake, tmp_path, words):
    said = mistake("patches", tmp_path, "--precut", "--out", tmp_path / "set", *words, code="unused-option")
    assert f"{words[0]} is for mammograms" in said


def test_limits_and_sizes_are_checked_before_a_key_is_made(mistake, tmp_path):
    words = ("patches", write_precut(tmp_path / "cut", 2), "--precut", "--out", tmp_path / "set",
             "--key", tmp_path / "key")  # fmt: skip
    assert "max white is 2" in mistake(*words, "--max-white", 2, code="out-of-range")
    assert "its side is 16 px, but --size asks for 64 px" in mistake(*words, "--size", 64, code="wrong-size")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut"]


def test_what_files_say_of_themselves_is_told(lookalike, tmp_path):
    (tmp_path / "film").mkdir()
    dark = np.random.default_rng(0).integers(0, 4096, (64, 64)).astype(np.uint16)
    Image.fromarray(dark).save(tmp_path / "film" / "a.png")  # 12 bits in 16, as conversions of DICOM often are
    row = {"file": "a.png", "patient_id": "P1", "x": 24, "y": 24, "width": 16, "height": 16}
    pd.DataFrame([row]).to_csv(tmp_path / "film" / "boxes.csv")
    words = ("patches", tmp_path / "film", "--size", 16, "--split", "0/0/100", "--key", tmp_path / "key")
    said = lookalike(*words, "--out", tmp_path / "set")
    assert said.code == 0, said.err
    assert "film: 1 image: grey levels only up to 4095 of 65535" in said.err
    (note,) = read_json(tmp_path / "set" / "patches.json")["notes"]
    told = json.loads(lookalike(*words, "--out", tmp_path / "again", "--json").out)
    assert told["notes"] == {note: 1}


def test_splits_that_got_no_patient_are_told_unless_none_was_meant(lookalike, tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "key").write_bytes(b"k" * 32)
    rows = []
    for n in range(2):
        grey = np.random.default_rng(n).integers(0, 256, (64, 64)).astype(np.uint8)
        Image.fromarray(grey).save(tmp_path / f"films/{n}.png")
        rows.append({"file": f"{n}.png", "patient_id": f"P{n}", "x": 24, "y": 24, "width": 16, "height": 16})
    pd.DataFrame(rows).to_csv(tmp_path / "films" / "boxes.csv", index=False)
    words = ("patches", tmp_path / "films", "--size", 16, "--key", tmp_path / "key")
    told = lookalike(*words, "--out", tmp_path / "thirds", "--split", "99/0/1").err
    # Two patients fall into at most two of the splits; one that was to have nobody is no surprise.
    assert "none of 2 fell into study (stimulus sets show it); add patients" in " ".join(told.split())
    assert "select" not in told
    assert "fell into" not in lookalike(*words, "--out", tmp_path / "all", "--split", "0/0/100").err


def test_a_collection_is_cut_as_it_was_delivered(lookalike, tmp_path):
    film = np.random.default_rng(0).integers(0, 200, (1024, 1024)).astype(np.uint8)
    Image.fromarray(film).save(tmp_path / "mdb001.pgm")
    (tmp_path / "Info.txt").write_text("mdb001 G CIRC B 60 70 16\nmdb002 G CIRC B 60 70 16\n")
    said = lookalike("patches", tmp_path, "--out", tmp_path / "set", "--size", 16, "--key", tmp_path / "key", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert (sum(told["patches"].values()), told["rejected"]) == (1, {"image is not in the folder": 1})
    (row,) = read_patches(tmp_path / "set").table.itertuples()
    assert (row.lesion_x, row.lesion_y, row.lesion_width) == (44, 1024 - 70 - 16, 32)


def test_a_frame_of_several_is_cut_once_it_is_named(lookalike, mistake, tmp_path):
    (tmp_path / "film").mkdir()
    pages = np.random.default_rng(0).integers(0, 255, (3, 64, 64)).astype(np.uint8)
    images = [Image.fromarray(page) for page in pages]
    images[0].save(tmp_path / "film" / "a.tif", save_all=True, append_images=images[1:])
    row = {"file": "a.tif", "patient_id": "P1", "x": 24, "y": 24, "width": 8, "height": 8}
    pd.DataFrame([row]).to_csv(tmp_path / "film" / "boxes.csv", index=False)
    words = ("patches", tmp_path / "film", "--out", tmp_path / "set", "--size", 16, "--key", tmp_path / "key")
    assert "--frame (1 to 3)" in mistake(*words, code="unsupported-image")
    assert "holds 3 images (1 to 3), and frame 4" in mistake(*words, "--frame", 4, code="out-of-range")
    said = lookalike(*words, "--frame", 2)
    assert said.code == 0, said.err
    patches = read_patches(tmp_path / "set")
    np.testing.assert_array_equal(np.rint(patches.read_all(patches.table)[0] * 255), pages[1, 20:36, 20:36])
    assert patches.about["frames"] == [2]


def write_films(folder, patients=24, lesion_px=10):
    """A bright half-disc of a breast with one box each, of patient n."""
    folder.mkdir()
    y, x = np.mgrid[:160, :100] + 0.5
    breast = x**2 / 80**2 + (y - 80) ** 2 / 70**2 < 1
    rows = []
    for n in range(patients):
        grain = np.random.default_rng(n).integers(0, 30, breast.shape)
        Image.fromarray((breast * (100 + grain)).astype(np.uint8)).save(folder / f"{n}.png")
        box = {"x": 10, "y": 75, "width": lesion_px, "height": lesion_px, "view": "CC"}
        rows.append({"file": f"{n}.png", "patient_id": f"P{n}", **box})
    pd.DataFrame(rows).to_csv(folder / "boxes.csv", index=False)
    return folder


def test_normal_tissue_is_cut_and_is_a_background_of_shapes(lookalike, mistake, tmp_path):
    words = ("patches", write_films(tmp_path / "film"), "--size", 16, "--split", "20/20/60", "--key", tmp_path / "key")
    said = lookalike(*words, "--normal", "--normal-count", 2, "--out", tmp_path / "normal", "--json")
    assert said.code == 0, said.err
    assert sum(json.loads(said.out)["patches"].values()) == 48
    patches = read_patches(tmp_path / "normal")
    assert set(patches.table["pathology"]) == {"NORMAL"}
    assert lookalike(*words, "--out", tmp_path / "lesions").code == 0

    classic = ("stimuli", "classic", "--contrast", 0.1, "--size", 16)
    said = lookalike(*classic, "--patches", tmp_path / "normal", "--frames", 6, "--out", tmp_path / "loop", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["tissue"] in set(patches.table["patch_id"])

    sets = (*classic, "--main", 8, "--patches")
    both = (*sets, tmp_path / "lesions", "--backgrounds", tmp_path / "normal")
    said = lookalike(*both, "--out", tmp_path / "set")
    assert said.code == 0, said.err
    made = read_set(tmp_path / "set")
    generated, real = (made.table[made.table["truth"] == truth] for truth in ("generated", "real"))
    assert set(generated["source"].str.extract("#(.*)$")[0]) <= set(patches.table["patch_id"])
    assert not set(generated["patient"]) & set(real["patient"])
    assert made.about["backgrounds_sha256"] == patches.sha256

    assert "--backgrounds" in mistake(*sets, tmp_path / "normal", "--out", tmp_path / "none", code="no-lesion-box")
    loop = (*classic, "--patches", tmp_path / "lesions", "--backgrounds", tmp_path / "normal")
    mistake(*loop, "--out", tmp_path / "none", code="unused-option")
    for option, value, said in (("--size", 20, "--size 16"), ("--context", 1.6, "--context 2.0"),
                                ("--key", tmp_path / "other", "the same --key")):  # fmt: skip
        folder = tmp_path / f"other{option}"
        assert lookalike(*words, "--normal", option, value, "--out", folder).code == 0
        again = (*sets, tmp_path / "lesions", "--backgrounds", folder, "--out", tmp_path / "none")
        assert said in mistake(*again, code="backgrounds-differ")


def test_real_images_show_what_the_model_was_trained_on(lookalike, mistake, untrained, tmp_path):
    words = ("patches", write_films(tmp_path / "film"), "--size", 16, "--split", "20/20/60", "--key", tmp_path / "key")
    for kind, name in (((), "lesions"), (("--normal",), "normal")):
        assert lookalike(*words, *kind, "--out", tmp_path / name).code == 0
        made = read_patches(tmp_path / name)
        facts = describe_training(Settings(), made, 0)
        untrained(tmp_path / f"of-{name}", made, 1, **{key: facts[key] for key in ("normal",) if key in facts})
    build = ("stimuli", "build", "--main", 4, "--out", tmp_path / "set")
    for shown, other in (("normal", "lesions"), ("lesions", "normal")):
        words = (*build, "--patches", tmp_path / shown, "--model", tmp_path / f"of-{other}")
        assert "--normal" in mistake(*words, code="tissue-mismatch")
    said = lookalike(*build, "--patches", tmp_path / "normal", "--model", tmp_path / "of-normal")
    assert said.code == 0, said.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--normal-count", 2), "unused-option"),
        (("--normal", "--normal-count", 0), "out-of-range"),
        (("--normal", "--precut"), "conflicting-options"),
        (("--normal", "--crops-per-box", 2), "unused-option"),
        (("--normal", "--masks", "masks"), "unused-option"),
        (("--normal", "--train-crops", 2), "unused-option"),
        (("--train-context", "1.8-2.5"), "unused-option"),
        (("--train-crops", 2, "--train-context", "1.8"), "not-a-number"),
        (("--train-crops", 2, "--train-context", "2.5-1.8"), "out-of-range"),
    ],
)
def test_options_that_do_not_go_with_normal_tissue_are_refused(mistake, tmp_path, words, code):
    mistake("patches", tmp_path, "--out", tmp_path / "set", *words, code=code)


def test_further_crops_of_training_patients(lookalike, tmp_path):
    folder = write_films(tmp_path / "film", 12)
    words = ("patches", folder, "--size", 16, "--key", tmp_path / "key", "--split", "60/0/40")
    for name, more in (("plain", ()), ("more", ("--train-crops", 2, "--train-context", "1.8-2"))):
        assert lookalike(*words, "--out", tmp_path / name, *more).code == 0
    plain, more = (read_patches(tmp_path / name) for name in ("plain", "more"))
    assert len(plain.select("study")) == len(more.select("study")) > 0
    assert len(more.select("train")) == 3 * len(plain.select("train")) > 0


def test_film_border_and_air_are_told(lookalike, tmp_path):
    folder = write_films(tmp_path / "film", 4)
    bright = np.asarray(Image.open(folder / "0.png")).copy()
    bright[70:80] = 255
    Image.fromarray(bright).save(folder / "0.png")
    words = ("patches", folder, "--size", 16, "--key", tmp_path / "key")
    said = lookalike(*words, "--out", tmp_path / "set")
    assert said.code == 0, said.err
    assert (
        "of 4 patches, 1 with film border, labels or other white (up to 50%) in more than 2% of the patch" in said.err
    )
    said = lookalike(*words, "--out", tmp_path / "clean", "--max-white", 0.1)
    assert "film border" not in said.err
    assert "white in more than 0.1 of the patch 1" in said.out

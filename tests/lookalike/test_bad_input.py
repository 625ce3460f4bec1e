"""Each mistake of a user: one line that names the file and what to do, exit code 2, and nothing lost."""

import shutil

import pandas as pd
import pytest

from data.files import read_json, sha256
from experiments.records.participants import register
from gan.checkpoint import load_model, save_model


def contents(folder):
    """Every file below a folder with its hash, to see that nothing changes."""
    return {str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def film(mammograms, tmp_path):
    """A copy of the mammograms to damage."""
    shutil.copytree(mammograms, tmp_path / "film")
    return tmp_path / "film"


@pytest.fixture
def cut(mistake, tmp_path):
    """Call `patches`, which must fail and leave no output behind."""

    def call(source, *words, code):
        place = ("--out", tmp_path / "out", "--key", tmp_path / "key")
        said = mistake("patches", source, "--size", 16, *place, *words, code=code)
        assert not (tmp_path / "out").exists()
        assert not [path for path in tmp_path.iterdir() if "partial" in path.name]
        return said

    return call


def test_no_such_folder(cut, tmp_path):
    assert f"{tmp_path / 'nowhere'}: " in cut(tmp_path / "nowhere", code="no-such-folder")


def test_an_empty_folder(cut, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "empty: " in cut(tmp_path / "empty", code="no-images")


def test_a_truncated_image(cut, film):
    victim = film / "images" / "00003_LEFT_CC.jpg"
    victim.write_bytes(victim.read_bytes()[:300])
    assert "00003_LEFT_CC.jpg: " in cut(film, code="unreadable-image")


def test_a_truncated_dicom(cut, film, recwarn):
    import numpy as np
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Rows = dataset.Columns = 80
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelData = np.zeros((80, 80), np.uint16).tobytes()
    dataset.save_as(film / "whole.dcm", enforce_file_format=True)
    (film / "cut.dcm").write_bytes((film / "whole.dcm").read_bytes()[:-4000])
    table = pd.read_csv(film / "boxes.csv")
    table.loc[0, "file"] = "cut.dcm"
    table.to_csv(film / "boxes.csv", index=False)
    assert "cut.dcm: " in cut(film, code="unreadable-image")
    assert not [str(one.message) for one in recwarn if "cut.dcm" in str(one.message) or "pixel" in str(one.message)]


def test_a_box_outside_its_image(cut, film):
    table = pd.read_csv(film / "boxes.csv")
    table.loc[4, "x"] = 70.0
    table.to_csv(film / "boxes.csv", index=False)
    said = cut(film, code="box-outside-image")
    assert "00004_LEFT_CC.jpg: box of lesion 1" in said
    assert "80 x 80" in said


def test_an_occupied_folder_is_left_alone(mistake, mammograms, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    words = ("patches", mammograms, "--out", tmp_path / "out", "--key", tmp_path / "key", "--size", 16)
    assert str(tmp_path / "out") in mistake(*words, code="occupied")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("split", ["70/30", "a/b/c", "-10/50/60", "0/0/0"])
def test_a_split_that_is_not_one(cut, mammograms, split):
    assert f"--split is '{split}'" in cut(mammograms, "--split", split, code="bad-split")


def test_too_few_patches_for_the_set(mistake, workshop, tmp_path):
    said = mistake(
        "stimuli", "build", "--patches", workshop / "patches", "--out", tmp_path / "set",
        "--model", workshop / "run/models/000000064-images", "--main", 500,
        code="set-too-small",
    )  # fmt: skip
    assert "250 real images" in said
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("name", ["generator.safetensors", "config.json"])
@pytest.mark.parametrize("code", ["missing-file", "altered-file"])
def test_a_damaged_model(mistake, workshop, tmp_path, name, code):
    shutil.copytree(workshop / "run/models/000000064-images", tmp_path / "model")
    if code == "missing-file":
        (tmp_path / "model" / name).unlink()
    else:
        (tmp_path / "model" / name).write_bytes((tmp_path / "model" / name).read_bytes() + b" ")
    said = mistake("morph", "--model", tmp_path / "model", "--out", tmp_path / "loop", "--frames", 12, code=code)
    assert f"{tmp_path / 'model' / name}: " in said
    assert not (tmp_path / "loop").exists()


def first_session(workshop, data, participant, stimuli="stimuli"):
    study = () if stimuli == "retest" else ("--study", workshop / "study.toml")
    return ("run", workshop / stimuli, "--data", data, "--participant", participant, *study,
            "--observer", "simulated", "--no-window")  # fmt: skip


def test_a_participant_that_exists(lookalike, mistake, workshop, tmp_path):
    assert lookalike(*first_session(workshop, tmp_path / "data", "k7q2m")).code == 0
    before = contents(tmp_path / "data")
    said = mistake(*first_session(workshop, tmp_path / "data", "k7q2m"), code="session-exists")
    assert "participant k7q2m" in said
    assert "lookalike retest" in said
    assert contents(tmp_path / "data") == before


def test_a_participant_that_does_not_exist_has_no_retest(lookalike, mistake, workshop, tmp_path):
    assert lookalike(*first_session(workshop, tmp_path / "data", "k7q2m")).code == 0
    before = contents(tmp_path / "data")
    said = mistake("retest", workshop / "stimuli", "--data", tmp_path / "data", "--participant", "k7q2n",
                   "--observer", "simulated", "--no-window", code="no-first-session")  # fmt: skip
    assert "k7q2n" in said
    assert contents(tmp_path / "data") == before


def test_a_record_from_another_stimulus_set(lookalike, mistake, workshop, tmp_path):
    assert lookalike(*first_session(workshop, tmp_path / "data", "k7q2m")).code == 0
    before = contents(tmp_path / "data")
    mistake("retest", workshop / "other-stimuli", "--data", tmp_path / "data", "--participant", "k7q2m",
            "--observer", "simulated", "--no-window", code="other-set")  # fmt: skip
    words = ("analyze", tmp_path / "data", "--out", tmp_path / "out", "--stimuli", workshop / "other-stimuli")
    assert "sub-k7q2m_ses-1" in mistake(*words, code="other-set")
    assert contents(tmp_path / "data") == before
    assert not (tmp_path / "out").exists()


def test_an_altered_stimulus(mistake, workshop, tmp_path):
    shutil.copytree(workshop / "stimuli", tmp_path / "stimuli")
    victim = next((tmp_path / "stimuli" / "images").iterdir())
    victim.write_bytes(victim.read_bytes() + b"\0")
    said = mistake("run", tmp_path / "stimuli", "--data", tmp_path / "data", "--participant", "k7q2m",
                   "--observer", "simulated", "--no-window", "--study", workshop / "study.toml",
                   code="altered-file")  # fmt: skip
    assert f"{victim.name}: " in said
    assert not (tmp_path / "data").exists()


def test_no_display_for_a_window(lookalike, workshop, tmp_path, monkeypatch):
    pytest.importorskip("psychopy", reason="the lab extra is not installed")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    register(tmp_path / "data", "k7q2m")
    said = lookalike("run", workshop / "stimuli", "--data", tmp_path / "data", "--participant", "k7q2m",
                   "--study", workshop / "study.toml")  # fmt: skip
    told, error = said.err.splitlines()
    assert (said.code, said.out, told) == (2, "", f"study file: {workshop / 'study.toml'}")
    assert error.startswith("lookalike: ")
    assert "DISPLAY" in error
    assert "xvfb-run" in error
    assert not (tmp_path / "data" / "sub-k7q2m").exists()


def test_a_person_without_a_window(mistake, workshop, tmp_path):
    words = ("run", workshop / "stimuli", "--data", tmp_path, "--participant", "k7q2m", "--no-window")
    assert "--no-window" in mistake(*words, code="conflicting-options")


def test_an_observer_of_unknown_kind(mistake, workshop, tmp_path):
    words = ("run", workshop / "stimuli", "--data", tmp_path, "--participant", "a1", "--observer", "robot")
    said = mistake(*words, code="unknown-choice")
    assert "--observer is 'robot'; choose human, scripted or simulated" in said


@pytest.mark.parametrize("participant", ["../a", "a b", "é", ""])
def test_a_participant_code_with_other_characters(mistake, workshop, tmp_path, participant):
    said = mistake(*first_session(workshop, tmp_path / "data", participant), code="bad-label")
    assert "letters and digits" in said
    assert not (tmp_path / "data").exists()


def test_a_misspelt_setting_in_the_study_file(mistake, workshop, tmp_path):
    (tmp_path / "study.toml").write_text('name = "x"\nplanned_participants = 3\n[plan]\ntrails = 20\n')
    said = mistake("run", workshop / "stimuli", "--data", tmp_path / "data", "--participant", "a1",
                   "--study", tmp_path / "study.toml", "--observer", "simulated", "--no-window",
                   code="unknown-setting")  # fmt: skip
    assert "study.toml: plan.trails" in said


def test_nothing_to_analyse(mistake, tmp_path):
    out = ("--out", tmp_path / "out")
    assert "nowhere: " in mistake("analyze", tmp_path / "nowhere", *out, code="no-such-folder")
    (tmp_path / "empty").mkdir()
    assert "empty: " in mistake("analyze", tmp_path / "empty", *out, code="no-sessions")
    assert not (tmp_path / "out").exists()


def test_seeds_that_are_not_numbers(mistake, workshop, tmp_path):
    model = workshop / "run/models/000000064-images"
    words = ("morph", "--model", model, "--out", tmp_path / "loop", "--seeds", "1,x")
    assert "--seeds is '1,x'" in mistake(*words, code="not-a-number")


def test_options_of_morph_that_do_not_fit(mistake, workshop, tmp_path):
    morph = ("morph", "--model", workshop / "run/models/000000064-images", "--out", tmp_path / "loop")
    mistake(*morph, "--around", 4, code="missing-option")
    mistake(*morph, "--around", 4, "--distance", 0.1, "--open", code="conflicting-options")
    mistake(*morph, "--open", "--path", "straight", code="conflicting-options")
    mistake(*morph, "--metric", "eye", code="unknown-choice")
    mistake(*morph, "--count", 0, code="out-of-range")
    mistake(*morph, "--count", 2, "--candidates", 0, code="out-of-range")
    mistake(*morph, "--around", "1,2", "--distance", 0.1, code="bad-anchors")
    mistake(*morph, "--seeds", tmp_path / "codes.json", code="no-such-file")
    assert "seed-1, seed-2, seed-3" in mistake(
        *morph, "--seeds", f"{workshop / 'loop' / 'anchors.json'}#nobody", code="no-such-code"
    )
    assert not (tmp_path / "loop").exists()


# Patients that the model was trained on


@pytest.fixture
def build_with(workshop, mammograms, lookalike, tmp_path):
    """Words that build a set with the workshop's model from patches cut again with other settings."""

    def words(*settings):
        said = lookalike("patches", mammograms, "--out", tmp_path / "cut", "--size", 16, *settings)
        assert said.code == 0, said.err
        return ("stimuli", "build", "--patches", tmp_path / "cut", "--main", 4,
                "--model", workshop / "run/models/000000064-images", "--out", tmp_path / "set")  # fmt: skip

    return words


def test_real_images_of_training_patients_are_refused(mistake, build_with, workshop, tmp_path):
    said = mistake(*build_with("--key", workshop / "patient.key", "--split", "10/10/80"), code="patient-overlap")
    assert "study patients" in said
    assert "cut the patches with the model's --split" in said
    assert not (tmp_path / "set").exists()


def test_codes_of_another_key_are_refused_without_a_confirmation(mistake, lookalike, build_with, tmp_path):
    words = build_with("--key", tmp_path / "other.key", "--split", "0/0/100")
    said = mistake(*words, code="key-mismatch")
    assert "cbis-ddsm.key" in said
    assert lookalike(*words, "--disjoint-patients").code == 0
    assert read_json(tmp_path / "set" / "stimuli.json")["disjoint_patients_vouched_for"] is True


def test_a_model_that_does_not_record_its_patients_is_refused(mistake, workshop, tmp_path):
    made = load_model(workshop / "run/models/000000064-images")
    known = {name: value for name, value in made.training.items() if name != "train_patients"}
    save_model(tmp_path / "model", made.generator, known)
    words = ("stimuli", "build", "--patches", workshop / "patches", "--main", 4, "--out", tmp_path / "set")
    assert "train_patients" in mistake(*words, "--model", tmp_path / "model", code="incomplete-model")


def test_another_context_is_refused(mistake, build_with, workshop):
    words = build_with("--key", workshop / "patient.key", "--split", "50/10/40", "--context", 1.5)
    said = mistake(*words, code="context-mismatch")
    assert "cut at context 1.5" in said
    assert "--context 2" in said


def test_patches_of_another_size_than_the_models_are_refused(mistake, workshop, mammograms, lookalike, tmp_path):
    cut = ("--size", 20, "--key", workshop / "patient.key", "--split", "50/10/40")
    assert lookalike("patches", mammograms, "--out", tmp_path / "cut", *cut).code == 0
    said = mistake(
        "stimuli", "build", "--patches", tmp_path / "cut", "--main", 4, "--size", 32,
        "--model", workshop / "run/models/000000064-images", "--out", tmp_path / "set",
        code="wrong-size",
    )  # fmt: skip
    assert "different sizes (16 x 16, 20 x 20)" in said


# What the file system refuses, and numbers out of range


def test_a_place_that_cannot_be_written(mistake, workshop, mammograms, tmp_path):
    (tmp_path / "file").write_text("in the way")
    model = workshop / "run/models/000000064-images"
    place = tmp_path / "file" / "out"
    for words in (
        ("patches", mammograms, "--size", 16, "--key", workshop / "patient.key", "--out", place),
        ("morph", "--model", model, "--frames", 12, "--out", place),
        ("train", workshop / "patches", "--batch", 8, "--out", place),
        ("stimuli", "build", "--patches", workshop / "patches", "--model", model, "--main", 4, "--out", place),
    ):
        assert str(tmp_path / "file") in mistake(*words, code="file-system")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_key_that_is_a_folder(mistake, mammograms, tmp_path):
    words = ("patches", mammograms, "--out", tmp_path / "out", "--key", tmp_path)
    assert f"{tmp_path}: " in mistake(*words, code="not-a-file")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "s", "--data", "d", "--participant", "a1", "--seed", -1),
        ("stimuli", "build", "--patches", "p", "--out", "o", "--seed", -1),
        ("stimuli", "build", "--patches", "p", "--out", "o", "--first-seed", 2**40),
        ("morph", "--out", "o", "--noise-seed", -3),
        ("morph", "--out", "o", "--truncation", 1.5),
    ],
)
def test_numbers_out_of_range_are_usage_errors(lookalike, words):
    said = lookalike(*words)
    assert said.code == 2
    assert "Invalid value" in said.err


def test_more_numbers_out_of_range(mistake, workshop, tmp_path):
    model = ("--model", workshop / "run/models/000000064-images", "--out", tmp_path / "o")
    mistake("morph", *model, "--seeds", "99999999999999999999,2,3", code="not-a-number")
    assert "bits is 12" in mistake("morph", *model, "--bits", 12, code="unknown-choice")
    training = ("train", workshop / "patches", "--out", tmp_path / "o")
    assert "gamma is nan" in mistake(*training, "--gamma", "nan", code="out-of-range")
    assert "discriminator is 'x'" in mistake(*training, "--discriminator", "x", code="unknown-choice")
    said = mistake(*first_session(workshop, tmp_path / "d", "a1"), "--dprime", "nan", code="out-of-range")
    assert "dprime is nan" in said
    (tmp_path / "o.toml").write_text("serial_respone = 1\n")
    simulated = ("--simulated", tmp_path / "o.toml")
    assert "serial_respone: no such setting; did you mean 'serial_response'?" in mistake(
        *first_session(workshop, tmp_path / "d", "a1"), *simulated, code="unknown-setting"
    )
    mistake(*first_session(workshop, tmp_path / "d", "a1"), *simulated, "--dprime", 1, code="conflicting-options")
    people = ("run", workshop / "stimuli", "--data", tmp_path / "d", "--participant", "a1", "--no-window")
    assert "this one is human" in mistake(*people, *simulated, code="unused-option")
    other = mistake(*first_session(workshop, tmp_path / "d", "a1"), "--noise-deg", 3, code="unused-option")
    assert "--noise-deg is for a simulated observer who matches" in other
    assert not (tmp_path / "d").exists()

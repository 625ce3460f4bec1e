"""`lookalike stimuli check`, `gallery`, `export` and `build --match`: what a set says before anybody is asked."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from data.files import sha256
from stimuli.images import read_image, write_png
from stimuli.patches import read_patches
from stimuli.sets import Candidate, Layout, build_set, read_set

PROVENANCE = {"lookalike_version": "0", "patches_sha256": "ab"}


@pytest.fixture(scope="module")
def textures():
    """Images of 16 px by number, sharper above 1000."""
    from scipy.ndimage import gaussian_filter

    def make(number):
        noise = np.random.default_rng(number).normal(size=(16, 16))
        smooth = gaussian_filter(noise, 0.6 if number >= 1000 else 1.5)
        return np.clip(0.5 + 0.1 * smooth / smooth.std(), 0, 1).astype(np.float32)

    return make


@pytest.fixture
def plain(textures, tmp_path):
    """A set of 24 real images of as many patients and 24 sharper generated ones."""
    real = [Candidate(textures(n), f"patch:p{n}", f"patient{n}") for n in range(24)]
    generated = [Candidate(textures(1000 + n), f"classic:{n}@0.2#p{n + 50}", f"patient{n + 50}") for n in range(24)]
    return build_set(tmp_path / "set", real, generated, Layout(main=48), PROVENANCE)


@pytest.fixture
def built(gallery, lookalike, tmp_path):
    """A set of the untrained model's images and real patches, and the words that name both."""
    against = ("--patches", gallery / "patches", "--model", gallery / "model1")
    said = lookalike("stimuli", "build", *against, "--main", 20, "--out", tmp_path / "set", "--json")
    assert said.code == 0, said.err
    return tmp_path / "set", against


def outcomes(said):
    return {one["check"]: one["outcome"] for one in json.loads(said.out)["checks"]}


def change(folder, **cells):
    """Put values into the first real image's row of a manifest, as a careless editor would."""
    table = read_set(folder).table.astype(object)
    row = table.index[table["truth"] == "real"][0]
    for column, value in cells.items():
        table.loc[row, column] = value
    table.to_csv(folder / "stimuli.csv", index=False, na_rep="n/a")
    return table.loc[row]


def test_a_good_set_passes_and_what_gives_it_away_is_told(plain, lookalike, tmp_path):
    said = lookalike("stimuli", "check", plain.folder, "--out", tmp_path / "report")
    assert said.code == 0, said.err
    assert "verdict        nothing wrong in " in said.out
    assert "24 real and 24 generated images are discriminated by " in said.out
    assert "spectrum slope (1.00)" in said.out
    made = {path.name for path in (tmp_path / "report").iterdir()}
    assert made >= {"report.html", "check.json", "checks.tsv", "detectability.tsv", "detectability.png"}
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Files and patients are in order." in page
    assert page.count("<svg") == 3
    found = json.loads((tmp_path / "report" / "check.json").read_text())
    assert (found["wrong"], found["stimulus_set_sha256"]) == (0, plain.sha256)
    table = pd.read_csv(tmp_path / "report" / "detectability.tsv", sep="\t").set_index("what")
    assert table.loc["spectrum_slope", "auc"] > 0.95


def test_images_of_one_kind_are_not_discriminated(textures, lookalike, tmp_path):
    real = [Candidate(textures(n), f"patch:p{n}", f"patient{n}") for n in range(24)]
    generated = [Candidate(textures(100 + n), f"classic:{n}") for n in range(24)]
    build_set(tmp_path / "set", real, generated, Layout(main=48), PROVENANCE)
    said = lookalike("stimuli", "check", tmp_path / "set")
    assert said.code == 0
    assert "no cue and no model observer discriminates 24 real and 24 generated images; all cues together" in said.out


def test_every_fault_is_told_at_once_and_the_exit_code_says_so(plain, lookalike, tmp_path):
    (plain.folder / plain.table["file"][0]).unlink()
    (plain.folder / plain.table["file"][1]).write_bytes(b"")
    table = plain.table.copy()
    table.loc[table["truth"] == "generated", "patient"] = "patient3"
    table.to_csv(plain.folder / "stimuli.csv", index=False, na_rep="n/a")
    said = lookalike("stimuli", "check", plain.folder, "--out", tmp_path / "report", "--json")
    assert said.code == 1
    found = outcomes(said)
    assert {name for name, one in found.items() if one == "wrong"} == {"hashes", "patients on both sides"}
    assert "2 of 48: " in said.out
    assert json.loads(said.out)["cue_verdict"] == "not measured: images are missing or altered"
    assert "Mend this set before anybody sees it." in (tmp_path / "report" / "report.html").read_text()


def test_a_damaged_manifest_is_a_finding_and_no_set_is_a_mistake(plain, lookalike, mistake, tmp_path):
    change(plain.folder, file="../x.png")
    said = lookalike("stimuli", "check", plain.folder)
    assert said.code == 1
    assert "leads out" in said.out or "without .." in said.out
    assert "verdict        1 of 1 checks found something wrong: manifest" in said.out
    mistake("stimuli", "check", tmp_path / "none", code="not-a-stimulus-set")
    mistake("stimuli", "check", plain.folder, "--out", plain.folder, code="occupied")


def test_a_source_that_cannot_be_is_found(plain, lookalike):
    change(plain.folder, source="seed:7")
    said = lookalike("stimuli", "check", plain.folder, "--json")
    assert said.code == 1
    assert outcomes(said)["provenance"] == "wrong"


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_a_built_set_is_what_its_provenance_says(built, lookalike):
    folder, against = built
    said = lookalike("stimuli", "check", folder, *against, "--json")
    assert said.code == 0, said.out
    found = outcomes(said)
    for check in ("provenance", "real images", "model", "training patients", "leaks"):
        assert found[check] == "ok", said.out
    said = lookalike("stimuli", "check", folder, "--json")  # neither patches nor model
    assert said.code == 0
    assert [outcomes(said)[name] for name in ("real images", "model", "leaks")] == ["note"] * 3


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_what_is_not_as_stated_is_found(built, gallery, lookalike):
    folder, against = built
    first = read_set(folder).table
    patches = read_patches(gallery / "patches")
    trained = patches.select("train").iloc[0]
    # A real image of a patient that the model was trained on.
    row = change(folder, source=f"patch:{trained.patch_id}", patient=trained.patient)
    found = outcomes(lookalike("stimuli", "check", folder, *against, "--json"))
    assert (found["real images"], found["training patients"]) == ("wrong", "wrong")
    # Another image under its name, with its hash.
    first.to_csv(folder / "stimuli.csv", index=False, na_rep="n/a")
    image = folder / row["file"]
    write_png(image, np.clip(read_image(image).pixels + 2 / 255, 0, 1))
    change_hash = first.astype(object)
    change_hash.loc[change_hash["file"] == row["file"], "sha256"] = sha256(image)
    change_hash.to_csv(folder / "stimuli.csv", index=False, na_rep="n/a")
    said = lookalike("stimuli", "check", folder, *against, "--json")
    assert outcomes(said)["real images"] == "wrong"
    assert "its pixels are not those of its patch" in said.out
    # Another model than the set's.
    said = lookalike("stimuli", "check", folder, "--model", gallery / "model2", "--json")
    assert outcomes(said)["model"] == "wrong"


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_a_training_patch_among_generated_images_is_a_leak(gallery, lookalike, tmp_path):
    patches = read_patches(gallery / "patches")
    study, train = (patches.select(split) for split in ("study", "train"))
    real = [Candidate(patches.read(row), f"patch:{row.patch_id}", row.patient) for row in study.iloc[:12].itertuples()]
    copies = [
        Candidate(np.rot90(patches.read(row)).copy(), f"seed:{n}") for n, row in enumerate(train.iloc[:12].itertuples())
    ]
    about = PROVENANCE | {"patches_sha256": patches.sha256, "model_sha256": "cd"}
    build_set(tmp_path / "set", real, copies, Layout(main=24, size_px=32), about)
    said = lookalike("stimuli", "check", tmp_path / "set", "--patches", gallery / "patches", "--out",
                     tmp_path / "report", "--json")  # fmt: skip
    assert said.code == 1
    assert outcomes(said)["leaks"] == "wrong"
    leaks = json.loads((tmp_path / "report" / "leaks.json").read_text())["leaks"]
    first = read_set(tmp_path / "set").table["stimulus_id"][leaks[0] - 1]
    assert f"(first {first})" in said.out
    assert (tmp_path / "report" / "closest.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("match", ["grey-levels", "spectrum"])
def test_matching_is_recorded_with_what_it_did_to_the_cues(gallery, lookalike, tmp_path, match):
    words = ("stimuli", "build", "--patches", gallery / "patches", "--model", gallery / "model1", "--main", 20,
             "--bits", 16, "--match", match)  # fmt: skip
    said = lookalike(*words, "--out", tmp_path / "set")
    assert said.code == 0, said.err
    assert f"matched   {match}, to the average " in said.out
    assert "AUC of each cue  before  after" in said.out
    made = read_set(tmp_path / "set")
    cues = made.about["match"]["cue_auc"]
    assert abs(cues["mean"]["before"] - 0.5) > 0.1
    assert abs(cues["mean"]["after"] - 0.5) < 0.35 if match == "spectrum" else cues["mean"]["after"] == 0.5
    if match == "grey-levels":
        assert cues["contrast"]["after"] == cues["kurtosis"]["after"] == 0.5
    checked = lookalike("stimuli", "check", tmp_path / "set", "--json")
    measured = {one["what"]: one["auc"] for one in json.loads(checked.out)["detectability"]}
    for name, auc in cues.items():
        assert measured[name] == pytest.approx(auc["after"], abs=1e-4)
    assert made.table["mean"].max() - made.table["mean"].min() < 1e-4


def test_matching_is_refused_where_it_would_undo_what_was_asked(gallery, mistake, tmp_path):
    words = (
        "stimuli",
        "build",
        "--patches",
        gallery / "patches",
        "--model",
        gallery / "model1",
        "--out",
        tmp_path / "x",
    )
    said = mistake(*words, "--match", "grey-levels", "--catch", 2, "--catch-classic", "0.1", code="conflicting-options")
    assert "--catch-classic" in said
    said = mistake(*words, "--match", "spectrum", "--composed", tmp_path, code="conflicting-options")
    assert "--composed" in said


@pytest.mark.parametrize("form", ["png16", "tiff", "dicom"])
def test_a_set_is_exported_and_the_export_is_a_set(plain, lookalike, tmp_path, form):
    said = lookalike("stimuli", "export", plain.folder, "--format", form, "--out", tmp_path / "out", "--json")
    assert said.code == 0, said.err
    assert "real images of 24 patients are among them" in said.err
    assert ("hide them from readers" in said.err) == (form == "dicom")
    assert json.loads(said.out)["sha256"] == read_set(tmp_path / "out").sha256
    assert lookalike("stimuli", "check", tmp_path / "out").code == 0


def test_a_gallery_is_written_and_never_over_another(plain, lookalike, mistake, tmp_path):
    said = lookalike("stimuli", "gallery", plain.folder, "--out", tmp_path / "page.html", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["images"] == 48
    mistake("stimuli", "gallery", plain.folder, "--out", tmp_path / "page.html", code="occupied")
    shutil.rmtree(plain.folder / "images")
    mistake("stimuli", "gallery", plain.folder, "--out", tmp_path / "again.html", code="missing-file")

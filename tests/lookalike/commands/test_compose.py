"""`lookalike compose`, its families of stimuli, and the mistakes that it refuses."""

import json

import numpy as np
import pandas as pd
import pytest

from stimuli.images import read_image, write_png
from stimuli.sets import read_set

BOX = "@box=3+3+10+10"


@pytest.fixture(scope="module")
def common(gallery, tmp_path_factory):
    """The words for an untrained model, its encoder and weights."""
    import torch

    from gan.checkpoint import load_model
    from gan.inversion.encoder import Encoder, EncoderSize
    from gan.inversion.encoder_file import save_encoder

    model = load_model(gallery / "model1")
    torch.manual_seed(0)
    network = Encoder(model.generator.architecture, EncoderSize(blocks=2, base=4))
    network.space.fit(model.generator)
    path = tmp_path_factory.mktemp("encoder") / "encoder.safetensors"
    save_encoder(path, network, model.sha256, {})
    weights = ("--vgg16", gallery / "vgg16.safetensors")
    return ("--model", gallery / "model1", "--encoder", path, *weights, "--steps", 1)


@pytest.fixture(scope="module")
def family(gallery, common, exit_code, tmp_path_factory):
    out = tmp_path_factory.mktemp("composed") / "family"
    words = (
        "--texture",
        f"study:1{BOX},study:2{BOX}",
        "--template",
        f"study:3{BOX},study:4{BOX},study:5{BOX}",
        "--grid",
    )
    assert exit_code("compose", "--patches", gallery / "patches", *common, *words, "--out", out) == 0
    return out


@pytest.mark.slow
def test_a_grid_crosses_textures_with_shapes(gallery, family):
    table = pd.read_csv(family / "composed.csv", dtype=str)
    assert pd.crosstab(table["texture"], table["shape"]).to_numpy().tolist() == [[1] * 3] * 2
    cut = pd.read_csv(gallery / "patches" / "patches.csv", dtype=str).set_index("patch_id")
    for part in ("texture", "shape"):
        assert table[f"{part}_patient"].tolist() == cut.loc[table[part], "patient"].tolist()
    assert table["distance_to_real"].notna().all()  # there are twenty other patients
    sheet = read_image(family / "family.png").pixels
    assert sheet.shape == (3 * 194 - 2, 4 * 194 - 2)  # 16 px, enlarged to 192
    cell = read_image(family / table["file"][4]).pixels  # the second texture on the second shape
    np.testing.assert_allclose(sheet[388:580:12, 388:580:12], cell, atol=1 / 255)


@pytest.mark.slow
def test_a_set_of_composed_images_tells_texture_and_shape_and_keeps_their_patients_apart(
    gallery, family, lookalike, mistake, tmp_path
):
    words = ("stimuli", "build", "--patches", gallery / "patches", "--main", 12, "--composed", family)
    said = lookalike(*words, "--model", gallery / "model1", "--out", tmp_path / "set", "--json")
    assert said.code == 0, said.err
    made = read_set(tmp_path / "set")
    composed = made.table[made.table["truth"] == "generated"]
    real = made.table[made.table["truth"] == "real"]
    assert composed.groupby(["texture", "shape"]).size().tolist() == [1] * 6
    assert real[["texture", "shape"]].isna().all(axis=None)
    patients = {code for both in composed["patient"] for code in both.split("+")}
    assert not patients & set(real["patient"])
    assert made.about["composed_sha256"]
    mistake(*words, "--model", gallery / "model2", "--out", tmp_path / "no", code="other-model")
    mistake(*words, "--model", gallery / "model1", "--safe", "--out", tmp_path / "no", code="conflicting-options")


@pytest.mark.slow
def test_images_made_from_training_patients_do_not_enter_a_set(gallery, common, lookalike, mistake, tmp_path):
    words = ("compose", "--patches", gallery / "patches", *common, "--out", tmp_path / "made", "--json")
    said = lookalike(*words, "--texture", f"train:1{BOX}", "--template", f"study:1{BOX}")
    assert json.loads(said.out)["images"] == 1, said.err
    build = ("stimuli", "build", "--patches", gallery / "patches", "--model", gallery / "model1", "--main", 2)
    mistake(*build, "--composed", tmp_path / "made", "--out", tmp_path / "set", code="patient-overlap")


@pytest.mark.slow
def test_images_and_masks_from_files_and_clicks(common, lookalike, mistake, tmp_path):
    rng = np.random.default_rng(0)
    mask = np.zeros((16, 16), np.float32)
    mask[3:13, 4:13] = 1
    for name in ("a", "b"):
        write_png(tmp_path / f"{name}.png", rng.random((16, 16), dtype=np.float32), bits=16)
    write_png(tmp_path / "mask.png", mask)
    write_png(tmp_path / "large.png", np.kron(mask, np.ones((2, 2), np.float32)))
    first, second = f"{tmp_path}/a.png@{tmp_path}/mask.png", f"{tmp_path}/b.png@box=2+3+11+10"
    said = lookalike("compose", *common, "--texture", first, "--template", second, "--out", tmp_path / "made")
    assert said.code == 0, said.err
    assert "composed" in said.out
    about = json.loads((tmp_path / "made" / "composed.json").read_text())
    assert about["parts"] == {"a": "a.png, outline mask.png", "b": "b.png, outline box=2+3+11+10"}
    assert pd.read_csv(tmp_path / "made" / "composed.csv")["texture_patient"].isna().all()
    wrong = {
        f"{tmp_path}/a.png": "missing-mask",
        f"{tmp_path}/a.png@box": "missing-mask",
        f"{tmp_path}/a.png@box=1+2": "not-a-number",
        f"{tmp_path}/a.png@click=1+1": "out-of-range",
        f"{tmp_path}/a.png@{tmp_path}/large.png": "foreign-mask",
        f"{tmp_path}/large.png@box=2+3+11+10": "wrong-size",
        f"{tmp_path}/a.png@box=2+3+5+10": "lesion-too-small",
        f"{tmp_path}/none.png@box=2+3+5+10": "no-such-file",
        f"{first},{first}": "unequal-lists",
    }
    for word, code in wrong.items():
        mistake("compose", *common, "--texture", word, "--template", second, "--out", tmp_path / "no", code=code)
    twice = ("--texture", f"{first},{first}", "--template", second, "--grid")
    mistake("compose", *common, *twice, "--out", tmp_path / "no", code="same-name")
    assert not (tmp_path / "no").exists()


@pytest.mark.slow
def test_mistakes_are_told_in_one_line(gallery, common, family, mistake, tmp_path, monkeypatch):
    patches, out = ("--patches", gallery / "patches"), ("--out", tmp_path / "no")
    pair = ("--texture", f"study:1{BOX}", "--template", f"study:2{BOX}")
    mistake("compose", *common, *patches, *pair, "--out", family, code="occupied")
    mistake("compose", *common, *patches, *out, code="missing-option")
    mistake("compose", *common, *patches, "--count", 2, "--grid", *out, code="conflicting-options")
    mistake("compose", *common, "--count", 2, *out, code="missing-option")
    mistake("compose", *common, *patches, "--count", 2, *out, code="too-few-images")  # the phantoms have no masks
    mistake("compose", *common, *patches, "--count", 2, "--split", "all", *out, code="unknown-choice")
    mistake("compose", *common, *patches, "--texture", "study:999", *pair[2:], *out, code="no-such-patch")
    mistake("compose", *common, *patches, "--texture", "study:1", *pair[2:], *out, code="missing-mask")
    mistake("compose", *common, *patches, *pair, "--objective", "best", *out, code="unknown-choice")
    other = ("--model", gallery / "model2", *common[2:])
    mistake("compose", *other, *patches, *pair, *out, code="other-model")
    monkeypatch.delenv("LOOKALIKE_VGG16", raising=False)
    mistake("compose", *common[:4], *patches, *pair, *out, code="weights-needed")
    assert not (tmp_path / "no").exists()

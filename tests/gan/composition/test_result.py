"""Composed images on disk, with their certificate."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from data.files import read_json, write_json
from gan.composition.certificate import BARS, COMPOSED, MEASURES, Judge, certify, passes
from gan.composition.compose import COMPOSE, compose
from gan.composition.judge import describe, real_images, train_classifier
from gan.composition.result import read_composed, save_composed


@pytest.fixture(scope="module")
def made(model, encoder, features, lesion):
    texture, template = lesion("fine", 0.6, 1, patient="p1"), lesion("coarse", 2.0, 2, radius=9)
    composed = compose(model, encoder, features, [(texture, template), (template, texture)], replace(COMPOSE, steps=2))
    return composed, certify(composed, features)


@pytest.fixture
def stored(made, model, encoder, tmp_path):
    save_composed(tmp_path / "composed", *made, model, encoder, {"credit": "nobody"})
    return tmp_path / "composed"


def test_what_is_stored_is_read_back_with_both_parents(stored, made, model):
    back = read_composed(stored, model)
    assert back.table[["texture", "shape"]].to_numpy().tolist() == [["fine", "coarse"], ["coarse", "fine"]]
    assert back.table[["texture_patient", "shape_patient"]].to_numpy().tolist() == [["p1", ""], ["", "p1"]]
    assert back.patients == ["p1"]
    assert [one.patients for one in back.codes] == [("p1",), ("p1",)]
    assert back.about["credit"] == "nobody"
    for row, image in zip(back.table.itertuples(), made[0].images, strict=True):
        np.testing.assert_allclose(back.read(row), image, atol=1e-4)
    assert set(MEASURES) <= set(back.table.columns)
    assert not (stored / "family.png").exists()  # these two pairs cross nothing
    with Pillow.open(stored / "figure4.png") as picture:
        assert picture.width > 2 * picture.height  # six columns, two rows


def test_the_comparison_has_every_method_of_every_image(stored):
    table = pd.read_csv(stored / "comparison.csv")
    assert table["method"].drop_duplicates().tolist() == ["template", "stitched", "poisson", "encoder", COMPOSED]
    assert len(table) == 10
    assert table.loc[table["method"] == "template", "shape_correlation"].tolist() == pytest.approx([1, 1])


def test_altered_and_missing_files_are_named(stored, model, refuses):
    listed = (stored / "composed.csv").read_text()
    (stored / "composed.csv").write_text(listed.replace("p1", "p9"))
    with refuses("altered-file"):  # a patient's image cannot pass for another's
        read_composed(stored)
    (stored / "composed.csv").write_text(listed.replace("images/", "../images/"))
    with refuses("unsafe-path"):
        read_composed(stored)
    (stored / "composed.csv").write_text(listed)
    image = stored / read_composed(stored).table["file"][0]
    content = image.read_bytes()
    image.write_bytes(content + b" ")
    with refuses("altered-file"):
        read_composed(stored)
    image.unlink()
    with refuses("missing-file"):
        read_composed(stored)
    image.write_bytes(content)
    with refuses("other-model"):
        read_composed(stored, replace(model, sha256="1" * 64))
    write_json(stored / "composed.json", read_json(stored / "composed.json") | {"format": "other"})
    with refuses("wrong-format"):
        read_composed(stored)


def test_an_occupied_folder_is_left_alone(stored, made, model, encoder, refuses):
    with refuses("occupied"):
        save_composed(stored, *made, model, encoder)


def test_with_a_judge_the_certificate_says_how_real_each_looks(made, features):
    rng = np.random.default_rng(0)
    images = rng.random((40, 32, 32)).astype(np.float32)
    patients = np.array([f"q{number}" for number in range(40)])
    real, other = describe(images), describe(0.5 * images)
    judge = Judge(real_images(real, patients), train_classifier(real, other, patients))
    table = certify(made[0], features, judge)
    assert table["distance_to_real"].gt(0).all()
    assert table["as_reconstructed"].between(0, 1).all()
    assert (table["picked_out"] == (table["as_reconstructed"] <= 0.05)).all()


def test_an_image_passes_only_if_it_reaches_every_bar():
    just = dict(BARS)
    missed = [
        {**just, name: bar + (0.01 if name in ("gram_distance", "seam") else -0.01)} for name, bar in BARS.items()
    ]
    unknown = [{**just, "texture_correlation": float("nan")}]
    assert passes(pd.DataFrame([just, *missed, *unknown])).tolist() == [True] + [False] * 5

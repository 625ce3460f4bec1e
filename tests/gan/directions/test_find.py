"""From a patch set and a table to directions and their report, and edited images on disk."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data.files import read_json, write_json
from data.results.result import Estimate
from gan.checkpoint import Model
from gan.codes import codes_of_seeds, images_of
from gan.directions.directions_file import load_directions
from gan.directions.edit import Direction, direction_along
from gan.directions.edited import read_edited, save_edited
from gan.directions.effect import Effect
from gan.directions.find import FoundDirection, find_directions, save_found
from gan.directions.fit import FittedDirection
from gan.directions.labels import Label
from gan.inversion.result import Inverted
from gan.networks.code_space import CodeSpace
from stimuli.images import read_image, write_png

SURE = Estimate(0.8, low=0.7, high=0.9)
LABEL = Label("a", "pathology", ("MALIGNANT",))


@pytest.fixture
def direction(model):
    space = CodeSpace(model.generator.architecture)
    space.fit(model.generator)
    return direction_along("a", np.eye(16)[0], space)


def found(direction, made):
    return FoundDirection(LABEL, FittedDirection("a", np.eye(16)[0], SURE, 0.4, 30, 31), made, direction)


def test_only_what_holds_is_stored(direction, model, effect_of, tmp_path, refuses):
    holds, not_learned = found(direction, effect_of(own=1.0)), found(replace(direction, name="b"), None)
    other = replace(not_learned, label=replace(LABEL, name="b"))
    table = save_found(tmp_path / "out", [holds, other], model)
    assert table["holds"].tolist() == [True, False]
    assert table["effect_low"].tolist()[0] == pytest.approx(0.7)
    assert [one.name for one in load_directions(tmp_path / "out", model)] == ["a"]
    assert pd.read_csv(tmp_path / "out" / "moves.csv")["measure"].tolist() == ["a", "b"]
    card = (tmp_path / "out" / "DIRECTIONS.md").read_text()
    assert "+1.00 [+0.70, +1.30]" in card
    assert "no: the label could not be learned" in card
    assert read_image(tmp_path / "out" / "strips" / "a.png").pixels.shape == (4 * 130 - 2, 7 * 130 - 2)
    save_found(tmp_path / "none", [other], model)
    with refuses("no-such-file"):
        load_directions(tmp_path / "none", model)
    with refuses("occupied"):
        save_found(tmp_path / "none", [other], model)


@pytest.mark.slow
def test_a_label_of_nothing_is_reported_and_not_stored(model, patches, monkeypatch, tmp_path):
    monkeypatch.setattr("gan.directions.sample.SEEDS", range(60))
    monkeypatch.setattr("gan.directions.labels.FEWEST", 1)
    rng = np.random.default_rng(3)
    known = pd.DataFrame({"a": rng.integers(0, 2, len(patches.table)).astype(float)})
    (one,) = find_directions(model, patches, [LABEL], known)
    assert isinstance(one.effect, Effect | None)
    assert one.fault
    assert not save_found(tmp_path / "out", [one], model)["holds"].any()


def test_what_cannot_be_fitted_is_refused(model, patches, monkeypatch, refuses):
    monkeypatch.setattr("gan.directions.labels.FEWEST", 3)
    known = pd.DataFrame({"a": np.arange(len(patches.table)) % 2.0})
    rows = patches.select("study")
    table = rows[["patch_id", "patient", "split"]]
    with refuses("other-patches"):
        find_directions(model, patches, [LABEL], known, Inverted(patches.folder, table, {}, []))
    with refuses("wrong-split"):
        about = {"patches_sha256": patches.sha256}
        find_directions(model, patches, [LABEL], known, Inverted(patches.folder, table, about, []))
    with refuses("wrong-size"):
        find_directions(model, replace(patches, about=patches.about | {"size_px": 32}), [LABEL], known)
    with refuses("too-few-images"):
        find_directions(model, patches, [LABEL], known * 0)


@pytest.fixture
def stored(model, direction, tmp_path):
    (seed, other) = codes_of_seeds(model, [1, 2])
    codes = [seed, replace(other, name="p", patients=("one", "two"))]
    save_edited(tmp_path / "edited", model, codes, direction, [-2.0, 0.0, 2.0])
    return tmp_path / "edited"


def test_edited_images_are_read_back_with_their_sources(stored, model, direction):
    read = read_edited(stored, model)
    assert read.table["source"].tolist() == ["seed-1"] * 3 + ["p"] * 3
    assert read.table["amount"].tolist() == [-2, 0, 2] * 2
    assert read.table["patients"].tolist() == [""] * 3 + ["one two"] * 3
    assert read.about["shift"] == pytest.approx(direction.shift.tolist())
    images = images_of(model.generator, read.codes)
    for row, image in zip(read.table.itertuples(), images, strict=True):
        np.testing.assert_allclose(read_image(stored / str(row.file)).pixels, image, atol=1 / 65535)
    (seed,) = codes_of_seeds(model, [1])
    np.testing.assert_allclose(images[1], images_of(model.generator, [seed])[0], atol=1e-5)  # 0 is the image itself


def test_altered_missing_or_foreign_edits_are_refused(stored, model, refuses):
    with refuses("other-model"):
        read_edited(stored, Model(model.generator, "1" * 64, {}))
    table = (stored / "edited.csv").read_text()
    (stored / "edited.csv").write_text(table.replace("one two", "one"))
    with refuses("altered-file"):  # a patient's image cannot pass for nobody's
        read_edited(stored, model)
    for name in ("../p-a+2.png", str(stored / "images" / "p-a+2.png")):  # a table from elsewhere stays in its folder
        (stored / "edited.csv").write_text(table.replace("images/p-a+2.png", name))
        with refuses("unsafe-path"):
            read_edited(stored, model)
    (stored / "edited.csv").write_text(table)
    image = stored / "images" / "p-a+2.png"
    write_png(image, np.zeros((16, 16), np.float32), 16)
    with refuses("altered-file"):
        read_edited(stored, model)
    image.unlink()
    with refuses("missing-file"):
        read_edited(stored, model)
    write_json(stored / "edited.json", read_json(stored / "edited.json") | {"format": "another"})
    with refuses("wrong-format"):
        read_edited(stored, model)


def test_two_images_of_one_name_are_refused(model, direction, tmp_path, refuses):
    with refuses("bad-codes"):
        save_edited(tmp_path / "edited", model, codes_of_seeds(model, [1, 1]), direction, [0.0, 1.0])
    assert isinstance(direction, Direction)

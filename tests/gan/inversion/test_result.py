"""Inverted images on disk."""

import numpy as np
import pytest

from data.files import read_json, write_json
from gan.checkpoint import Model
from gan.codes import images_of, write_codes
from gan.inversion.invert import invert
from gan.inversion.result import read_inverted, read_masks, save_inverted
from gan.inversion.settings import InversionSettings
from stimuli.images import read_image, write_png

HOW = InversionSettings(steps=2)


@pytest.fixture
def stored(model, encoder, features, patches, tmp_path):
    rows = patches.select("study").head(3)
    found = invert(model, encoder, features, patches.read_all(rows), HOW)
    save_inverted(tmp_path / "inverted", found, rows, patches, model, encoder, HOW)
    return tmp_path / "inverted", found, rows


def test_what_is_stored_is_read_back_with_its_patients(stored, model, patches):
    folder, found, rows = stored
    read = read_inverted(folder, model)
    assert read.table["patient"].tolist() == rows["patient"].tolist()
    assert [one.patients for one in read.codes] == [(one,) for one in rows["patient"]]
    assert read.patients == sorted(set(rows["patient"]))
    assert set(read.table["split"]) == {"study"}
    assert read.about["key_fingerprint"] == patches.about["key_fingerprint"]
    assert read.about["settings"] == HOW.to_dict()
    np.testing.assert_allclose(read.table["psnr_db"], found.table["psnr_db"])
    np.testing.assert_allclose(images_of(model.generator, read.codes), found.images, atol=1e-4)


def test_residual_maps_show_what_was_lost(stored):
    folder, found, rows = stored
    map_ = read_image(folder / "residuals" / f"{rows['patch_id'][0]}.png").pixels
    np.testing.assert_allclose(map_, np.clip(0.5 + 2 * found.residuals[0], 0, 1), atol=1 / 255)
    assert read_image(folder / "sheet.png").pixels.shape == (3 * 194 - 2, 3 * 194 - 2)  # 16 px, enlarged to 192


def test_altered_missing_or_foreign_files_are_refused(stored, model, refuses):
    folder, _, rows = stored
    with refuses("other-model"):
        read_inverted(folder, Model(model.generator, "1" * 64, {}))
    table = (folder / "inverted.csv").read_text()
    (folder / "inverted.csv").write_text(table.replace(rows["patient"][0], "0000000000"))
    with refuses("altered-file"):  # a patient's image cannot pass for another's
        read_inverted(folder, model)
    (folder / "inverted.csv").write_text(table.replace("images/", "../images/"))
    with refuses("unsafe-path"):
        read_inverted(folder, model)
    (folder / "inverted.csv").write_text(table)
    image = folder / "images" / f"{rows['patch_id'][1]}.png"
    write_png(image, np.zeros((16, 16), np.float32), 16)
    with refuses("altered-file"):
        read_inverted(folder, model)
    image.unlink()
    with refuses("missing-file"):
        read_inverted(folder, model)
    about = read_json(folder / "inverted.json")
    write_json(folder / "inverted.json", about | {"format": "another"})
    with refuses("wrong-format"):
        read_inverted(folder, model)
    with refuses("no-such-file"):
        read_inverted(folder / "nowhere", model)


def test_codes_need_names_of_their_own(stored, model, tmp_path, refuses):
    codes = read_inverted(stored[0], model).codes
    for wrong in ([], [codes[0], codes[0]]):
        with refuses("bad-codes"):
            write_codes(tmp_path / "codes.json", wrong, model)


def test_masks_are_found_by_their_patch(tmp_path, refuses):
    write_png(tmp_path / "a-1.png", np.eye(16, dtype=np.float32))
    assert read_masks(tmp_path, ["a-1"]).sum() == 16
    with refuses("missing-file"):
        read_masks(tmp_path, ["a-1", "b-1"])
    write_png(tmp_path / "b-1.png", np.ones((8, 8), np.float32))
    with refuses("wrong-size"):
        read_masks(tmp_path, ["a-1", "b-1"])

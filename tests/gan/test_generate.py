"""Images in a folder: which seeds, in which numbers, and what is dropped."""

import json
from collections import namedtuple

import numpy as np
import pytest

import gan.generate
from data.files import read_table, sha256
from gan.checkpoint import Model
from gan.generate import COLUMNS, ImageRequest, checked_images, generate_images, images_from_seeds
from gan.leaks.check import prepare
from gan.networks.generator import from_seeds
from stimuli.images import as_stored, quantise, read_image, write_png

Verdict = namedtuple("Verdict", "suspects")


@pytest.fixture
def no_multiples_of_three(monkeypatch):
    """A leak check that suspects every third seed; gives the seeds that it was asked about."""
    asked = []

    def check(_reference, images, seeds):
        assert images.shape == (len(seeds), 16, 16)
        asked.extend(seeds)
        return Verdict(tuple(seed for seed in seeds if seed % 3 == 0))

    monkeypatch.setattr(gan.generate, "check_against", check)
    return asked


def test_consecutive_seeds_are_stored_as_patches_are(model, tmp_path):
    about = generate_images(model, tmp_path / "out", ImageRequest(5, first_seed=7, psi=0.8))
    table = read_table(tmp_path / "out" / "generated.csv", COLUMNS)
    assert table["seed"].tolist() == [7, 8, 9, 10, 11]
    for row, (seed, image) in zip(table.itertuples(), from_seeds(model.generator, range(7, 12), 0.8), strict=True):
        path = tmp_path / "out" / row.file
        assert (row.seed, row.sha256) == (seed, sha256(path))
        # Another batch size may round differently by one level of 65,535.
        np.testing.assert_allclose(read_image(path).pixels, as_stored(image), atol=1.1 / 65535)
        assert read_image(path).bit_depth == 16
    assert about == json.loads((tmp_path / "out" / "generated.json").read_text())
    assert (about["model_sha256"], about["truncation"], about["dropped"]) == ("0" * 64, 0.8, {})
    assert about["leak_check"] is None
    sheet = read_image(tmp_path / "out" / "sheet.png").pixels
    assert sheet.shape == (16, 8 * 18 - 2)


def test_what_is_compared_passes_the_path_of_the_patches_on_disk(generator, tmp_path):
    (made,) = images_from_seeds(generator, range(7, 8), 0.9)
    ((_, image),) = from_seeds(generator, [7], 0.9)
    write_png(tmp_path / "image.png", image, bits=16)
    np.testing.assert_array_equal(made, read_image(tmp_path / "image.png").pixels)
    assert made.dtype == np.float32


def test_eight_bits_are_rounded_from_sixteen_as_in_a_stimulus_set(model, tmp_path):
    about = generate_images(model, tmp_path / "out", ImageRequest(1, bits=8))
    ((_, image),) = from_seeds(model.generator, [0], 0.7)
    stored = read_image(tmp_path / "out" / "images" / "seed-0000000000.png")
    assert stored.bit_depth == 8
    np.testing.assert_allclose(quantise(stored.pixels, 8), quantise(as_stored(image), 8).astype(int), atol=1)
    assert about["quantising"] == "P-values rounded to 16 bits, as real patches are kept, then to 8"


def test_suspects_are_dropped_and_recorded_and_later_seeds_take_their_place(
    model, patches, tmp_path, no_multiples_of_three
):
    reference = prepare(patches)
    about = generate_images(model, tmp_path / "out", ImageRequest(30, first_seed=3), reference)
    table = read_table(tmp_path / "out" / "generated.csv", COLUMNS)
    kept = [seed for seed in range(3, 48) if seed % 3]
    assert table["seed"].tolist() == kept
    assert len(list((tmp_path / "out" / "images").iterdir())) == 30
    assert about["dropped"] == {"too near a training patch": [seed for seed in range(3, 47) if seed % 3 == 0]}
    assert about["leak_check"] == {
        "patches_sha256": patches.sha256,
        "training_patches": len(patches.select("train")),
        "measures": ["pixels"],
    }
    assert no_multiples_of_three == list(range(3, 53))  # in batches of 25, each seed once


def test_a_model_of_which_too_much_is_dropped_is_given_up_on(model, patches, tmp_path, monkeypatch, refuses):
    monkeypatch.setattr(gan.generate, "check_against", lambda _r, _i, seeds: Verdict(tuple(seeds)))
    with refuses("model-copies") as caught:
        generate_images(model, tmp_path / "out", ImageRequest(2), prepare(patches))
    assert "only 0 of the first 100 seeds" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_a_training_patch_is_objected_to(model, patches, monkeypatch):
    """Not a stand-in: the leak check itself, on a generator that shows one training patch."""
    reference = prepare(patches)
    copied = np.ascontiguousarray(np.rot90(reference.images[4]))

    def seeds_and_images(generator, seeds, psi, batch):
        for seed, image in from_seeds(generator, seeds, psi, batch):
            yield seed, copied if seed == 2 else image

    monkeypatch.setattr(gan.generate, "from_seeds", seeds_and_images)
    made = checked_images(model.generator, 0, 1.0, reference)
    assert [next(made).objection for _ in range(4)] == ["", "", "too near a training patch", ""]


def test_impossible_requests_are_refused(model, tmp_path, refuses):
    with refuses("out-of-range") as caught:
        ImageRequest(0)
    assert "count is 0" in str(caught.value)
    with refuses("unknown-choice") as caught:
        ImageRequest(1, bits=12)
    assert "bits is 12" in str(caught.value)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with refuses("occupied"):
        generate_images(model, tmp_path / "out", ImageRequest(1))
    model.generator.synthesis.to_grey.weight.fill_(float("nan"))
    with refuses("not-finite") as caught:
        generate_images(Model(model.generator, "0" * 64, {}), tmp_path / "new", ImageRequest(1, first_seed=4))
    assert "seed 4" in str(caught.value)
    assert not (tmp_path / "new").exists()

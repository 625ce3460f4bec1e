"""The leak check: copies must be found however they are turned, and honest images left alone."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter

from gan.leaks.check import check_against, check_leaks, prepare, save_leaks
from gan.leaks.scores import NullScores, chance_of
from gan.networks import squeezenet
from gan.networks.features import Vgg16
from stimuli.images import read_image, write_png
from stimuli.patches import PatchSet

SIZE = 24


def textures(n, seed):
    """Tissue of nobody: blurred noise over a slope of brightness."""
    rng = np.random.default_rng(seed)
    noise = gaussian_filter(rng.normal(0, 1, (n, SIZE, SIZE)), (0, 1.2, 1.2)) * rng.uniform(0.2, 0.5, (n, 1, 1))
    slope = np.linspace(-0.2, 0.2, SIZE) * rng.choice([-1, 1], (n, 1, 1))
    return np.clip(0.5 + noise + slope, 0, 1).astype(np.float32)


def patch_set(folder, images, patients, splits):
    rows = []
    for number, (image, patient, split) in enumerate(zip(images, patients, splits, strict=True)):
        write_png(folder / f"{number}.png", image, bits=16)
        rows.append({"patch_id": f"p{number}", "file": f"{number}.png", "patient": patient, "split": split})
    return PatchSet(folder, pd.DataFrame(rows), {"size_px": SIZE}, "f" * 64)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = Vgg16()
    for convolution in made.features.values():
        torch.nn.init.kaiming_normal_(convolution.weight)
    return made


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Sixty training patches of fifty patients (ten have a near-copy of their own), twenty study patches."""
    images = textures(70, 0)
    twins = images[:10] + np.random.default_rng(1).normal(0, 0.005, (10, SIZE, SIZE)).astype(np.float32)
    patients = [f"a{n}" for n in [*range(70), *range(10)]]
    return patch_set(
        tmp_path_factory.mktemp("film"),
        np.concatenate([images, twins]),
        patients,
        ["train"] * 50 + ["study"] * 20 + ["train"] * 10,
    )


@pytest.fixture(scope="module")
def reference(real):
    return prepare(real)


def copy_of(image, quarter=0, mirrored=False, shift=(0, 0)):
    padded = np.pad(image, 2, mode="reflect")[2 - shift[0] :, 2 - shift[1] :][:SIZE, :SIZE]
    return np.rot90(padded[::-1] if mirrored else padded, quarter)


RNG = np.random.default_rng(2)
DISGUISES = {
    "none": lambda x: x,
    "turned": lambda x: copy_of(x, quarter=3),
    "mirrored, turned and shifted by 2 px": lambda x: copy_of(x, 1, True, (2, -2)),
    "noisy": lambda x: copy_of(x, 2) + RNG.normal(0, 0.02, x.shape),
    "darker and paler": lambda x: copy_of(x, 1, shift=(0, 1)) ** 1.4 * 0.5 + 0.1,
    "brighter on one side": lambda x: copy_of(x, 0, True) + np.linspace(0, 0.3, SIZE),
    "blurred": lambda x: gaussian_filter(copy_of(x, 3, shift=(-1, 1)), 0.8),
}


@pytest.mark.slow
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copied_training_patch_is_found(reference, disguise):
    """One copy among twenty honest images, of a patient with one patch and of one with two."""
    for original in (33, 4):
        copied = np.clip(DISGUISES[disguise](reference.images[original]), 0, 1).astype(np.float32)
        report = check_against(reference, np.concatenate([textures(20, 3), copied[None]]), range(100, 121))
        assert report.verdict == "leaks"
        assert report.leaks == report.suspects == (120,)
        assert report.nearest[0].seed == 120
        # Of the patient with two patches, the original and its near-copy are equally good answers.
        assert report.nearest[0].patch_id in {33: {"p33"}, 4: {"p4", "p74"}}[original]
        assert report.summary.startswith("1 of 21 images almost certainly")


def test_patches_of_held_out_patients_are_no_leaks(real, reference):
    study = np.stack([real.read(row) for row in real.select("study").itertuples()])
    report = check_against(reference, study, range(20))
    assert (report.verdict, report.leaks, report.suspects) == ("none", (), ())
    assert report.summary.startswith("none of 20 images")


@pytest.mark.slow
def test_honest_images_are_suspect_no_more_often_than_stated(tmp_path):
    """Over many training sets, because one set's smallest score decides for all its images."""
    suspects, expected, verdicts = [], [], []
    for trial in range(15):
        folder = tmp_path / str(trial)
        folder.mkdir()
        patches = patch_set(folder, textures(40, 100 + trial), [f"a{n}" for n in range(40)], ["train"] * 40)
        report = check_leaks(textures(15, 500 + trial), range(15), patches)
        suspects.append(len(report.suspects))
        expected.append(report.expected_suspects)
        verdicts.append(report.verdict)
    assert np.mean(expected) == pytest.approx(15 / 21)
    assert np.mean(suspects) < np.mean(expected) + 2 * np.std(suspects) / 15**0.5
    assert verdicts.count("leaks") <= 2


def test_two_patches_of_one_patient_do_not_lower_what_counts_as_close(reference):
    """Ten patients have near-copies of their own; if those were in the null, no copy could be below it."""
    assert reference.null["pixels"].smallest > 0.5
    nearest = check_against(reference, reference.images[:1], [0]).nearest[0]
    assert nearest.score < 0.01


def test_many_views_of_one_patient_do_not_hide_a_copy(tmp_path):
    """The copied patient has twelve near-identical patches: they are not neighbours, so the score hardly changes."""
    images, scores = textures(30, 10), []
    copied = copy_of(images[0], quarter=1) + np.random.default_rng(12).normal(0, 0.03, (SIZE, SIZE)).astype(np.float32)
    twins = images[:1] + np.random.default_rng(11).normal(0, 0.005, (11, SIZE, SIZE)).astype(np.float32)
    for views, folder in ((0, tmp_path / "one"), (11, tmp_path / "many")):
        folder.mkdir()
        patients = [f"a{n}" for n in range(30)] + ["a0"] * views
        patches = patch_set(folder, np.concatenate([images, twins[:views]]), patients, ["train"] * len(patients))
        scores.append(check_leaks(copied[None], [0], patches).nearest[0].score)
    assert 0.01 < scores[0] < 0.5
    assert scores[1] == pytest.approx(scores[0], rel=0.1)


@pytest.mark.slow
def test_features_find_a_copy_too_and_a_mirrored_one(real, network):
    reference = prepare(real, network)
    copies = np.stack([reference.images[12], reference.images[20][:, ::-1]])
    report = check_against(reference, np.concatenate([textures(5, 5), copies]), range(7))
    found = {(one.seed, one.patch_id) for one in report.nearest if one.measure == "features" and one.leak}
    assert found == {(5, "p12"), (6, "p20")}
    assert report.expected_suspects == pytest.approx(7 * 2 / 31)
    assert len(report.nearest) == 14


@pytest.mark.slow
def test_a_copy_is_found_in_the_features_that_no_training_uses_too(real, network, monkeypatch):
    monkeypatch.setattr(squeezenet, "SIDE_PX", 64)
    reference = prepare(real, network, untouched=True)
    copy = np.ascontiguousarray(real.read_all(real.select("train"))[12:13, :, ::-1])
    report = check_against(reference, np.concatenate([real.read_all(real.select("study")), copy]), range(21))
    assert list(report.null) == ["pixels", "features", "squeezenet"]
    found = {one.measure for one in report.nearest if (one.seed, one.patch_id) == (20, "p12") and one.leak}
    assert found == {"pixels", "features", "squeezenet"}
    assert report.expected_suspects == pytest.approx(21 * 3 / (30 + 1))


def test_without_a_network_the_report_says_so(real):
    report = check_leaks(textures(3, 6), [1, 2, 3], real)
    assert report.features_reason == "no feature network was given"
    assert {one.measure for one in report.nearest} == {"pixels"}
    assert list(report.null) == ["pixels"]


def test_only_training_patches_are_read(real, monkeypatch):
    read = PatchSet.read
    splits = []
    monkeypatch.setattr(PatchSet, "read", lambda self, row: (splits.append(row.split), read(self, row))[1])
    prepare(real)
    assert splits == ["train"] * 60


def test_more_suspects_than_chance_explains_are_leaks_though_no_single_one_is(reference):
    images = textures(40, 7)
    scores = sorted(one.score for one in check_against(reference, images, range(40)).nearest)

    def judged(below):
        """With a null above `below` of the images' scores, whose slow tail makes no single one a certain copy."""
        null = NullScores(tuple(np.mean(scores[below - 1 : below + 1]) * 1.4 ** np.arange(60)))
        return check_against(replace(reference, null={"pixels": null}), images, range(40))

    found = {count: judged(count) for count in (1, 3, 10)}
    assert [len(report.suspects) for report in found.values()] == [1, 3, 10]
    assert [report.leaks for report in found.values()] == [()] * 3
    assert [report.verdict for report in found.values()] == ["suspects", "suspects", "leaks"]
    assert chance_of(10, 40, 30) < 0.05 < chance_of(3, 40, 30)
    assert "more than chance explains" in found[10].summary
    assert "look at the closest pairs" in found[1].summary


def test_images_without_structure_are_no_leaks(reference):
    report = check_against(reference, np.full((2, SIZE, SIZE), 0.5, np.float32), [0, 1])
    assert report.verdict == "none"
    assert [one.distance for one in report.nearest] == [1, 1]


def test_the_sheet_shows_the_copy_beside_the_original_turned_to_it(reference, tmp_path):
    copied = np.ascontiguousarray(copy_of(reference.images[33], 1, True, (2, 1)))
    report = check_against(reference, np.concatenate([textures(3, 8), copied[None]]), range(4))
    np.testing.assert_array_equal(report.pairs[0], copied)
    np.testing.assert_allclose(report.pairs[1][4:-4, 4:-4], copied[4:-4, 4:-4], atol=1e-6)
    (tmp_path / "leaks").mkdir()
    save_leaks(report, tmp_path / "leaks")
    stored = json.loads((tmp_path / "leaks" / "leaks.json").read_text())
    assert stored == json.loads(json.dumps(report.to_dict()))
    assert stored["leaks"] == [3]
    assert stored["nearest"][0]["patch_id"] == "p33"
    assert "pairs" not in stored
    side = 128 // SIZE * SIZE  # enlarged
    assert read_image(tmp_path / "leaks" / "closest.png").pixels.shape == (side, 8 * (side + 2) - 2)


def test_unsuitable_images_and_patches_are_refused(reference, real, refuses):
    for images, seeds in ((textures(3, 9), [1, 2]), (textures(3, 9)[:0], [])):
        with refuses("unequal-lengths") as caught:
            check_against(reference, images, seeds)
        assert str(caught.value).startswith(f"{len(images)} images but {len(seeds)} seeds")
    with refuses("wrong-size") as caught:
        check_against(reference, np.zeros((1, 16, 16), np.float32), [1])
    assert "(16, 16) px but the training patches (24, 24)" in str(caught.value)
    with refuses("not-finite"):
        check_against(reference, np.full((1, SIZE, SIZE), np.nan, np.float32), [1])
    few = PatchSet(real.folder, real.table.head(19), real.about, real.sha256)
    with refuses("set-too-small") as caught:
        prepare(few)
    assert "19 patients in the train split" in str(caught.value)

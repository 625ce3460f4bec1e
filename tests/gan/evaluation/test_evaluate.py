"""Evaluation: each number from its parts, the splits kept apart, and a poor generator worse than a good one."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import gaussian_filter

import gan.evaluation.evaluate
from gan.bootstrap import group_numbers, one_thread, random_split
from gan.checkpoint import Model
from gan.evaluation.evaluate import evaluate
from gan.evaluation.metrics.fid import fid
from gan.evaluation.metrics.kid import kid
from gan.evaluation.metrics.path_length import path_lengths
from gan.evaluation.metrics.precision_recall import precision_recall
from gan.evaluation.metrics.whitening import whitening
from gan.evaluation.result import save_evaluation
from gan.networks.features import VARIABLE, Vgg16, load_vgg16, pooled_features
from gan.networks.generator import Architecture, Generator, from_seeds
from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.images import read_image, write_png
from stimuli.patches import PatchSet
from stimuli.sources.boxes_table import read_source

SIZE, STUDY = 16, 40
SMALL = Architecture(resolution=SIZE, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_thread():
        yield


def textures(n, seed):
    """Images that vary a little in brightness and contrast, and much in grain and a blob's size."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    images = []
    for _ in range(n):
        grain = gaussian_filter(rng.normal(0, 1, (SIZE, SIZE)), rng.uniform(0.6, 2))
        grain /= grain.std()
        blob = np.exp(-(x**2 + y**2) / (2 * rng.uniform(2, 5) ** 2))
        images.append(rng.uniform(0.3, 0.4) + rng.uniform(0.2, 0.3) * blob + rng.uniform(0.06, 0.1) * grain)
    return np.clip(images, 0, 1).astype(np.float32)


def patch_set(folder, counts):
    """Two patches per patient, so many patches per split."""
    rows = []
    for split, count in counts.items():
        for number, image in enumerate(textures(count, list(counts).index(split))):
            name = f"{split}{number}"
            write_png(folder / f"{name}.png", image, bits=16)
            rows.append({"patch_id": name, "file": f"{name}.png", "patient": f"{split}{number // 2}", "split": split})
    return PatchSet(folder, pd.DataFrame(rows), {"size_px": SIZE}, "f" * 64)


@pytest.fixture(scope="module")
def patches(tmp_path_factory):
    return patch_set(tmp_path_factory.mktemp("film"), {"train": 60, "select": 22, "study": STUDY})


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = Vgg16()
    for convolution in made.features.values():
        torch.nn.init.kaiming_normal_(convolution.weight)
    return made


def run(model, patches, network, **settings):
    usual = {"resamples": 20, "pairs": 2, "first_seed": 50, "blocks": 1, "judges": ()}
    return evaluate(model, patches, network, **{**usual, **settings})


@pytest.fixture(scope="module")
def untrained():
    """A model whose images anything can discriminate from the textures."""
    torch.manual_seed(7)
    return Model(Generator(SMALL).requires_grad_(False), "0" * 64, {})


@pytest.fixture(scope="module")
def evaluated(untrained, patches, network):
    return run(untrained, patches, network)


def read_all(patches, split):
    return np.stack([patches.read(row) for row in patches.select(split).itertuples()])


@pytest.mark.slow
def test_each_number_follows_from_all_patches_of_the_split_and_as_many_generated(model, patches, network):
    found = run(model, patches, network, psi=0.8)
    real = pooled_features(network, read_all(patches, "study"))
    images = np.stack([image for _, image in from_seeds(model.generator, range(50, 50 + STUDY), 0.8)])
    fake = pooled_features(network, (np.rint(images.astype(float) * 65535) / 65535).astype(np.float32))
    near = precision_recall(real, fake, k=3)
    patients = np.arange(STUDY) // 2
    white = whitening(pooled_features(network, read_all(patches, "train")))
    assert found.components == white.components == 15
    expected = {"kid": kid(white(real), white(fake), patients), "kid_raw": kid(real, fake, patients)}
    expected |= {"fid": fid(real, fake), "precision": near.precision}
    for name, value in {**expected, "recall": near.recall}.items():
        assert found.scores[name].generated.value == pytest.approx(value, rel=1e-4, abs=1e-9)
    assert (found.images, found.patients) == (STUDY, STUDY // 2)
    assert found.scores["auc"].generated.value > 0.9  # an untrained generator
    lengths = path_lengths(model.generator, network, [50, 51, 52, 53], psi=0.8)
    assert found.path_length.value == pytest.approx(float(lengths.mean()))


@pytest.mark.slow
def test_blocks_are_of_consecutive_seeds_and_sessions_have_a_truncation_of_their_own(untrained, patches, network):
    both = run(untrained, patches, network, blocks=2, session_psi=0.5, resamples=2)
    first, second = (run(untrained, patches, network, first_seed=seed, resamples=2) for seed in (50, 50 + STUDY))
    session = run(untrained, patches, network, psi=0.5, resamples=2)
    assert [one.psi for one in both.measured] == [1.0, 0.5]
    for name in ("kid", "kid_raw", "fid", "precision", "recall"):  # the AUC's folds are drawn anew
        assert both.scores[name].blocks == (first.scores[name].generated.value, second.scores[name].generated.value)
        assert both.measured[1].scores[name].blocks[0] == session.scores[name].generated.value
    assert both.to_dict()["session"]["truncation"] == 0.5
    assert first.to_dict()["session"] is None


@pytest.mark.slow
def test_a_reference_takes_the_place_of_the_split_with_all_of_its_patients(untrained, patches, network, tmp_path):
    other = patch_set(tmp_path, {"train": 10, "select": 6, "study": 8})
    found = run(untrained, patches, network, reference=other, judges=["texture"], resamples=2)
    assert (found.images, found.patients, found.split) == (24, 12, "reference")
    np.testing.assert_array_equal(found.real_images, other.read_all(other.table))
    assert found.fresh["texture"].training is not None
    assert run(untrained, patches, network, resamples=2).scores["fid"].training is None


@pytest.mark.slow
def test_the_same_settings_give_the_same_numbers_and_valid_json(untrained, patches, network, evaluated):
    first = evaluated.to_dict()
    assert run(untrained, patches, network).to_dict() == first
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    for score in first["scores"].values():
        for one in (score["generated"], score["real"]):
            assert one["low"] <= one["value"] <= one["high"]
        assert 1 / 21 <= score["chance"] <= 1


@pytest.mark.slow
def test_training_patches_are_never_evaluated_as_study_patches(untrained, patches, network, evaluated, monkeypatch):
    """Training patches replaced by noise change real against real, and nothing else; select is not read."""
    read, seen = PatchSet.read, []

    def tampered(self, row):
        seen.append(row.patch_id)
        noise = np.random.default_rng(len(seen)).uniform(0, 1, (SIZE, SIZE)).astype(np.float32)
        return noise if row.split == "train" else read(self, row)

    monkeypatch.setattr(PatchSet, "read", tampered)
    found = run(untrained, patches, network)
    for name in ("kid_raw", "fid", "precision", "recall", "auc"):  # KID is whitened by training patches
        assert found.scores[name].generated == evaluated.scores[name].generated
    np.testing.assert_array_equal(found.real_images, evaluated.real_images)
    assert found.scores["auc"].real.value != evaluated.scores["auc"].real.value
    assert seen == [f"study{n}" for n in range(STUDY)] + [f"train{n}" for n in range(60)]


@pytest.mark.slow
def test_real_against_real_is_what_a_perfect_generator_gets(model, patches, network, monkeypatch):
    monkeypatch.setattr(gan.evaluation.evaluate, "images_from_seeds", lambda *_: textures(STUDY, 77))
    found = run(model, patches, network, resamples=60)
    for score in found.scores.values():
        assert score.generated.low <= score.real.value <= score.generated.high
        assert score.real.low <= score.generated.value <= score.real.high
        assert score.chance > 0.05
    assert found.scores["auc"].real.value == pytest.approx(0.5, abs=0.05)
    assert abs(found.scores["kid"].real.value) < 0.2 * found.scores["kid"].real.high  # no bias


def both(perfect, evaluated, monkeypatch):
    """Evaluate images, and the same with all their variance cut by 30%, as if generators had made them."""
    mean = perfect.mean(axis=0)
    for images in (perfect, (mean + 0.7**0.5 * (perfect - mean)).astype(np.float32)):
        monkeypatch.setattr(gan.evaluation.evaluate, "images_from_seeds", lambda *_, images=images: images)
        yield evaluated().scores


@pytest.mark.slow
def test_a_generator_with_its_variance_cut_by_thirty_percent_comes_out_clearly_worse(
    model, network, tmp_path, monkeypatch
):
    patches = patch_set(tmp_path, {"train": 90, "study": 80})
    good, cut = both(textures(80, 78), lambda: run(model, patches, network, resamples=40), monkeypatch)
    for name in ("kid", "kid_raw", "fid"):
        assert cut[name].generated.value > cut[name].real.high + 2 * (cut[name].real.high - cut[name].real.value)
        assert good[name].generated.value < good[name].real.high
        assert (cut[name].chance, good[name].chance > 0.05) == (1 / 41, True)
    assert cut["recall"].generated.value < cut["recall"].real.low
    assert good["recall"].generated.value > good["recall"].real.low


@pytest.mark.slow
@pytest.mark.skipif(
    not (os.environ.get("LOOKALIKE_DATA") and os.environ.get(VARIABLE)),
    reason=f"LOOKALIKE_DATA and {VARIABLE} are not set",
)
def test_that_holds_on_mammograms_and_published_features_too(tmp_path):
    """By the parts that `evaluate` is made of, so that images pass the network once."""
    mammograms = read_source(Path(os.environ["LOOKALIKE_DATA"]) / "cbis-ddsm")[:560]
    patches = cut_patches(mammograms, tmp_path / "cut", b"k" * 32, Cut(split=(0.5, 0, 0.5)))
    images, count = read_all(patches, "train"), 180
    cut = images[:count].mean(axis=0) + 0.7**0.5 * (images[:count] - images[:count].mean(axis=0))
    network = load_vgg16()
    study, train, cut = (
        pooled_features(network, part) for part in (read_all(patches, "study"), images, cut.astype(np.float32))
    )
    names = [*patches.select("study")["patient"], *patches.select("train")["patient"]]
    groups = group_numbers(names)
    white, pool = whitening(train), torch.cat([study, train])
    ours, theirs = np.arange(count), np.arange(len(study), len(study) + count)

    def measure(one, two, fake):
        value = kid(white(pool[one]), white(fake), groups[one], groups[two])
        return value, -precision_recall(pool[one], fake).recall

    rng = np.random.default_rng(0)
    with one_thread():
        splits = [measure(one, two, pool[two]) for one, two in (random_split(groups, count, rng) for _ in range(100))]
    good, bad = measure(ours, theirs, pool[theirs]), measure(ours, theirs, cut)
    for place, each in enumerate(zip(*splits, strict=True)):
        assert bad[place] > max(each)
        assert good[place] < np.quantile(each, 0.9)
    assert bad[0] > 2 * np.quantile([value for value, _ in splits], 0.975)


@pytest.mark.slow
def test_without_enough_other_patients_there_is_a_reason_instead(model, network, tmp_path):
    few = patch_set(tmp_path, {"train": 40, "study": STUDY})
    found = run(model, few, network, resamples=2)
    assert found.real_reason == (
        "two sets of 40 patches of different patients are needed, but those measured against and train together have "
        "only 80 patches of 40 patients"
    )
    assert {(score.real, score.chance) for score in found.scores.values()} == {(None, None)}
    assert found.to_dict()["scores"]["kid"]["real"] is None
    enough = patch_set(tmp_path, {"train": 42, "study": STUDY})
    assert run(model, enough, network, resamples=2).real_reason == ""


def test_the_folder_holds_numbers_curves_and_a_sheet_with_its_key(evaluated, tmp_path):
    found = evaluated
    (tmp_path / "out").mkdir()
    save_evaluation(found, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "evaluation.json",
        "sheet.png",
        "spectrum.png",
    ]
    stored = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    truth = stored.pop("sheet")
    assert stored == found.to_dict()
    assert (truth.count("real"), truth.count("generated")) == (32, 32)
    sheet = read_image(tmp_path / "out" / "sheet.png").pixels
    assert sheet.shape == (8 * (SIZE + 2) - 2, 8 * (SIZE + 2) - 2)
    known = {
        "real": np.rint(found.real_images * 255) / 255,
        "generated": np.rint(found.generated_images * 255) / 255,
    }
    for place, kind in enumerate(truth):
        top, left = (place // 8) * (SIZE + 2), (place % 8) * (SIZE + 2)
        shown = sheet[top : top + SIZE, left : left + SIZE]
        assert min(np.abs(known[kind] - shown).max(axis=(1, 2))) < 1e-6


def test_what_cannot_be_measured_is_refused(model, patches, network, refuses):
    with refuses("unknown-choice"):
        evaluate(model, patches, network, split="train")
    with refuses("wrong-size") as caught:
        evaluate(model, replace(patches, about={"size_px": 32}), network)
    assert "--size 16" in str(caught.value)
    few = replace(patches, table=patches.table[patches.table["patch_id"] != "study0"].head(60 + 22 + 19))
    with refuses("set-too-small") as caught:
        evaluate(model, few, network)
    assert "19 patches of 10 patients in the study split" in str(caught.value)
    with refuses("unknown-choice") as caught:
        run(model, patches, network, judges=["textures"])
    assert "it must be cnn or texture or texture_noise or squeezenet" in str(caught.value)
    with refuses("out-of-range"):
        run(model, patches, network, blocks=0)
    with refuses("out-of-range") as caught:
        run(model, patches, network, resamples=0)
    assert "resamples is 0" in str(caught.value)
    model.generator.synthesis.to_grey.weight.fill_(float("nan"))
    with refuses("not-finite") as caught:
        evaluate(Model(model.generator, "0" * 64, {}), patches, network)
    assert "seed 100000" in str(caught.value)


@pytest.mark.slow
def test_the_select_split_is_measured_the_same_way(model, patches, network):
    found = run(model, patches, network, split="select")
    assert (found.split, found.images, found.patients) == ("select", 22, 11)
    np.testing.assert_array_equal(found.real_images, read_all(patches, "select"))

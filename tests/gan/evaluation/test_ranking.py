"""Snapshots side by side: the better one first, on select patients only, whatever the order they come in."""

import json

import numpy as np
import pytest
import torch

import gan.evaluation.ranking
import gan.networks.squeezenet
from gan.bootstrap import group_numbers, one_thread
from gan.checkpoint import Model
from gan.evaluation.judges.texture import texture_statistics
from gan.evaluation.metrics.kid import kid
from gan.evaluation.metrics.separability import separate
from gan.evaluation.metrics.whitening import whitening
from gan.evaluation.ranking import rank_models
from gan.evaluation.samples import training_images
from gan.networks.features import Vgg16, pooled_features
from stimuli.images import write_png
from stimuli.patches import PatchSet

SIZE = 16


@pytest.fixture(scope="module", autouse=True)
def single_thread():
    with one_thread():
        yield


@pytest.fixture(autouse=True)
def small_images(monkeypatch):
    """SqueezeNet on images of 32 px instead of 227: these tests are not about what it sees."""
    monkeypatch.setattr(gan.networks.squeezenet, "SIDE_PX", 32)


def textures(n, seed, contrast=0.1):
    noise = np.random.default_rng(seed).normal(0, contrast, (n, SIZE, SIZE))
    return np.clip(0.5 + noise, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = Vgg16()
    for convolution in made.features.values():
        torch.nn.init.kaiming_normal_(convolution.weight)
    return made


@pytest.fixture(scope="module")
def patches(tmp_path_factory):
    import pandas as pd

    folder, rows = tmp_path_factory.mktemp("film"), []
    for place, (split, count) in enumerate({"train": 40, "select": 24, "study": 4}.items()):
        for number, image in enumerate(textures(count, place)):
            name = f"{split}{number}"
            write_png(folder / f"{name}.png", image, bits=16)
            rows.append({"patch_id": name, "file": f"{name}.png", "patient": f"{split}{number // 2}", "split": split})
    return PatchSet(folder, pd.DataFrame(rows), {"size_px": SIZE}, "f" * 64)


@pytest.fixture
def snapshots(generator, monkeypatch):
    """Three models of growing contrast; the second is right."""
    shown = {"early": textures(50, 7, 0.05), "middle": textures(50, 8), "late": textures(50, 9, 0.12)}
    models, images = [], {}
    for name, pictures in shown.items():
        made = type(generator)(generator.architecture)
        images[id(made)] = pictures
        models.append((name, Model(made, name, {"images_seen": len(models)})))

    def stored(made, seeds, psi):  # noqa: ARG001
        return images[id(made)][: len(seeds)]

    monkeypatch.setattr(gan.evaluation.ranking, "images_from_seeds", stored)
    return models


@pytest.mark.slow
def test_models_are_ranked_by_what_no_training_uses_against_all_select_patches(
    snapshots, patches, network, monkeypatch
):
    read, seen = PatchSet.read, []
    monkeypatch.setattr(PatchSet, "read", lambda self, row: (seen.append(row.split), read(self, row))[1])
    found = rank_models(snapshots, patches, network, images=50, resamples=40)
    assert set(seen) == {"train", "select"}
    assert [one.name for one in found.models] == ["middle", "late", "early"]
    assert (found.real_images, found.patients, found.generated_images) == (24, 12, 50)
    rows = patches.select("select")
    white = whitening(pooled_features(network, training_images(patches)))
    real = white(pooled_features(network, np.stack([read(patches, row) for row in rows.itertuples()])))
    fake = white(pooled_features(network, textures(50, 7, 0.05)))
    last = found.models[2]
    assert last.kid.value == pytest.approx(kid(real, fake, group_numbers(rows["patient"].tolist())), rel=1e-4)
    assert found.models[0].behind is None
    assert last.behind.value == pytest.approx(last.auc.value - found.models[0].auc.value)
    assert last.behind.low > 0
    groups = group_numbers(rows["patient"].tolist()), np.arange(50)
    real = np.stack([read(patches, row) for row in rows.itertuples()])
    texture = separate(*map(texture_statistics, (real, textures(50, 7, 0.05))), *groups, seed=0)
    ones = torch.ones(24, dtype=torch.float64), torch.ones(50, dtype=torch.float64)
    assert last.judges["texture"] == pytest.approx(texture.auc(*ones))
    assert list(last.judges) == ["texture", "texture_noise", "squeezenet"]
    assert last.auc.value == pytest.approx(np.mean(list(last.judges.values())))


@pytest.mark.slow
def test_kid_does_not_decide(snapshots, patches, network, monkeypatch):
    """A training that matches the features would win by them, whatever its images look like."""
    alike = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 5)))
    monkeypatch.setattr(gan.evaluation.ranking, "pooled_features", lambda _, images: alike[: len(images)])
    found = rank_models(snapshots, patches, network, images=50, resamples=10)
    assert [one.name for one in found.models] == ["middle", "late", "early"]
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()


@pytest.mark.slow
def test_the_order_they_come_in_changes_nothing(snapshots, patches, network):
    settings = {"images": 30, "resamples": 10}
    one = rank_models(snapshots, patches, network, **settings)
    assert rank_models(snapshots[::-1], patches, network, **settings) == one


def test_sharing_patients_and_seeds_makes_differences_narrow(snapshots, patches, network, monkeypatch):
    nearly = textures(50, 8) * np.float32(0.998) + np.float32(0.001)
    (_, middle), (_, other) = snapshots[1], snapshots[2]
    images = {id(middle.generator): textures(50, 8), id(other.generator): nearly}
    monkeypatch.setattr(gan.evaluation.ranking, "images_from_seeds", lambda made, seeds, psi: images[id(made)])  # noqa: ARG005
    found = rank_models([("a", middle), ("b", other)], patches, network, images=50, resamples=40).models[1]
    assert found.behind.high - found.behind.low < 0.5 * (found.auc.high - found.auc.low)


def test_what_cannot_be_ranked_is_refused(snapshots, patches, network, refuses):
    with refuses("out-of-range") as caught:
        rank_models(snapshots, patches, network, images=19)
    assert "images is 19" in str(caught.value)
    with refuses("out-of-range") as caught:
        rank_models(snapshots, patches, network, resamples=0)
    assert "resamples is 0" in str(caught.value)
    few = PatchSet(patches.folder, patches.table.head(50), patches.about, patches.sha256)
    with refuses("set-too-small") as caught:
        rank_models(snapshots, few, network)
    assert "10 patches of 5 patients in the select split" in str(caught.value)
    untrained = PatchSet(patches.folder, patches.table.tail(30), patches.about, patches.sha256)
    with refuses("set-too-small") as caught:
        rank_models(snapshots, untrained, network)
    assert "2 patches in the train split" in str(caught.value)

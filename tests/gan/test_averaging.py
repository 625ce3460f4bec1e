import copy

import pytest
import torch

import gan
from gan.averaging import average_models
from gan.checkpoint import Model

ARCHITECTURE = gan.Architecture(16, channel_max=16)


@pytest.fixture
def variants():
    """Three models: a first one, and two that went on from it in different directions."""
    torch.manual_seed(3)
    first = gan.Generator(ARCHITECTURE).requires_grad_(False)
    for weight in first.parameters():
        weight += 0.3 * torch.randn_like(weight)  # as training would: at its start, noise has no weight yet
    found = [Model(first, "first", {"images_seen": 8, "train_patients": ["P1"], "key_fingerprint": "k"}, 0.9)]
    for name, patient in (("second", "P2"), ("third", "P3")):
        other = copy.deepcopy(first)
        for weight in other.parameters():
            weight += 0.05 * torch.randn_like(weight)
        about = {"images_seen": 4, "train_patients": [patient], "key_fingerprint": "k", "learning_rate": 0.1}
        found.append(Model(other, name, about | {"earlier": [found[0].training]}, 1.0))
    return found


def test_each_weight_is_the_weighted_mean(variants):
    mean = average_models(variants, [1, 2, 5]).generator
    each = [dict(model.generator.named_parameters()) for model in variants]
    for name, weight in mean.named_parameters():
        expected = (each[0][name] + 2 * each[1][name] + 5 * each[2][name]) / 8
        torch.testing.assert_close(weight, expected)
    assert {name: len(value) for name, value in each[0].items()}  # and there are weights


def test_the_average_of_a_model_with_itself_is_that_model(variants):
    one = variants[1]
    mean = average_models([one, one])
    pixels = (gan.images_from_seeds(model.generator, [1, 2], 1.0) for model in (one, mean))
    torch.testing.assert_close(*(torch.from_numpy(images) for images in pixels), atol=1e-6, rtol=0)


def test_an_average_lies_between_its_models(variants):
    """Half way between a model and a variant, images differ from either less than these from one another."""
    one, other = variants[:2]
    first, middle, last = (
        torch.from_numpy(gan.images_from_seeds(model.generator, range(8), 1.0))
        for model in (one, average_models([one, other]), other)
    )
    apart = (first - last).square().mean()
    assert (first - middle).square().mean() < apart > (middle - last).square().mean()


def test_truncation_draws_to_the_mean_of_the_averages_own_codes(variants):
    generator = average_models(variants).generator
    z = torch.randn(20_000, ARCHITECTURE.z_dim, generator=torch.Generator().manual_seed(9))
    w = generator.mapping(z)
    error = (generator.w_mean[0] - w.mean(dim=0)).abs() / w.std(dim=0)
    assert error.max() < 5 * (1 / 10_000 + 1 / 20_000) ** 0.5
    assert all(torch.equal(row, generator.w_mean[0]) for row in generator.w_mean)


def test_the_patients_of_all_models_are_remembered(variants):
    mean = average_models(variants, [1, 2, 3])
    assert mean.patients("k") == {"P1", "P2", "P3"}
    assert mean.training["learning_rate"] == 0.1
    assert mean.training["averaged"] == [
        {"sha256": name, "share": pytest.approx(share)}
        for name, share in (("first", 1 / 6), ("second", 1 / 3), ("third", 1 / 2))
    ]
    assert [one["train_patients"] for one in mean.training["earlier"]] == [["P1"], ["P2"]]  # each once
    assert mean.truncation == 1.0  # of the model that counts most
    assert average_models(variants).truncation == 0.9


def test_an_average_credits_the_sources_of_all(variants):
    one, other = (Model(variants[0].generator, name, {"credit": f"source {name}"}) for name in "ab")
    assert average_models([one, other], [1, 2]).training["credit"] == "source b; source a"


@pytest.mark.parametrize("weights", [[1, 2], [1, 0, 1], [1, -1, 1], [1, float("nan"), 1], [1, float("inf"), 1]])
def test_weights_that_are_none(variants, weights, refuses):
    with refuses("out-of-range"):
        average_models(variants, weights)


def test_what_has_no_average(variants, refuses):
    with refuses("missing-argument"):
        average_models(variants[:1])
    wider = Model(gan.Generator(gan.Architecture(16, channel_max=8)).requires_grad_(False), "", {})
    with refuses("wrong-architecture") as caught:
        average_models([*variants, wider])
    assert "model 4" in str(caught.value)


def test_models_that_know_other_files_have_no_average(refuses):
    one, other = (gan.Generator(gan.Architecture(16, channel_max=16, source_files=2)) for _ in range(2))
    assert other.traces is not None
    other.traces.files[0, 2] = 90
    with refuses("wrong-architecture") as caught:
        average_models([Model(one, "", {}), Model(other, "", {})])
    assert "other files" in str(caught.value)

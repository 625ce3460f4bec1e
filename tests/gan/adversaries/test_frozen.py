"""The discriminator on frozen features: its heads, its losses, and the moments that it matches."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from gan.adversaries.frozen import FrozenAdversary
from gan.adversaries.step_rng import StepRng
from gan.checkpoint import load_model
from gan.networks.generator import Architecture
from gan.training.growth import Stage
from gan.training.run import enter, make_accelerator, start
from gan.training.settings import Settings
from gan.training.state import FILE
from gan.training.train import train

pytest.importorskip("efficientnet_lite_pytorch", reason="the gan extra is not installed")

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
SETTINGS = Settings(SMALL, discriminator="frozen", kimg=0.032, batch=8, snapshot_kimg=0.016, moments=1000.0)


@pytest.fixture(scope="module")
def adversary():
    return FrozenAdversary()


class Pyramid(torch.nn.Module):
    """Takes the place of EfficientNet-lite in tests of what is done with its maps: averaged images, much quicker."""

    strides = (2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32, 32, 32, 32)
    channels = (4,) * len(strides)

    def __init__(self, size):  # noqa: ARG002 - the real one's
        super().__init__()
        self.colour = torch.nn.Conv2d(1, 4, 1)

    def forward(self, images, side):
        images = self.colour(F.interpolate(images, size=(side, side), mode="bilinear"))
        return [F.avg_pool2d(images, stride) for stride in self.strides]


@pytest.fixture
def pyramid(monkeypatch):
    for module in ("frozen", "moments"):
        monkeypatch.setattr(f"gan.adversaries.{module}.EfficientNetLite", Pyramid)


@pytest.fixture
def smaller(pyramid, monkeypatch):  # noqa: ARG001 - fixtures build on it
    """The pyramid at half the sizes, for whole runs: five heads."""
    monkeypatch.setattr("gan.adversaries.frozen.INPUTS_PX", (64, 32))


@pytest.mark.slow
@pytest.mark.parametrize("side", [64, 128])
def test_the_pyramid_has_maps_where_the_real_network_has_them(adversary, side):
    images = torch.zeros(1, 1, 16, 16)
    real, ours = adversary.frozen.features(images, side), Pyramid(0)(images, side)
    assert [x.shape[2:] for x in ours] == [x.shape[2:] for x in real]


@pytest.mark.slow
def test_the_views_have_a_head_for_every_map_of_four_pixels_or_more(adversary):
    with torch.no_grad():
        seen = adversary.frozen(torch.randn(1, 1, 64, 64))
    assert [tuple(x.shape[1:]) for x in seen] == [
        *((32, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4)),
        *((32, 16, 16), (64, 8, 8), (128, 4, 4)),
    ]


@pytest.mark.slow
def test_the_random_mixing_is_the_same_in_every_run(adversary):
    torch.manual_seed(99)
    again = FrozenAdversary()
    for one, other in zip(adversary.frozen.parameters(), again.frozen.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.slow
@pytest.mark.usefixtures("pyramid")
def test_building_leaves_the_random_state_to_the_heads():
    weights = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        weights.append(next(FrozenAdversary().trained.parameters()))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_only_heads_are_trained_and_gradients_reach_the_images(adversary):
    assert not any(parameter.requires_grad for parameter in adversary.frozen.parameters())
    images = torch.randn(2, 1, 64, 64, requires_grad=True)
    adversary.generator_loss(adversary.view(images, StepRng(0, 0, 2), torch.ones(2, dtype=torch.bool)), []).backward()
    assert images.grad.abs().sum() > 0


def test_each_head_gives_one_logit_per_image(adversary):
    seen = adversary.view(torch.randn(3, 1, 64, 64), StepRng(0, 0, 3), torch.ones(3, dtype=torch.bool))
    assert [head(x).shape for head, x in zip(adversary.trained, seen, strict=True)] == [(3, 1)] * 7


@pytest.mark.usefixtures("pyramid")
def test_losses_are_the_hinge_summed_over_scales():
    adversary = FrozenAdversary()
    adversary.trained = torch.nn.ModuleList([torch.nn.Flatten()] * 7)
    real, fake = ([torch.tensor(values)[:, None, None, None]] * 7 for values in ([2.0, 0.5], [-3.0, 0.0]))
    loss, logged = adversary.discriminator_loss(real, fake, 0)
    assert loss.item() == logged.item() == pytest.approx(7 * (0.25 + 0.5))
    assert adversary.generator_loss(fake, []).item() == pytest.approx(7 * 1.5)


class Silent(torch.nn.Module):
    def forward(self, x):
        return 0 * x.flatten(1)[:, :1]


@pytest.mark.slow
@pytest.mark.usefixtures("pyramid")
def test_moments_correct_a_generator_whose_features_are_off():
    """Images a little too bright: with the heads silent, the moments alone say that they must become darker."""
    torch.manual_seed(0)
    adversary = FrozenAdversary(moments=1000.0)
    adversary.trained = torch.nn.ModuleList([Silent()] * 7)
    rng, off = StepRng(0, 0, 8), torch.tensor(0.2, requires_grad=True)
    darker = torch.rand(8, 1, 32, 32) - 0.5
    adversary.prepare(lambda: [darker])
    real = adversary.view(darker, rng, None)
    fake = adversary.view(torch.rand(8, 1, 32, 32) - 0.5 + off, rng, torch.ones(8, dtype=torch.bool))
    for _ in range(50):
        adversary.discriminator_loss(real, [seen.detach() for seen in fake], 0)
        told = adversary.adapt(8, lambda value: value)
    assert told["feature_distance"] > 0
    assert fake[-1].shape == (8, adversary.moments.fake.numel())
    assert len(real) == len(fake) - 1  # real images are summarised once, in advance
    loss = adversary.generator_loss(fake, [])
    loss.backward(retain_graph=True)
    assert off.grad > 0
    assert loss.item() == 0  # only the heads' loss is logged
    gradient = off.grad.item()
    for weight in (2000.0, 0.0):
        adversary.weight, off.grad = weight, None
        adversary.generator_loss(fake, []).backward(retain_graph=True)
        assert off.grad.item() == pytest.approx(gradient * weight / 1000.0, rel=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("pyramid")
def test_moments_are_of_images_as_they_are_and_heads_see_them_shifted_and_cut():
    adversary, images = FrozenAdversary(moments=1.0), torch.rand(8, 1, 64, 64) - 0.5
    one, other = (adversary.view(images, StepRng(0, step, 8), torch.ones(8, dtype=torch.bool)) for step in (0, 1))
    assert torch.equal(one[-1], other[-1])
    assert not torch.equal(one[0], other[0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        reduced = adversary.view(images, StepRng(0, 0, 8), torch.ones(8, dtype=torch.bool))
    assert torch.equal(one[-1], reduced[-1])
    assert reduced[0].dtype == torch.bfloat16


@pytest.mark.usefixtures("pyramid")
def test_moments_are_of_the_images_from_a_single_code():
    adversary, images = FrozenAdversary(moments=1.0), torch.rand(4, 1, 32, 32) - 0.5
    some = torch.tensor([True, False, False, True])
    summaries = adversary.view(images, StepRng(0, 0, 4), some)[-1]
    assert torch.equal(summaries, adversary.summaries(images[some]))
    assert len(adversary.view(images, StepRng(0, 0, 4), torch.zeros(4, dtype=torch.bool))[-1]) == 4


@pytest.mark.slow
@pytest.mark.usefixtures("pyramid")
def test_means_are_those_of_all_processes():
    adversary = FrozenAdversary(moments=1.0)
    seen = adversary.view(torch.rand(4, 1, 16, 16), StepRng(0, 0, 4), torch.ones(4, dtype=torch.bool))
    adversary.discriminator_loss(seen, seen, 0)
    adversary.adapt(4, lambda value: 2 * value)
    torch.testing.assert_close(adversary.moments.fake, 2 * seen[-1].mean(0))


@pytest.mark.slow
@pytest.mark.usefixtures("smaller")
def test_real_images_are_summarised_once_in_every_symmetric_form(patches, tmp_path, monkeypatch):
    asked, original = [], FrozenAdversary.prepare

    def counted(self, real):
        before = bool(self.moments.batches)
        original(self, lambda: asked.append(before) or real())

    monkeypatch.setattr(FrozenAdversary, "prepare", counted)
    train(patches, tmp_path / "run", replace(SETTINGS, kimg=0.032))
    assert asked == [False]
    kept = load_file(tmp_path / "run" / FILE)["adversary.moments.real"]
    images = torch.stack([torch.from_numpy(patches.read(row)) for row in patches.select("train").itertuples()])
    images = images.unsqueeze(1) * 2 - 1
    both = torch.cat([images, images.flip(3)])
    expected = FrozenAdversary(moments=1.0).summaries(both).mean(dim=0)
    torch.testing.assert_close(kept, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("pyramid")
def test_without_moments_nothing_is_summarised_and_none_are_kept_for_later():
    adversary = FrozenAdversary()
    adversary.moments.batches.fill_(500)
    real, fake = (
        adversary.view(torch.rand(4, 1, 16, 16), StepRng(0, 0, 4), torch.ones(4, dtype=torch.bool)) for _ in range(2)
    )
    assert len(real) == 7
    adversary.discriminator_loss(real, fake, 0)
    assert adversary.adapt(4, lambda value: value) == {}
    assert adversary.moments.batches == 0


@pytest.mark.slow
@pytest.mark.usefixtures("smaller")
def test_a_resumed_run_may_switch_moments_on_change_their_weight_and_switch_them_off(patches, tmp_path):
    kept = []
    for part, weight in enumerate((0.0, 1000.0, 50.0, 0.0)):
        settings = replace(SETTINGS, kimg=0.016 * (part + 1), moments=weight)
        train(patches, tmp_path / "run", settings, resume=part > 0)
        kept.append(load_file(tmp_path / "run" / FILE)["adversary.moments.batches"].item())
    assert kept == [0, 2, 4, 0]
    logged = [json.loads(line)["feature_distance"] for line in (tmp_path / "run" / "log.jsonl").open()]
    assert [distance is None for distance in logged] == [True, False, False, True]


@pytest.mark.slow
@pytest.mark.usefixtures("smaller")
def test_means_restart_when_the_images_grow():
    run = start(replace(SETTINGS, progressive=True), make_accelerator())
    assert run.stage.resolution == 8
    run.adversary.moments.batches.fill_(500)
    enter(run, Stage(16, 0.5))
    assert run.adversary.moments.batches == 0
    run.adversary.moments.batches.fill_(500)
    enter(run, Stage(16, 1.0))  # only faded in: the size is the same
    assert run.adversary.moments.batches == 500


@pytest.mark.slow
@pytest.mark.usefixtures("smaller")
def test_a_resumed_run_is_bit_identical_and_the_frozen_part_is_not_stored(patches, tmp_path, monkeypatch):
    monkeypatch.setattr("gan.adversaries.moments._WARM_UP", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = load_model(train(patches, tmp_path / "whole", SETTINGS)).generator.state_dict()
        train(patches, tmp_path / "parts", replace(SETTINGS, kimg=0.016))
        resumed = load_model(train(patches, tmp_path / "parts", SETTINGS, resume=True)).generator.state_dict()
    finally:
        torch.set_num_threads(before)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
    stored = [name.split(".")[1] for name in load_file(tmp_path / "whole" / FILE) if name.startswith("adversary.")]
    assert set(stored) == {"heads", "moments"}

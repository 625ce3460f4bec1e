"""Several adversaries at once."""

import pytest
import torch

from gan.adversaries.discriminator import Discriminator
from gan.adversaries.ensemble import Ensemble
from gan.adversaries.image_adversary import ImageAdversary
from gan.adversaries.pixels.discriminator import PixelDiscriminator
from gan.adversaries.step_rng import StepRng
from gan.networks.generator import Architecture

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)


@pytest.fixture
def members():
    torch.manual_seed(0)
    return {
        "paper": ImageAdversary(Discriminator(SMALL), r1_gamma=3.0, r1_every=4, ada_target=0.6),
        "pixels": ImageAdversary(PixelDiscriminator(), r1_gamma=0.02, r1_every=2),
    }


def test_losses_are_the_sums_of_the_members_and_the_weight_is_the_generators(members):
    both = Ensemble(members, {"pixels": 0.25})
    real, fake = torch.randn(4, 1, 16, 16), torch.randn(4, 1, 16, 16)
    rng = StepRng(0, 0, 4)
    views = both.view(real, rng, None), both.view(fake, rng, torch.ones(4, dtype=torch.bool))
    alone = [one.discriminator_loss([real], [fake], 8) for one in members.values()]
    whole, plain = both.discriminator_loss(*views, 8)
    torch.testing.assert_close(whole, alone[0][0] + alone[1][0])
    torch.testing.assert_close(plain, alone[0][1] + alone[1][1])
    expected = members["paper"].generator_loss([fake], []) + 0.25 * members["pixels"].generator_loss([fake], [])
    torch.testing.assert_close(both.generator_loss(views[1], views[0]), expected)


def test_each_member_learns_at_its_own_rate_and_all_is_kept(members):
    both = Ensemble(members)
    assert [part.lazy for part in both.parts] == pytest.approx([4 / 5, 2 / 3])
    assert both.period == 4
    kept = set(both.state.state_dict())
    assert {"paper.augmentation.p", "pixels.discriminator.logit.weight"} <= kept
    learned = {id(parameter) for part in both.parts for parameter in part.network.parameters()}
    assert learned == {id(parameter) for parameter in both.trained.parameters()}


def test_all_members_grow_and_fade(members):
    both = Ensemble(members)
    both.grow(seed=0)
    both.fade(0.5)
    assert members["paper"].trained.architecture.resolution == 32
    assert members["paper"].trained.blend == 0.5
    images = torch.randn(4, 1, 32, 32)
    views = [both.view(images, StepRng(0, 0, 4), single) for single in (None, torch.ones(4, dtype=torch.bool))]
    both.discriminator_loss(*views, 0)[0].backward()
    both.fade(1.0)
    assert members["paper"].trained.fading is None

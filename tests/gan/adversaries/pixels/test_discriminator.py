"""The discriminator of pixels: it sees what frozen features do not."""

import pytest
import torch
from torch.nn import functional as F

from gan.adversaries.image_adversary import ImageAdversary
from gan.adversaries.pixels.discriminator import PixelDiscriminator
from gan.adversaries.step_rng import StepRng
from gan.networks.layers import blur


@pytest.mark.parametrize("side", [16, 64, 128])
def test_images_of_any_size_get_one_logit_each(side):
    assert PixelDiscriminator()(torch.randn(8, 1, side, side)).shape == (8,)


def test_every_pixel_counts_alike_up_to_the_halving_of_later_layers():
    """No pixel is skipped, and none counts more than its neighbours, as it would after a strided first layer."""
    torch.manual_seed(0)
    seen = []
    for seed in range(8):
        torch.manual_seed(seed)
        images = torch.randn(16, 1, 32, 32, requires_grad=True)
        PixelDiscriminator()(images).sum().backward()
        seen.append(images.grad[..., 4:-4, 4:-4].square().mean(dim=(0, 1)))
    power = torch.stack(seen).mean(dim=0)
    phases = torch.stack([power[row::2, column::2].mean() for row in (0, 1) for column in (0, 1)])
    assert phases.min() / phases.max() > 0.85


@pytest.mark.slow
def test_it_learns_a_change_at_the_finest_scale_that_a_halved_image_does_not_show():
    """Images with a little more power in the corner of the spectrum, an eighth of the detail's own."""
    torch.manual_seed(0)

    def images(fake):
        noise = blur(torch.randn(16, 1, 32, 32))
        corner = torch.randn(16, 1, 32, 32) * (
            torch.tensor([1.0, -1.0]).repeat(16) * torch.tensor([[1.0], [-1.0]]).repeat(16, 1)
        )
        return 0.2 * noise + (0.02 * blur(corner.abs()) * corner.sign() if fake else 0)

    adversary = ImageAdversary(PixelDiscriminator(), r1_gamma=0.02, r1_every=16)
    optimiser = torch.optim.Adam(adversary.trained.parameters(), lr=2e-3, betas=(0.0, 0.99))
    for step in range(60):
        views = [adversary.view(images(fake), StepRng(0, step, 16), None) for fake in (False, True)]
        loss, _ = adversary.discriminator_loss(*views, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        real, fake = (torch.cat([adversary.trained(images(kind)) for _ in range(8)]) for kind in (False, True))
    assert (real[:, None] > fake).float().mean() > 0.95
    halved = [F.avg_pool2d(torch.cat([images(kind) for _ in range(16)]), 2).std() for kind in (True, False)]
    assert halved[0] / halved[1] < 1.03


def test_relativistic_losses_move_both_kinds_and_penalise_both():
    torch.manual_seed(0)
    adversary = ImageAdversary(PixelDiscriminator(), r1_gamma=1.0, r1_every=4, relativistic=True)
    real, fake = [torch.randn(4, 1, 16, 16)], [torch.randn(4, 1, 16, 16)]
    whole, plain = adversary.discriminator_loss(real, fake, step=0)
    logits = adversary.trained(real[0]), adversary.trained(fake[0])
    torch.testing.assert_close(plain, F.softplus(logits[1] - logits[0]).mean())
    penalty = 0
    for (images,) in (real, fake):
        images = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(adversary.trained(images).sum(), images)
        penalty += gradient.square().sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(whole - plain, penalty * (1.0 / 2 * 4), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(adversary.generator_loss(fake, real), F.softplus(logits[0] - logits[1]).mean())

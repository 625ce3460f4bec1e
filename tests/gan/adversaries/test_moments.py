"""Running moments of features, and the loss that matches a generator to them."""

import pytest
import torch

from gan.adversaries.moments import Moments, Summaries, summary


def filled(real, fake, batches=50):
    """Moments that have seen the same batch of generated summaries over and over."""
    moments = Moments(real.shape[1])
    moments.set_real([real[:5], real[5:]])
    for _ in range(batches):
        moments.update(fake.mean(0))
    return moments


def test_the_summary_is_of_each_channel_of_each_map():
    maps = [torch.arange(16.0).reshape(2, 2, 2, 2), torch.full((2, 1, 4, 4), -3.0)]
    found = summary(maps)
    assert found.shape == (2, 9)
    torch.testing.assert_close(
        found[0], torch.tensor([1.5, 5.5, 3.5, 31.5, 1.5**2, 5.5**2, -3.0, 9.0, 9.0]), atol=0, rtol=0
    )
    torch.testing.assert_close(found[1, 6:], found[0, 6:])


def test_means_of_generated_images_are_exact_at_first_and_then_forget():
    torch.manual_seed(0)
    real, fake = torch.randn(30, 3), torch.randn(30, 3)
    moments = Moments(3)
    moments.set_real([real[:7], real[7:]])
    for one in fake:
        moments.update(one)
    torch.testing.assert_close(moments.fake, fake.mean(0))
    for _ in range(2000):
        moments.update(torch.ones(3))
    assert (moments.fake - 1).abs().max() < 1e-5  # over a hundred batches
    torch.testing.assert_close(moments.real, real.mean(0))
    torch.testing.assert_close(moments.square, real.square().mean(0))


def test_the_distance_is_in_standard_deviations_of_real_images():
    torch.manual_seed(0)
    real = torch.randn(5000, 4) * torch.tensor([1.0, 2.0, 3.0, 10.0])
    shifted = real + 0.5 * torch.tensor([1.0, 2.0, 3.0, 10.0])
    assert abs(filled(real, shifted).distance() - 0.5) < 0.02
    assert filled(real, real).distance() < 1e-6


def test_the_gradient_is_that_of_half_the_squared_distance():
    torch.manual_seed(0)
    real, fake = torch.randn(64, 6) + 1, torch.randn(64, 6).requires_grad_()
    moments = filled(real, fake.detach())
    (found,) = torch.autograd.grad(moments.loss(fake), fake)
    variance = real.square().mean(0) - real.mean(0).square()
    half = 0.5 * ((fake.mean(0) - real.mean(0)).square() / variance).mean()
    (expected,) = torch.autograd.grad(half, fake)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)


def test_nothing_is_matched_before_the_means_are_known():
    real, fake = torch.randn(8, 3), torch.randn(8, 3)
    assert filled(real, fake, batches=40).loss(fake) == 0
    assert filled(real, fake, batches=41).loss(fake) != 0


def test_after_a_reset_earlier_batches_do_not_count():
    moments = filled(torch.ones(8, 3), torch.ones(8, 3))
    moments.reset()
    assert moments.loss(torch.ones(8, 3)) == 0
    real, fake = torch.randn(8, 3), torch.randn(8, 3)
    moments.set_real([real])
    moments.update(fake.mean(0))
    torch.testing.assert_close(moments.real, real.mean(0))
    torch.testing.assert_close(moments.fake, fake.mean(0))


@pytest.mark.slow
def test_a_generator_that_only_shifts_is_brought_to_the_mean_and_the_spread_of_real_features():
    torch.manual_seed(0)
    shift, scale = torch.zeros(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimiser = torch.optim.Adam([shift, scale], lr=0.005)
    moments = Moments(6)
    moments.set_real([summary([2 + 0.5 * torch.randn(20_000, 2, 1, 1) + torch.zeros(20_000, 2, 2, 2)])])
    for _ in range(3000):
        fake = shift[:, None, None] + scale[:, None, None] * torch.randn(32, 2, 1, 1) + torch.zeros(32, 2, 2, 2)
        moments.update(summary([fake.detach()]).mean(dim=0))
        optimiser.zero_grad()
        moments.loss(summary([fake])).backward()
        optimiser.step()
    assert (shift - 2).abs().max() < 0.1
    assert (scale.abs() - 0.5).abs().max() < 0.15


@pytest.mark.slow
def test_images_are_summarised_by_three_networks_and_by_two_of_them_enlarged():
    pytest.importorskip("efficientnet_lite_pytorch", reason="the gan extra is not installed")
    from gan.networks.efficientnet import EfficientNetLite

    summaries, images = Summaries(), torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        found = summaries(images)
        looks = [(0, 64), (1, 64), (2, 64), (0, 128), (1, 128)]
        expected = torch.cat([summary(EfficientNetLite(size)(images, side)) for size, side in looks], dim=1)
    assert found.shape == (2, summaries.count)
    torch.testing.assert_close(found, expected)

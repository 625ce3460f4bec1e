import math

import pytest
import torch

from gan.adversaries.losses import discriminator_loss, generator_loss, gradient_penalty


def test_losses_at_indifference_are_log_two():
    zero = torch.zeros(5)
    assert generator_loss(zero).item() == pytest.approx(math.log(2))
    assert discriminator_loss(zero, zero).item() == pytest.approx(2 * math.log(2))


def test_losses_are_the_logistic_ones():
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    log_sigma = lambda x: math.log(1 / (1 + math.exp(-x)))  # noqa: E731
    assert generator_loss(fake).item() == pytest.approx(-(log_sigma(0.5) + log_sigma(-3)) / 2)
    expected = -(log_sigma(2) + log_sigma(-1)) / 2 - (log_sigma(-0.5) + log_sigma(3)) / 2
    assert discriminator_loss(real, fake).item() == pytest.approx(expected)


def test_r1_of_a_linear_discriminator_is_the_squared_norm_of_its_weights():
    weights = torch.randn(1, 4, 4)
    images = torch.randn(3, 1, 4, 4, requires_grad=True)
    assert gradient_penalty(images, (images * weights).sum((1, 2, 3))).item() == pytest.approx(
        weights.square().sum().item()
    )


def test_r1_is_the_mean_over_images_of_the_sum_over_pixels():
    images = torch.randn(3, 1, 2, 2, requires_grad=True)
    # D(x) = sum x^2 has gradient 2x.
    expected = (2 * images).square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(gradient_penalty(images, images.square().sum((1, 2, 3))), expected)


def test_r1_reaches_the_weights():
    weight = torch.tensor(3.0, requires_grad=True)
    images = torch.ones(2, 1, 1, 1, requires_grad=True)
    gradient_penalty(images, (images * weight).sum((1, 2, 3))).backward()
    assert weight.grad.item() == pytest.approx(6.0)  # d(w^2)/dw


def test_the_relativistic_loss_compares_pairs():
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    expected = (math.log(1 + math.exp(-1.5)) + math.log(1 + math.exp(-2.0))) / 2
    assert discriminator_loss(real, fake, relativistic=True).item() == pytest.approx(expected)

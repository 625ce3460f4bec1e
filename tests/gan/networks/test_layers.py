"""Fused layers against the plain sequence of steps that the papers describe."""

import pytest
import torch
from torch.nn import functional as F

from gan.networks.layers import (
    DownConv,
    EqualConv,
    EqualLinear,
    StyledLayer,
    UpConv,
    blur,
    minibatch_deviation,
    normalise_z,
)


def test_up_conv_is_nearest_doubling_then_convolution_then_blur():
    torch.manual_seed(0)
    layer, x = UpConv(3, 5), torch.randn(2, 3, 8, 6)
    plain = blur(F.conv2d(F.interpolate(x, scale_factor=2), layer.weight * layer.scale, padding=1))
    torch.testing.assert_close(layer(x), plain, rtol=1e-5, atol=1e-6)


def test_down_conv_is_blur_then_convolution_then_averaging():
    torch.manual_seed(0)
    layer, x = DownConv(3, 5), torch.randn(2, 3, 8, 6)
    layer.bias.data.normal_()
    plain = F.avg_pool2d(F.conv2d(blur(x), layer.weight * layer.scale, layer.bias, padding=1), 2)
    torch.testing.assert_close(layer(x), plain, rtol=1e-5, atol=1e-6)


def test_styled_layer_is_noise_bias_lrelu_instance_norm_adain():
    torch.manual_seed(0)
    layer, x, w, noise = StyledLayer(4, 6), torch.randn(3, 4, 8, 8), torch.randn(3, 6), torch.randn(3, 1, 8, 8)
    layer.noise_strength.data.normal_()
    layer.bias.data.normal_()
    y = F.leaky_relu(x + noise * layer.noise_strength + layer.bias, 0.2)
    mean, sd = y.mean((2, 3), keepdim=True), y.std((2, 3), correction=0, keepdim=True)
    scale, shift = layer.style(w)[:, :4], layer.style(w)[:, 4:]
    plain = (y - mean) / sd * (scale[..., None, None] + 1) + shift[..., None, None]
    torch.testing.assert_close(layer(x, w, noise), plain, rtol=1e-4, atol=1e-5)


def test_blur_is_the_binomial_filter():
    impulse = torch.zeros(1, 2, 5, 5)
    impulse[:, :, 2, 2] = 16
    expected = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    torch.testing.assert_close(blur(impulse)[0, 1, 1:4, 1:4], expected)


def test_blur_keeps_a_constant_up_to_the_border_and_averages_what_lies_inside():
    torch.testing.assert_close(blur(torch.ones(1, 1, 6, 5)), torch.ones(1, 1, 6, 5))
    x = torch.randn(1, 1, 4, 4)
    corner = (4 * x[..., 0, 0] + 2 * x[..., 0, 1] + 2 * x[..., 1, 0] + x[..., 1, 1]) / 9
    torch.testing.assert_close(blur(x)[..., 0, 0], corner)


def test_a_batch_cut_between_groups_gives_the_same_deviations():
    x = torch.randn(8, 3, 4, 4)
    torch.testing.assert_close(minibatch_deviation(x), torch.cat([minibatch_deviation(half) for half in x.chunk(2)]))


@pytest.mark.parametrize("make", [lambda: EqualLinear(400, 300), lambda: EqualConv(64, 64, bias=False)])
def test_equalised_layers_keep_the_variance_through_a_leaky_relu(make):
    torch.manual_seed(0)
    layer = make()
    x = torch.randn(200, 400) if isinstance(layer, EqualLinear) else torch.randn(4, 64, 32, 32)
    # He's gain of sqrt(2) doubles the variance, which the rectifier halves again.
    assert layer(x).var().item() == pytest.approx(2.0, rel=0.1)
    assert layer.weight.std().item() == pytest.approx(1.0, rel=0.05)


def test_lr_multiplier_slows_a_layer_without_changing_its_output():
    torch.manual_seed(0)
    slow = EqualLinear(50, 40, lr_multiplier=0.01)
    fast = EqualLinear(50, 40)
    fast.weight.data = slow.weight.data * 0.01
    x = torch.randn(7, 50)
    torch.testing.assert_close(slow(x), fast(x))
    for layer in (slow, fast):
        layer(x).square().sum().backward()
    torch.testing.assert_close(slow.weight.grad, fast.weight.grad * 0.01)


def test_minibatch_deviation_is_the_mean_deviation_within_groups():
    torch.manual_seed(0)
    x = torch.randn(8, 3, 4, 4)
    out = minibatch_deviation(x, group=4)
    torch.testing.assert_close(out[:, :3], x)
    for first in (0, 1):
        members = list(range(4 * first, 4 * first + 4))
        expected = x[members].std(dim=0, correction=0).mean()
        torch.testing.assert_close(out[members, 3], expected.expand(4, 4, 4), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n", [1, 3, 5, 6])
def test_minibatch_deviation_takes_any_batch(n):
    assert minibatch_deviation(torch.randn(n, 2, 4, 4)).shape == (n, 3, 4, 4)


def test_normalised_codes_have_unit_mean_square():
    z = normalise_z(torch.randn(5, 64) * 3)
    torch.testing.assert_close(z.square().mean(dim=1), torch.ones(5), rtol=1e-5, atol=1e-5)

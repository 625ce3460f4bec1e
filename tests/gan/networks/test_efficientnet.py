"""The frozen features against the published networks that they are made of."""

import pytest
import torch
from torch.nn import functional as F

from gan.networks.efficientnet import EfficientNetLite, weights_file

EfficientNet = pytest.importorskip("efficientnet_lite_pytorch", reason="the gan extra is not installed").EfficientNet


@pytest.mark.slow
@pytest.mark.parametrize(("size", "blocks"), [(0, 16), (1, 21), (2, 21)])
@pytest.mark.parametrize("side", [64, 128])
def test_every_block_is_that_of_the_published_network_on_three_equal_channels(size, blocks, side):
    network = EfficientNet.from_name(f"efficientnet-lite{size}", image_size=side)
    network.load_state_dict(torch.load(weights_file(size), weights_only=True))
    network.eval()
    torch.manual_seed(0)
    images = torch.randn(2, 1, 64, 64)
    expected = []
    with torch.no_grad():
        x = F.interpolate(images, size=(side, side), mode="bilinear").expand(-1, 3, -1, -1)
        x = network._swish(network._bn0(network._conv_stem(x)))
        for block in network._blocks:
            x = block(x)
            expected.append(x)
        frozen = EfficientNetLite(size)
        found = frozen(images, side)
    assert len(found) == blocks
    assert [x.shape[1] for x in found] == frozen.channels
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3 * float(other.std()), rtol=1e-3)


def test_nothing_is_trained_and_gradients_reach_the_images():
    network, images = EfficientNetLite(0), torch.randn(2, 1, 32, 32, requires_grad=True)
    network(images, 64)[-1].sum().backward()
    assert images.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())

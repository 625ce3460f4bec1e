"""A small generator with its encoder, and a feature network with random weights."""

import pytest
import torch

from gan.inversion.encoder import Encoder, EncoderSize
from gan.inversion.encoder_file import StoredEncoder
from gan.networks.features import Vgg16

SIZE = EncoderSize(blocks=3, base=4)


@pytest.fixture(scope="session")
def features():
    network = Vgg16()
    torch.manual_seed(3)
    for convolution in network.features.values():
        torch.nn.init.kaiming_normal_(convolution.weight)
    return network


@pytest.fixture
def encoder(generator, model):
    """An encoder that has seen some images: its batch norms have statistics of their own."""
    torch.manual_seed(5)
    network = Encoder(generator.architecture, SIZE)
    network.space.fit(generator)
    with torch.no_grad():
        for _ in range(25):
            network(generator(torch.randn(16, 16), generator.random_noise(16)))
    return StoredEncoder(network.requires_grad_(False).eval(), "e" * 64, model.sha256, {})


@pytest.fixture
def images(generator):
    """Four generated images as P-values, (4, 16, 16)."""
    from gan.generate import images_from_seeds

    return images_from_seeds(generator, range(4), psi=1.0)

"""Two lesions of 32 px with textures of their own, and networks with random weights."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from gan.checkpoint import Model
from gan.composition.parts import Part
from gan.inversion.encoder import Encoder, EncoderSize
from gan.inversion.encoder_file import StoredEncoder
from gan.networks.features import Vgg16
from gan.networks.generator import Architecture, Generator

SIZE = 32


@pytest.fixture(scope="session")
def disc():
    """A disc with a soft edge: `disc(row, column, radius)`, of 32 px or another `size`."""
    return _disc


@pytest.fixture(scope="session")
def lesion():
    """A bright disc whose texture has a grain of so many pixels: `lesion(name, grain, seed)`."""
    return _lesion


def _disc(row, column, radius, size=SIZE):
    rows, columns = np.mgrid[:size, :size]
    return np.clip(0.5 + radius - np.hypot(rows - row, columns - column), 0, 1).astype(np.float32)


def _lesion(name, grain, seed, centre=(15, 16), radius=8, patient=None):
    field = gaussian_filter(np.random.default_rng(seed).standard_normal((SIZE, SIZE)), grain, mode="wrap")
    mask = _disc(*centre, radius)
    image = np.clip(0.4 + 0.2 * gaussian_filter(mask.astype(float), 2) + 0.04 * field / field.std(), 0, 1)
    return Part(name, image.astype(np.float32), mask, patient)


@pytest.fixture
def texture():
    return _lesion("fine", 0.6, 1, centre=(13, 18), radius=7, patient="p1")


@pytest.fixture
def template():
    return _lesion("coarse", 2.0, 2, radius=9, patient="p2")


@pytest.fixture(scope="session")
def features():
    network = Vgg16()
    torch.manual_seed(3)
    for convolution in network.features.values():
        torch.nn.init.kaiming_normal_(convolution.weight)
    return network


@pytest.fixture(scope="session")
def model():
    torch.manual_seed(7)
    sizes = Architecture(resolution=SIZE, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
    made = Generator(sizes).requires_grad_(False)
    for layer in made.synthesis.styled:
        layer.noise_strength.fill_(0.1)
    return Model(made, "0" * 64, {})


@pytest.fixture(scope="session")
def encoder(model):
    torch.manual_seed(5)
    network = Encoder(model.generator.architecture, EncoderSize(blocks=3, base=4))
    network.space.fit(model.generator)
    with torch.no_grad():
        for _ in range(10):
            network(model.generator(torch.randn(16, 16), model.generator.random_noise(16)))
    return StoredEncoder(network.requires_grad_(False).eval(), "e" * 64, model.sha256, {})

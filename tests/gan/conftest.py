"""A small patch set of phantoms, and an untrained generator."""

import numpy as np
import pytest
import torch
from PIL import Image

from gan.checkpoint import Model
from gan.networks.generator import Architecture, Generator
from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.images import read_image
from stimuli.phantoms import write_phantoms
from stimuli.sources.boxes_table import read_source

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)


@pytest.fixture(scope="session")
def patches(tmp_path_factory):
    """Sixty patches of 16 px from sixty patients, all but a few in the train split."""
    folder = tmp_path_factory.mktemp("patches")
    write_phantoms(folder / "film", 60, lesion_px=16)
    how = Cut(size_px=16, split=(0.8, 0.1, 0.1))
    return cut_patches(read_source(folder / "film"), folder / "cut", b"k" * 32, how, credit="nobody")


@pytest.fixture(scope="session")
def jpeg_patches(tmp_path_factory):
    """Sixty patches of 16 px, cut from JPEGs of quality 75."""
    folder = tmp_path_factory.mktemp("jpeg-patches")
    write_phantoms(folder / "film", 60, lesion_px=16)
    for path in sorted((folder / "film").glob("*.png")):
        grey = (read_image(path).pixels * 255).round().astype(np.uint8)
        Image.fromarray(grey).save(path.with_suffix(".jpg"), quality=75)
        path.unlink()
    boxes = folder / "film" / "boxes.csv"
    boxes.write_text(boxes.read_text().replace(".png", ".jpg"))
    how = Cut(size_px=16, split=(0.8, 0.1, 0.1))
    return cut_patches(read_source(folder / "film"), folder / "cut", b"k" * 32, how, credit="nobody")


@pytest.fixture
def generator():
    torch.manual_seed(7)
    made = Generator(SMALL).requires_grad_(False)
    made.w_mean.copy_(made.mapping(torch.randn(500, 16)).mean(dim=0).expand_as(made.w_mean))
    for layer in made.synthesis.styled:  # an untrained model ignores its noise; a trained one does not
        layer.noise_strength.fill_(0.1)
    return made


@pytest.fixture
def model(generator):
    return Model(generator, "0" * 64, {})

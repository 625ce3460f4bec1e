"""A small patch set of made-up film, and an untrained generator."""

import numpy as np
import pandas as pd
import pytest
import torch

from gan.checkpoint import Model
from gan.networks.generator import Architecture, Generator
from stimuli.images import write_png
from stimuli.patches import Cut, cut_patches
from stimuli.sources import read_source

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)


@pytest.fixture(scope="session")
def patches(tmp_path_factory):
    """Sixty patches of 16 px from sixty patients, all but a few in the train split."""
    folder = tmp_path_factory.mktemp("film")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(60):
        film = rng.uniform(0.2, 0.5, (48, 48)).astype(np.float32)
        film[16:32, 16:32] += 0.4
        write_png(folder / f"{number}.png", film, bits=16)
        rows.append({"file": f"{number}.png", "patient_id": f"P{number}", "x": 16, "y": 16, "width": 16, "height": 16})
    pd.DataFrame(rows).to_csv(folder / "boxes.csv", index=False)
    out = tmp_path_factory.mktemp("cut") / "patches"
    return cut_patches(read_source(folder), out, b"k" * 32, Cut(size_px=16, split=(0.8, 0.1, 0.1)), credit="nobody")


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

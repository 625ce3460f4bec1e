"""Settings of short training runs, and their models compared."""

from dataclasses import replace

import torch

from gan.checkpoint import load_model
from gan.networks.generator import Architecture
from gan.training.settings import Settings

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
SETTINGS = Settings(SMALL, kimg=0.096, batch=8, r1_every=4, snapshot_kimg=0.048, learning_rate=1e-3, ada_kimg=0.1)
HALF = replace(SETTINGS, kimg=0.048)
GROWING = replace(SETTINGS, progressive=True, stage_kimg=0.032, fade_kimg=0.032, snapshot_kimg=0.048, kimg=0.144)


def weights(folder):
    return load_model(folder).generator.state_dict()


def same(folder, other):
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(folder).items())

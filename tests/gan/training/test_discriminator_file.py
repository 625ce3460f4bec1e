"""The discriminator beside a stored model, and runs that go on from it."""

from dataclasses import replace

import pytest
import torch

from gan.checkpoint import load_model
from gan.networks.generator import Architecture
from gan.training.discriminator_file import FILE, copy_discriminator, is_known, load_discriminator, stored_discriminator
from gan.training.run import make_accelerator, start
from gan.training.settings import Settings
from gan.training.train import train

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
SETTINGS = Settings(SMALL, kimg=0.032, batch=8, r1_every=4, snapshot_kimg=0.032, learning_rate=1e-2, ada_kimg=0.1)


def drawn(kind, seed, **settings):
    """An untrained adversary."""
    return start(replace(SETTINGS, discriminator=kind, seed=seed, **settings), make_accelerator()).adversary


def stored(adversary, kind, folder):
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_bytes(stored_discriminator(adversary, kind))
    return load_discriminator(folder)


def network(adversary):
    """The one network that learns."""
    (part,) = adversary.parts
    return part.network


def judged(adversary, images):
    with torch.no_grad():
        return network(adversary)(images)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["stylegan", "pixels"])
def test_a_run_goes_on_from_the_discriminator_it_stored(kind, patches, tmp_path):
    settings = replace(SETTINGS, discriminator=kind)
    model = train(patches, tmp_path / "first", settings)
    learned = load_discriminator(model)
    first = start(settings, make_accelerator()).adversary
    images = torch.rand(8, 1, 16, 16) * 2 - 1
    untrained = judged(first, images)
    assert copy_discriminator(learned, first, kind) == [kind]
    assert not torch.allclose(judged(first, images), untrained, atol=1e-3)

    waiting = replace(settings, warm_up_kimg=1.0, kimg=0.008, snapshot_kimg=0.008, learning_rate=1e-6)  # one step
    told = []
    for name, discriminator in (("with", learned), ("without", None)):
        run = train(patches, tmp_path / name, waiting, start_from=load_model(model), discriminator=discriminator)
        second = start(settings, make_accelerator()).adversary
        copy_discriminator(load_discriminator(run), second, kind)
        told.append((judged(second, images) - judged(first, images)).abs().mean())
    assert told[0] < told[1] / 2


def test_members_of_an_ensemble_are_known_by_their_kind(tmp_path):
    pixels = stored(drawn("pixels", 1), "pixels", tmp_path / "pixels")
    assert is_known(pixels, "pixels")
    assert not is_known(pixels, "ensemble")
    ensemble = drawn("ensemble", 2, pixel_moments=1.0)
    assert copy_discriminator(pixels, ensemble, "ensemble") == ["pixels"]
    both = stored(ensemble, "ensemble", tmp_path / "both")
    assert is_known(both, "ensemble")
    assert is_known(both, "frozen")
    assert not is_known(both, "stylegan")
    assert copy_discriminator(both, drawn("frozen", 3), "frozen") == ["frozen"]
    # Moments belong to the patches, which may be others.
    assert not [name for name in both if "moments" in name]


def test_a_discriminator_of_another_size_starts_anew(tmp_path):
    learned = stored(drawn("stylegan", 1), "stylegan", tmp_path)
    larger = drawn("stylegan", 2, architecture=replace(SMALL, resolution=32))
    before = {name: value.clone() for name, value in larger.state.state_dict().items()}
    assert copy_discriminator(learned, larger, "stylegan") == []
    assert all(torch.equal(value, before[name]) for name, value in larger.state.state_dict().items())


def test_the_strength_of_augmentation_is_kept(tmp_path):
    adversary = drawn("pixels", 1)
    adversary.members["pixels"].augmentation.p.fill_(0.3)
    other = drawn("pixels", 2)
    copy_discriminator(stored(adversary, "pixels", tmp_path), other, "pixels")
    assert float(other.members["pixels"].augmentation.p) == pytest.approx(0.3)


def test_a_model_without_one_and_a_damaged_one(tmp_path, refuses):
    assert load_discriminator(tmp_path) == {}
    (tmp_path / FILE).write_bytes(b"no such thing")
    with refuses("damaged-file"):
        load_discriminator(tmp_path)

import numpy as np
import pytest
import torch

from gan.adversaries.discriminator import Discriminator
from gan.networks.generator import Architecture, Generator, codes_from_seeds, from_seeds, noise_from_seed, to_p_values


@pytest.mark.parametrize("resolution", [8, 16, 64, 128])
def test_both_networks_fit_any_power_of_two(resolution):
    architecture = Architecture(resolution, channel_base=256, channel_max=16)
    generator, discriminator = Generator(architecture), Discriminator(architecture)
    images = generator(torch.randn(4, architecture.z_dim), generator.random_noise(4))
    assert images.shape == (4, 1, resolution, resolution)
    assert discriminator(images).shape == (4,)
    assert architecture.num_layers == 2 * (int(np.log2(resolution)) - 1) == len(generator.synthesis.styled)


@pytest.mark.parametrize("resolution", [0, 4, 48, 100])
def test_other_resolutions_are_refused(resolution, refuses):
    with refuses("out-of-range") as caught:
        Architecture(resolution)
    assert f"resolution is {resolution};" in str(caught.value)


def test_a_seed_makes_the_same_image_whatever_the_batch(generator):
    together = dict(from_seeds(generator, range(6), psi=0.7, batch=4))
    alone = dict(from_seeds(generator, [3], psi=0.7))
    assert list(together) == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(together[3], alone[3], atol=1e-5)
    assert np.abs(together[3] - together[4]).max() > 0.01


def test_code_and_noise_of_a_seed_are_different_draws(generator):
    code = codes_from_seeds(generator, [5])[0]
    first_noise = noise_from_seed(generator, 5)[0].flatten()
    assert not torch.isclose(code, first_noise).any()


def test_noise_changes_the_image(generator):
    ws = generator.per_layer(generator.mapping(codes_from_seeds(generator, [0])))
    one, other = (generator.synthesis(ws, noise_from_seed(generator, seed)) for seed in (0, 1))
    assert (one - other).abs().max() > 0.01


def test_truncation_pulls_each_layer_to_its_own_mean():
    generator = Generator(Architecture(64, channel_base=64, channel_max=8, w_dim=8, z_dim=8))
    generator.w_mean.copy_(torch.arange(10.0)[:, None].expand(10, 8))
    ws = torch.full((2, 10, 8), 20.0)
    half = generator.truncate(ws, 0.5)
    for layer in range(8):
        assert torch.all(half[:, layer] == (layer + 20) / 2)
    # Karras 2019: only the first eight layers are truncated.
    assert torch.all(half[:, 8:] == 20)
    torch.testing.assert_close(generator.truncate(ws, 1.0), ws)
    torch.testing.assert_close(generator.truncate(ws, 0.0)[:, :8], generator.w_mean[:8].expand(2, 8, 8))


def test_layers_can_take_different_codes(generator):
    """The output depends on every layer's w."""
    ws = generator.per_layer(torch.randn(1, 16)).clone()
    noise = generator.random_noise(1)
    plain = generator.synthesis(ws, noise)
    for layer in range(generator.architecture.num_layers):
        changed = ws.clone()
        changed[:, layer] += 1
        assert (generator.synthesis(changed, noise) - plain).abs().max() > 1e-4


def test_p_values_are_in_range_and_ordered_like_the_images():
    values = to_p_values(torch.tensor([-2.0, -1, 0, 1, 2]).view(5, 1, 1, 1))
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values.ravel(), [0, 0, 0.5, 1, 1])

"""Path length: the distance written out, and what it must and must not depend on."""

import copy

import pytest
import torch

from gan.evaluation.metrics.path_length import path_lengths
from gan.networks.features import Vgg16
from gan.networks.generator import codes_from_seeds


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = Vgg16()
    for convolution in made.features.values():
        torch.nn.init.kaiming_normal_(convolution.weight)
    return made


@pytest.mark.slow
def test_it_is_the_squared_speed_of_unit_features_along_the_path(generator, network):
    """By automatic differentiation: the derivative, not a difference."""
    found = path_lengths(generator, network, [5, 6], psi=0.7)
    twin, features = copy.deepcopy(generator).double(), copy.deepcopy(network).double()
    from gan.networks.generator import noise_from_seed

    noise = [layer.double() for layer in noise_from_seed(generator, 5)]
    start, end = twin.mapping(codes_from_seeds(generator, [5, 6]).double()).split(1)
    place = torch.rand((), generator=torch.Generator().manual_seed((5 + 0x85EBCA6B) % 2**32), dtype=torch.float64)

    def unit(t):
        w = start + t * (end - start)
        maps = features(twin.synthesis(twin.truncate(twin.per_layer(w), 0.7), noise))
        return maps / maps.square().sum(dim=1, keepdim=True).sqrt().clamp_min(1e-12)

    _, speed = torch.autograd.functional.jvp(unit, place, torch.ones((), dtype=torch.float64))
    assert found.tolist() == pytest.approx([float(speed.square().sum(dim=1).mean())], rel=1e-2)
    assert found[0] > 0


@pytest.mark.slow
def test_it_hardly_depends_on_the_step_or_the_batch(generator, network):
    seeds = list(range(4))
    found = path_lengths(generator, network, seeds)
    assert found.shape == (2,)
    torch.testing.assert_close(path_lengths(generator, network, seeds, epsilon=1e-5), found, rtol=0.02, atol=0)
    torch.testing.assert_close(path_lengths(generator, network, seeds, batch=1), found, rtol=1e-6, atol=0)


def test_the_networks_stay_in_single_precision(generator, network):
    path_lengths(generator, network, [1, 2])
    assert {value.dtype for module in (generator, network) for value in module.parameters()} == {torch.float32}


def test_a_path_between_equal_codes_and_a_path_at_psi_0_have_no_length(generator, network):
    assert path_lengths(generator, network, [3, 3]).tolist() == pytest.approx([0], abs=1e-12)
    assert path_lengths(generator, network, [3, 4], psi=0.0).tolist() == pytest.approx([0], abs=1e-12)

"""Whitened codes."""

import torch

from gan.networks.code_space import CodeSpace, code_distance


def space_of(generator):
    space = CodeSpace(generator.architecture)
    space.fit(generator)
    return space


def test_whitening_and_restoring_are_inverse(generator):
    space = space_of(generator)
    w = generator.per_layer(generator.mapping(torch.randn(20, 16)))
    torch.testing.assert_close(space.restore(space.whiten(w)), w, atol=1e-4, rtol=1e-4)
    v = torch.randn(3, 6, 16)
    torch.testing.assert_close(space.whiten(space.restore(v)), v, atol=1e-3, rtol=1e-3)


def test_codes_that_the_mapping_makes_have_unit_variance_in_every_direction_and_distance_one(generator):
    w = generator.per_layer(generator.mapping(torch.randn(20_000, 16, generator=torch.Generator().manual_seed(9))))
    v = space_of(generator).whiten(w)
    covariance = torch.cov(v[:, 0].T)
    torch.testing.assert_close(covariance, torch.eye(16), atol=0.06, rtol=0)
    assert abs(v[:, 0].mean(dim=0)).max() < 0.05
    assert abs(code_distance(v).mean() - 1) < 0.03
    assert code_distance(2 * v)[0] == 4 * code_distance(v)[0]


def test_a_direction_that_the_mapping_does_not_use_is_not_stretched_without_limit(generator):
    with torch.no_grad():
        last = generator.mapping.layers[-1]
        last.weight[0] = 0  # now the first dimension of w is constant
    space = space_of(generator)
    assert space.scale.min() > 0.005 * space.scale.square().mean().sqrt()

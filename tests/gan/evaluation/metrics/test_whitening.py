"""Whitening, against scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from gan.evaluation.metrics.whitening import whitening


def correlated(n, seed, width=20):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(3, 1, (n, width)) @ np.random.default_rng(0).normal(0, 1, (width, width)))


def test_it_is_scikit_learns_but_for_signs():
    known, new = correlated(60, 1), correlated(10, 2)
    found = whitening(known)
    reference = PCA(15, whiten=True).fit(known.numpy())
    assert found.components == 15
    expected = torch.from_numpy(reference.transform(new.numpy()))
    torch.testing.assert_close(found(new).abs(), expected.abs())
    torch.testing.assert_close(found(known).T.cov(), torch.eye(15, dtype=torch.float64))


@pytest.mark.parametrize(("images", "components"), [(3, 1), (40, 10), (256, 64), (300, 64)])
def test_there_are_four_images_per_component_and_64_components_at_most(images, components):
    assert whitening(correlated(images, 3, width=80)).components == components

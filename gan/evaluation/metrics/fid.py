"""Fréchet inception distance (FID) of two sets of features."""

from __future__ import annotations

import torch
from torch import Tensor


def fid(real: Tensor, fake: Tensor, real_weights: Tensor | None = None, fake_weights: Tensor | None = None) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features.

    Biased upwards, the more so the fewer the images, so compare it only with the FID of real against real images in
    the same numbers. The trace of the covariances' root is taken from singular values of the centred features, which
    stays exact where there are fewer images than features.

    Parameters
    ----------
    real, fake : torch.Tensor, float64, shapes (N, D) and (M, D)
        Features of real and of generated images (`gan.pooled_features`).
    real_weights, fake_weights : torch.Tensor, float64, shapes (N,) and (M,), optional
        How often each image is in a bootstrap sample; without weights, once.

    Returns
    -------
    float
        The distance, in squared units of the features; 0 for equal sets, larger is worse.

    References
    ----------
    Heusel et al. (2017), "GANs trained by a two time-scale update rule", arXiv:1706.08500. Tested against SciPy's
    matrix square root and torchmetrics.

    Examples
    --------
    >>> import gan, torch
    >>> rng = torch.Generator().manual_seed(0)
    >>> real, same, shifted = (torch.randn(200, 8, generator=rng, dtype=torch.float64) for _ in range(3))
    >>> round(gan.fid(real, same), 2), round(gan.fid(real, shifted + 1), 2)
    (0.42, 7.78)
    """
    means, scaled = [], []
    for features, given in ((real, real_weights), (fake, fake_weights)):
        weights = torch.ones(len(features), dtype=torch.float64) if given is None else given
        used = weights > 0
        mean = weights @ features / weights.sum()
        means.append(mean)
        scaled.append((features - mean)[used] * (weights[used, None] / (weights.sum() - 1)).sqrt())
    root = torch.linalg.svdvals(scaled[0] @ scaled[1].T).sum()
    traces = scaled[0].square().sum() + scaled[1].square().sum()
    return float((means[0] - means[1]).square().sum() + traces - 2 * root)

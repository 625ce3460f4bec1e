"""A small convolutional network, trained from scratch to tell generated images from real ones.

It sees every pixel: nothing is resampled, and the first stride comes after two layers at full resolution. The recipe is
fixed, so that no choice can be made on the images that are judged.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from data.arrays import Ints
from gan.bootstrap import Groups
from gan.evaluation.separability import FOLDS, Separation, compare, deal_folds

WIDTHS = (16, 32, 64)
EPOCHS, BATCH, RATE, DECAY = 24, 32, 3e-3, 1e-2
ENSEMBLE = 2


def scratch_cnn(
    real: Tensor, fake: Tensor, real_groups: Groups, fake_groups: Groups, seed: int = 0, *, epochs: int = EPOCHS
) -> Separation:
    """Held-out comparisons of two networks' mean score, in five folds of whole groups (patients, seeds).

    `real` (N, R, R) and `fake` (M, R, R) are P-values. The result follows from the seed and the number of threads.
    """
    images = torch.cat([real, fake]).float()[:, None] * 4 - 2  # about zero
    y = np.repeat([0, 1], [len(real), len(fake)])
    fold_of = deal_folds(real_groups, fake_groups, seed)
    scores = np.zeros(len(y))
    for fold in range(FOLDS):
        test = fold_of == fold
        for member in range(ENSEMBLE):
            network = _train(images[~test], y[~test], epochs, seed * 1000 + fold * ENSEMBLE + member)
            scores[test] += _scores(network, images[test])
    return compare(scores, y, fold_of)


def _network() -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 1
    for width in WIDTHS:
        for _ in range(2):
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        layers.append(nn.AvgPool2d(2))
    network = nn.Sequential(*layers[:-1], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1))
    return network.to(memory_format=torch.channels_last)


def _train(images: Tensor, labels: Ints, epochs: int, seed: int) -> nn.Sequential:
    """A network trained on images (N, 1, R, R), each turned and mirrored at random, both kinds weighing the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network()
        y = torch.from_numpy(labels).float()
        weight = torch.where(y == 1, len(y) / (2 * y.sum()), len(y) / (2 * (1 - y).sum()))
        optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
        steps = len(y) // BATCH  # the rest of each epoch's order is left out: batch norm needs whole batches
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * max(steps, 1))
        for _ in range(epochs):
            order = torch.randperm(len(y))
            for rows in order[: max(steps, 1) * BATCH].split(BATCH):
                output = network(_turned(images[rows]))[:, 0]
                loss = functional.binary_cross_entropy_with_logits(output, y[rows], weight[rows])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
    return network.eval()


def _turned(images: Tensor) -> Tensor:
    """Each image in one of its eight rotations and reflections."""
    down, across, transposed = (torch.rand(3, len(images), 1, 1, 1) < 0.5).unbind()
    images = torch.where(down, images.flip(2), images)
    images = torch.where(across, images.flip(3), images)
    return torch.where(transposed, images.transpose(2, 3), images)


@torch.no_grad()
def _scores(network: nn.Sequential, images: Tensor) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Scores (N,), the mean over mirror images of the output: higher for generated."""
    views = [images, images.flip(3), images.flip(2), images.flip(2, 3)]
    total = sum((network(view)[:, 0].double() for view in views), torch.zeros(len(images), dtype=torch.float64))
    return (total / len(views)).numpy()

"""A small convolutional network, trained from scratch to tell generated images from real ones.

It sees every pixel: nothing is resampled, and two layers come before the first pooling. Beside the image it is given
the image minus its blur, because fine detail has an eighth of the image's contrast and would be found late or never.
The recipe is fixed, so that no choice can be made on the images that are judged; it was settled on patches of training
patients (docs/evaluating-a-model.md).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data.arrays import Floats, Ints
from gan.bootstrap import Groups
from gan.evaluation.metrics.separability import FOLDS, Separation, compare, deal_folds

WIDTHS = (16, 32, 64)  # channels at full, half and quarter size
EPOCHS, FEWEST_STEPS, BATCH = 24, 240, 32  # fewer steps leave it at chance on images that it tells apart perfectly
RATE, DECAY = 3e-3, 1e-2
ENSEMBLE = 2
_CROP_PX = 64  # larger images are learned from random crops, so that learning takes as long at any size
_BINOMIAL = (1.0, 2.0, 1.0)


def scratch_cnn(real: Tensor, fake: Tensor, real_groups: Groups, fake_groups: Groups, seed: int = 0) -> Separation:
    """Held-out comparisons of two networks' mean score, in five folds of whole groups (patients, seeds).

    `real` (N, R, R) and `fake` (M, R, R) are P-values. The result follows from the seed and the number of threads. With
    203 images of each kind it takes about four minutes of one processor core, whatever their size.
    """
    images = _with_detail(torch.cat([real, fake]).float())
    labels = np.repeat([0, 1], [len(real), len(fake)])
    fold_of = deal_folds(real_groups, fake_groups, seed)
    scores = np.zeros(len(labels))
    for fold in range(FOLDS):
        test = fold_of == fold
        mean, sd = (f(images[~test], dim=(0, 2, 3), keepdim=True) for f in (torch.mean, torch.std))
        scaled = ((images - mean) / sd.clamp_min(1e-6)).contiguous(memory_format=torch.channels_last)
        for member in range(ENSEMBLE):
            network = _train(scaled[~test], labels[~test], seed * 1000 + fold * ENSEMBLE + member)
            scores[test] += _scores(network, scaled[test])
    return compare(scores, labels, fold_of)


def _with_detail(images: Tensor) -> Tensor:
    """Images (N, R, R) and what a binomial blur takes from them: (N, 2, R, R)."""
    x, weights = images[:, None], torch.tensor(_BINOMIAL)
    kernel = torch.outer(weights, weights) / weights.sum() ** 2
    return torch.cat([x, x - F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel[None, None])], dim=1)


def _network() -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 2
    for width in WIDTHS:
        for _ in range(2):
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        layers.append(nn.AvgPool2d(2))
    network = nn.Sequential(*layers[:-1], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _train(images: Tensor, labels: Ints, seed: int) -> nn.Sequential:
    """A network trained on images (N, 2, R, R), mirrored at random, both kinds weighing the same."""
    batch = min(BATCH, len(labels))
    per_epoch = len(labels) // batch  # the rest of each epoch's order is left out: batch norm needs whole batches
    steps = max(EPOCHS * per_epoch, FEWEST_STEPS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network()
        y = torch.from_numpy(labels).float()
        weight = torch.where(y == 1, len(y) / (2 * y.sum()), len(y) / (2 * (1 - y).sum()))
        optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        order = torch.empty(0, dtype=torch.long)
        for _ in range(steps):
            if len(order) < batch:
                order = torch.randperm(len(y))
            rows, order = order[:batch], order[batch:]
            output = network(_mirrored(_cropped(images[rows])))[:, 0]
            loss = F.binary_cross_entropy_with_logits(output, y[rows], weight[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def _cropped(images: Tensor) -> Tensor:
    """The same random part of all images, where they are larger than that."""
    top, left = (int(torch.randint(max(size - _CROP_PX, 0) + 1, ())) for size in images.shape[2:])
    return images[:, :, top : top + _CROP_PX, left : left + _CROP_PX]


def _mirrored(images: Tensor) -> Tensor:
    """Each image as it is or mirrored, left and right, top and bottom."""
    down, across = (torch.rand(2, len(images), 1, 1, 1) < 0.5).unbind()
    images = torch.where(down, images.flip(2), images)
    return torch.where(across, images.flip(3), images)


@torch.inference_mode()
def _scores(network: nn.Sequential, images: Tensor) -> Floats:
    """Scores (N,), the mean output over mirror images: higher for generated."""
    found = []
    for part in images.split(BATCH):
        views = [part, part.flip(3), part.flip(2), part.flip(2, 3)]
        found.append(sum((network(view)[:, 0].double() for view in views), torch.zeros(len(part)).double()) / 4)
    scores: Floats = torch.cat(found).numpy()
    return scores

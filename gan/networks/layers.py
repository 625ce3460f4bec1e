"""The layers that StyleGAN's networks are built from (Karras, Laine & Aila 2019, arXiv:1812.04948)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2  # of leaky ReLU, throughout
GROUP = 4  # images whose deviation from one another the discriminator sees
_BLURS = 3  # that leave what is coarse
_GAIN = math.sqrt(2)  # keeps the variance through a leaky ReLU (He et al. 2015)


class EqualLinear(nn.Module):
    """Dense layer with equalised learning rate: weights are stored at unit variance and scaled on use.

    Input (N, `inputs`), output (N, `outputs`). `lr_multiplier` slows the layer down further, as
    the mapping network needs; `gain` is the expected change in standard deviation.
    """

    def __init__(
        self, inputs: int, outputs: int, *, gain: float = _GAIN, lr_multiplier: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr_multiplier))
        self.scale = gain / math.sqrt(inputs) * lr_multiplier
        self.lr_multiplier = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.lr_multiplier)


class EqualConv(nn.Module):
    """3 x 3 (or 1 x 1) convolution with equalised learning rate; keeps rows and columns."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, *, gain: float = _GAIN, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = gain / math.sqrt(inputs * size * size)
        self.padding = size // 2

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class UpConv(EqualConv):
    """Doubles rows and columns, then convolves 3 x 3, in one transposed convolution, then blurs.

    Nearest-neighbour doubling followed by a 3 x 3 convolution is the transposed convolution with
    the 4 x 4 kernel of four shifted copies: the same numbers for less than half the work.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel = _four_shifts(self.weight * self.scale).transpose(0, 1).flip(2, 3)
        return blur(F.conv_transpose2d(x, kernel, stride=2, padding=1))


class DownConv(EqualConv):
    """Blurs, convolves 3 x 3 and averages 2 x 2, the last two in one strided convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        kernel = _four_shifts(self.weight * self.scale) / 4
        return F.conv2d(blur(x), kernel, self.bias, stride=2, padding=1)


class ImageFilter(nn.Module):
    """A learned linear filter of images (N, 1, R, R), of `side` x `side` taps; it starts as one that changes nothing.

    Real images were filtered, too: by optics, film, scanner and resampling. The layers before, whose noise and whose
    kinks reach up to the highest frequencies, hardly find that spectrum by themselves (docs/training-notes.md).
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.weight = nn.Parameter(torch.zeros(1, 1, side, side))  # `side` times the taps: a slower rate of learning
        self.clear()

    def clear(self) -> None:
        """Make it the filter that changes nothing."""
        self.set_taps(F.pad(torch.ones(1, 1), [self.side // 2] * 4))

    @torch.no_grad()
    def set_taps(self, taps: Tensor) -> None:
        """Replace the filter by `taps`, (side, side)."""
        self.weight.copy_(taps[None, None] * self.side)

    def forward(self, images: Tensor) -> Tensor:
        # The rounding of bfloat16 would exceed the fine detail that is shaped here.
        with torch.autocast(images.device.type, enabled=False):
            around = F.pad(images.to(self.weight.dtype), [self.side // 2] * 4, mode="reflect")
            return F.conv2d(around, self.weight / self.side)


class StyledLayer(nn.Module):
    """The steps after each convolution of the generator: noise, bias, leaky ReLU, instance norm, style.

    Instance norm and AdaIN are one pass: a batch norm over (1, N C) channels whose weight and bias
    are the style. The style is y = A(w), giving x * (y_s + 1) + y_b (Karras 2019, Eq. 1).
    """

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.noise_strength = nn.Parameter(torch.zeros(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))
        self.style = EqualLinear(w_dim, 2 * channels, gain=1.0)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """`x` (N, C, H, W), `w` (N, w_dim), `noise` (N or 1, 1, H, W)."""
        n, channels, height, width = x.shape
        x = F.leaky_relu(x + noise * self.noise_strength + self.bias, SLOPE)
        scale, shift = self.style(w).to(self.bias.dtype).chunk(2, dim=1)  # under autocast, too, in full precision
        flat = x.reshape(1, n * channels, height, width)
        styled = F.batch_norm(flat, None, None, scale.flatten() + 1, shift.flatten(), training=True, eps=1e-8)
        return styled.view(n, channels, height, width)


def blur(x: Tensor) -> Tensor:
    """Binomial low-pass [1, 2, 1] along both axes, channel by channel, averaging only pixels inside the image.

    With zeros outside, as in the published code, each doubling darkens the border, and the resulting frame gives
    generated images away.
    """
    row = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    kernel = (row[:, None] * row).expand(x.shape[1], 1, 3, 3)
    height, width = (_inside(side, x) for side in x.shape[2:])
    return F.conv2d(x, kernel, padding=1, groups=x.shape[1]) * (height[:, None] * width)


def coarse(images: Tensor) -> Tensor:
    """Images (N, C, R, R) without fine detail: an eighth of the amplitude of waves of 4 px is left, none of 2 px."""
    for _ in range(_BLURS):
        images = blur(images)
    return images


def _inside(side: int, like: Tensor) -> Tensor:
    """Factors that compensate for the quarter of the weights that falls outside at either end."""
    weights = torch.ones(side, dtype=like.dtype, device=like.device)
    weights[0] = weights[-1] = 4 / 3
    return weights


def normalise_z(z: Tensor) -> Tensor:
    """Scale each code of `z` (N, z_dim) to unit mean square."""
    return z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)


def minibatch_deviation(x: Tensor, group: int = GROUP) -> Tensor:
    """Append a channel with the mean standard deviation within groups of the batch (Karras 2018, PGGAN).

    `x` (N, C, H, W) gives (N, C + 1, H, W). The group shrinks to the largest divisor of N up to `group`.
    Members of a group are neighbours, so that a batch can be divided between groups: into real and
    generated images, or into the shares of several processes.
    """
    n, channels, height, width = x.shape
    group = next(size for size in range(min(group, n), 0, -1) if n % size == 0)
    deviation = (x.reshape(-1, group, channels, height, width).var(dim=1, correction=0) + 1e-8).sqrt()
    level = deviation.mean(dim=(1, 2, 3)).repeat_interleave(group).view(n, 1, 1, 1)
    return torch.cat([x, level.expand(n, 1, height, width)], dim=1)


def _four_shifts(weight: Tensor) -> Tensor:
    """The sum of a 3 x 3 kernel at the four places of a 4 x 4 one."""
    return sum(
        (F.pad(weight, shift) for shift in ((0, 1, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 1, 0))), torch.zeros(())
    )

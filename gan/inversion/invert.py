"""Inversion: the code, and the noise, whose image is nearest to a given one (equation 4 of Ren, Yu & Whitney)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from data.errors import LookalikeError
from gan.checkpoint import Model
from gan.inversion.encoder import Encoder
from gan.inversion.encoder_file import StoredEncoder
from gan.inversion.encoder_run import NOISE_SEED
from gan.inversion.measures import MEASURES
from gan.inversion.objective import (
    at_features,
    calibrated_weight,
    detail_difference,
    noise_irregularity,
    squared_difference,
)
from gan.inversion.settings import DEFAULT, InversionSettings
from gan.networks.code_space import code_distance
from gan.networks.features import Vgg16
from gan.networks.generator import Generator, noise_from_seed, to_p_values
from stimuli.images import Pixels, as_stored

_SMALLEST_NOISE_PX = 8  # smaller noise images hold too few numbers for a variance


@dataclass(frozen=True)
class Inversion:
    """Images and what the generator makes of them.

    Attributes
    ----------
    targets, images : array of float32, shape (N, R, R)
        The given images and their reconstructions, P-values in [0, 1].
    codes : torch.Tensor, shape (N, layers, w_dim)
        Codes w of the reconstructions.
    noise : list of torch.Tensor, each (N, 1, rows, columns)
        Their noise, one for each layer.
    table : DataFrame
        One row per image: the measures (`gan.inversion.measures.MEASURES`; for masked images also of the two parts),
        `vgg`, `code_distance`, `steps` and `seconds`.
    perceptual_weight : float
        Of the perceptual term.

    Examples
    --------
    >>> import gan, numpy as np
    >>> model = gan.Model(gan.Generator(gan.Architecture(16)).requires_grad_(False), "", {})
    >>> encoder = gan.StoredEncoder(gan.Encoder(gan.Architecture(16)).eval(), "", "", {})
    >>> image = np.zeros((1, 16, 16), np.float32)
    >>> gan.invert(model, encoder, gan.Vgg16(), image, gan.InversionSettings(steps=0)).residuals.shape
    (1, 16, 16)
    """

    targets: Pixels
    images: Pixels
    codes: Tensor
    noise: list[Tensor]
    table: pd.DataFrame
    perceptual_weight: float

    @property
    def residuals(self) -> Pixels:
        """Given image minus reconstruction, (N, R, R): what was lost is above 0 where it was bright."""
        return self.targets - self.images


@dataclass(frozen=True)
class _Target:
    """A batch of images (N, 1, R, R) in [-1, 1], with what stays the same in all steps."""

    images: Tensor
    features: Tensor
    mask: Tensor | None

    @property
    def feature_mask(self) -> Tensor | None:
        return None if self.mask is None else at_features(self.mask, self.features)


@dataclass(frozen=True)
class _Inverter:
    """What all batches share."""

    generator: Generator
    encoder: Encoder
    features: Vgg16
    settings: InversionSettings
    perceptual_weight: float

    def to_w(self, code: Tensor) -> Tensor:
        """Codes w for every layer, of what is optimised."""
        ws = code if self.settings.objective == "paper" else self.encoder.space.restore(code)
        return ws.expand(-1, self.generator.architecture.num_layers, -1)

    def first_code(self, images: Tensor) -> Tensor:
        """What is optimised, as the encoder gives it: (N, layers or 1, w_dim)."""
        with torch.no_grad():
            w = self.encoder(images)
            code = w if self.settings.objective == "paper" else self.encoder.space.whiten(w)
        return code.mean(dim=1, keepdim=True) if self.settings.space == "w" else code


def invert(
    model: Model,
    encoder: StoredEncoder,
    features: Vgg16,
    images: Pixels,
    settings: InversionSettings = DEFAULT,
    masks: Pixels | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Inversion:
    """Find the codes, and the noise, of images: from the encoder's codes by Adam, with everything else frozen.

    Minimises, for each image x, the mean squared differences of pixels and of VGG16's features between x and G(z); the
    difference between z and E(G(z)); and how far code and noise are from those that the generator was trained with.

    Parameters
    ----------
    model, encoder : Model, StoredEncoder
        A generator and its encoder.
    features : Vgg16
        The network of the perceptual term.
    images : array of float, shape (N, R, R)
        P-values in [0, 1] of the generator's size.
    settings : InversionSettings
        Objective, space, steps; `gan.inversion.settings.PAPER` are the paper's.
    masks : array of float, shape (N, R, R), optional
        Where images are to be matched, from 0 (nowhere) to 1. Differences are then means over the masked area, and the
        table also tells the error inside and outside.
    progress : function of int
        Called with the number of images of a batch when they are done.

    Returns
    -------
    Inversion
        Reconstructions, codes, noise, and a table of measures.

    Raises
    ------
    LookalikeError
        If the encoder belongs to another generator, images or masks are of another size, out of range or not finite, a
        mask is empty, or the result is not finite.

    References
    ----------
    Ren, Yu & Whitney, equation 4; Zhu et al. (2020), arXiv:2004.00049.

    Examples
    --------
    With untrained networks, three steps:

    >>> import gan, numpy as np
    >>> model = gan.Model(gan.Generator(gan.Architecture(16)).requires_grad_(False), "", {})
    >>> encoder = gan.StoredEncoder(gan.Encoder(gan.Architecture(16)).eval(), "", "", {})
    >>> image = np.random.default_rng(0).random((1, 16, 16), dtype=np.float32)
    >>> gan.invert(model, encoder, gan.Vgg16(), image, gan.InversionSettings(steps=3)).table["steps"].tolist()
    [3]
    """
    check_images(images, masks, model, encoder)
    weight = settings.perceptual_weight
    if weight is None:
        trained = encoder.training.get("settings", {}).get("perceptual_weight")
        weight = trained if trained is not None else calibrated_weight(model.generator, features)
    shared = _Inverter(model.generator, encoder.network, features, settings, weight)
    parts = []
    for first in range(0, len(images), settings.batch):
        chosen = slice(first, first + settings.batch)
        parts.append(_invert_batch(shared, images[chosen], None if masks is None else masks[chosen]))
        progress(len(images[chosen]))
    return Inversion(
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.images for part in parts]),
        torch.cat([part.codes for part in parts]),
        [torch.cat(layer) for layer in zip(*(part.noise for part in parts), strict=True)],
        pd.concat([part.table for part in parts], ignore_index=True),
        weight,
    )


def check_images(images: Pixels, masks: Pixels | None, model: Model, encoder: StoredEncoder) -> None:
    """Raise `LookalikeError` for images, masks or an encoder that cannot be used with a model."""
    size = model.generator.architecture.resolution
    if encoder.generator_sha256 != model.sha256:
        raise LookalikeError(
            "other-model",
            f"the encoder belongs to the generator {encoder.generator_sha256[:12]}, not to {model.sha256[:12]}; give "
            "the model that it was trained for",
        )
    for what, given in (("images", images), ("masks", masks)):
        if given is None:
            continue
        if given.ndim != 3 or given.shape[1:] != (size, size) or len(given) != len(images) or not len(given):
            raise LookalikeError(
                "wrong-size",
                f"{what}: an array of shape {given.shape}, but the model needs (N, {size}, {size}), one grey channel; "
                "cut or resample them",
            )
        if not np.isfinite(given).all():
            raise LookalikeError("not-finite", f"{what}: some pixels are not finite numbers; replace them")
        if given.min() < 0 or given.max() > 1:
            raise LookalikeError(
                "out-of-range",
                f"{what}: values from {given.min():g} to {given.max():g}; they must lie between 0 and 1 (P-values)",
            )
    if masks is not None and not masks.any(axis=(1, 2)).all():
        number = int(np.flatnonzero(~masks.any(axis=(1, 2)))[0])
        raise LookalikeError("empty-mask", f"mask {number + 1} of {len(masks)} is empty; mark what is to be matched")


def _invert_batch(shared: _Inverter, images: Pixels, masks: Pixels | None) -> Inversion:
    began, generator, settings = time.perf_counter(), shared.generator, shared.settings
    device = generator.w_mean.device
    x = _tensor(images, device) * 2 - 1
    with torch.no_grad():
        target = _Target(x, shared.features(x), None if masks is None else _tensor(masks, device))
    code = shared.first_code(x)
    noise = [one.repeat(len(x), 1, 1, 1) for one in noise_from_seed(generator, NOISE_SEED)]
    steps = torch.zeros(len(x), dtype=torch.int64)
    if settings.steps:
        code, noise, steps = _optimise(shared, target, code, noise)
    with torch.no_grad():
        w = shared.to_w(code)
        fake = generator.synthesis(w, noise)
        vgg = squared_difference(shared.features(fake), target.features)
        distance = code_distance(shared.encoder.space.whiten(w))
    if not fake.isfinite().all():
        raise LookalikeError("not-finite", "a reconstruction is not finite; give a lower --learning-rate")
    made = as_stored(to_p_values(fake))
    columns = {name: measure(made, images) for name, measure in MEASURES.items()}
    if masks is not None:
        columns |= _in_parts(made, images, masks)
    columns |= {"vgg": vgg.cpu().numpy(), "code_distance": distance.cpu().numpy(), "steps": steps.cpu().numpy()}
    seconds = (time.perf_counter() - began) / len(images)
    table = pd.DataFrame(columns | {"seconds": np.full(len(images), seconds)})
    return Inversion(
        images.astype(np.float32), made, w.cpu().clone(), [one.cpu() for one in noise], table, shared.perceptual_weight
    )


def _tensor(values: Pixels, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32)).unsqueeze(1).to(device)


def _in_parts(made: Pixels, images: Pixels, masks: Pixels) -> dict[str, np.ndarray]:
    """Mean squared error inside and outside soft masks; NaN outside of a mask that covers everything."""
    squares = np.square(made.astype(np.float64) - images)
    with np.errstate(invalid="ignore"):
        return {
            name: (squares * weight).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))
            for name, weight in (("mse_inside", masks.astype(np.float64)), ("mse_outside", 1.0 - masks))
        }


def _optimise(
    shared: _Inverter, target: _Target, code: Tensor, noise: list[Tensor]
) -> tuple[Tensor, list[Tensor], Tensor]:
    """The best code and noise that Adam finds, and after how many steps each image was left as it was.

    Images do not affect one another: each stops by its own loss, and stays as it is while others go on.
    """
    settings = shared.settings
    code = code.clone().requires_grad_(True)
    groups = [{"params": [code], "lr": settings.learning_rate, "base": settings.learning_rate}]
    fitted = noise if settings.noise == "fitted" else []
    for one in fitted:
        one.requires_grad_(True)
    if fitted:
        groups.append({"params": fitted, "lr": settings.noise_rate, "base": settings.noise_rate})
    adam = torch.optim.Adam(groups, betas=(0.9, 0.99), fused=True)
    steps = torch.zeros(len(code), dtype=torch.int64, device=code.device)
    best = torch.full((len(code),), torch.inf, device=code.device)
    stale, done = torch.zeros_like(steps), torch.zeros_like(steps, dtype=torch.bool)
    for number in range(settings.steps):
        whole = number % settings.perceptual_every == 0
        for group in adam.param_groups:
            group["lr"] = group["base"] * settings.rate_at(number)
        losses = image_losses(shared, target, code, noise, whole)
        adam.zero_grad(set_to_none=True)
        losses.sum().backward()
        if whole:
            better = losses.detach() < best * (1 - settings.tolerance)
            best = torch.where(better, losses.detach(), best)
            stale = torch.where(better, 0, stale + 1)
            done = done | (stale >= settings.patience)
            if done.all():
                break
        _step(adam, [code, *fitted], done)
        steps += ~done
    return code.detach(), [one.detach() for one in noise], steps


@torch.no_grad()
def _step(adam: torch.optim.Adam, values: list[Tensor], done: Tensor) -> None:
    """Adam's step for the images that are not done; noise keeps mean 0 and variance 1."""
    before = [value.clone() for value in values] if done.any() else []
    adam.step()
    for value in values[1:]:
        if value.shape[-1] >= _SMALLEST_NOISE_PX:
            value -= value.mean(dim=(1, 2, 3), keepdim=True)
            value /= value.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-8)
    for value, old in zip(values, before, strict=False):
        value[done] = old[done]


def image_losses(shared: _Inverter, target: _Target, code: Tensor, noise: list[Tensor], whole: bool) -> Tensor:
    """The loss of each image of a batch, (N,); without the costly terms unless `whole`, where they count for all."""
    settings, mask = shared.settings, target.mask
    w = shared.to_w(code)
    fake = shared.generator.synthesis(w, noise)
    losses = squared_difference(fake, target.images, mask)
    if settings.prior_weight:
        v = code if settings.objective == "default" else shared.encoder.space.whiten(code)
        losses = losses + settings.prior_weight * code_distance(v)
    if settings.noise == "fitted" and settings.noise_weight:
        losses = losses + settings.noise_weight * noise_irregularity(
            [one for one in noise if one.shape[-1] >= _SMALLEST_NOISE_PX]
        )
    if settings.detail_weight:
        losses = losses + settings.detail_weight * detail_difference(fake, target.images, mask)
    if whole and shared.perceptual_weight:
        distance = squared_difference(shared.features(fake), target.features, target.feature_mask)
        losses = losses + settings.perceptual_every * shared.perceptual_weight * distance
    if whole and settings.code_weight:
        difference = (w - shared.encoder(fake)).square().mean(dim=(1, 2))
        losses = losses + settings.perceptual_every * settings.code_weight * difference
    return losses

"""An encoder's training in memory: networks, optimisers, and one step (equations 2 and 3 of Ren, Yu & Whitney).

Where we depart from the print, and why. Its norms are not squared; like Zhu et al. 2020, we take mean squares, whose
gradient does not blow up near a match. Equation 3 as printed has no bound below, since the discriminator may lower
log D(G(E(x))) for ever; we take the logistic loss that it stands for, -log(1 - D(G(E(x)))) - log D(x). The perceptual
weight is calibrated to the feature weights in use (`gan.inversion.objective.calibrated_weight`). The discriminator is
not the generator's own, which a stored model does not hold: it starts anew, and its weight rises as it learns. And the
run begins with generated images, whose codes are known, without which an encoder of few images hardly trains. A small
prior (`prior_weight`) keeps codes where the mapping's are: W+ has room for others, which the generator has never seen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from data.errors import LookalikeError
from data.files import write_bytes
from gan.adversaries.adversary import Adversary
from gan.adversaries.discriminator import Discriminator
from gan.adversaries.frozen import FrozenAdversary
from gan.adversaries.image_adversary import ImageAdversary
from gan.adversaries.step_rng import StepRng
from gan.inversion.encoder import Encoder
from gan.inversion.encoder_settings import MAY_CHANGE, EncoderSettings
from gan.inversion.objective import squared_difference
from gan.networks.code_space import code_distance
from gan.networks.features import Vgg16
from gan.networks.generator import Generator, noise_from_seed
from gan.training.state import (
    load_optimiser,
    optimiser_tensors,
    read_state,
    refuse_other_settings,
    under,
)
from gan.training.training_images import TrainingImages

NOISE_SEED = 0  # of the noise with which every image is reconstructed, in training and inversion alike
_CODES = 10_000  # from which the spread of codes is measured
TERMS = ("code", "pixel", "perceptual", "prior", "adversarial")


@dataclass
class EncoderRun:
    """What changes during training (`encoder`, `adversary`, their optimisers, `step`: steps completed), and what does
    not: the generator, with its noise, and the feature network."""

    settings: EncoderSettings
    generator: Generator
    features: Vgg16
    noise: list[Tensor]
    spread: Tensor
    encoder: Encoder
    adversary: Adversary | None
    optimiser: torch.optim.Adam
    optimiser_d: torch.optim.Adam | None
    step: int = 0

    def reconstruct(self, codes: Tensor) -> Tensor:
        """Images of codes (N, layers, w_dim), with the run's noise."""
        images: Tensor = self.generator.synthesis(codes, self.noise)
        return images

    def rng(self) -> StepRng:
        return StepRng(self.settings.seed, self.step, self.settings.batch, device=self.generator.w_mean.device)


def start(settings: EncoderSettings, generator: Generator, features: Vgg16) -> EncoderRun:
    """A run before its first step; weights are drawn from the seed."""
    device = generator.w_mean.device
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        encoder = Encoder(settings.architecture, settings.size).to(device)
        adversary = _adversary(settings, device)
    encoder.space.fit(generator)
    with torch.no_grad():
        z = torch.randn(
            _CODES, generator.architecture.z_dim, generator=torch.Generator(device).manual_seed(0), device=device
        )
        spread = generator.mapping(z).std(dim=0).clamp_min(1e-4)
    optimiser = torch.optim.Adam(encoder.parameters(), lr=settings.learning_rate, betas=(0.9, 0.99), fused=True)
    optimiser_d = None
    if adversary is not None:
        groups = [
            {
                "params": part.network.parameters(),
                "lr": settings.discriminator_rate * part.rate * part.lazy,
                "betas": (0.0, 0.99**part.lazy),
            }
            for part in adversary.parts
        ]
        optimiser_d = torch.optim.Adam(groups, eps=1e-8, fused=True)
    noise = noise_from_seed(generator, NOISE_SEED)
    return EncoderRun(settings, generator, features, noise, spread, encoder, adversary, optimiser, optimiser_d)


def _adversary(settings: EncoderSettings, device: torch.device) -> Adversary | None:
    adversary: Adversary | None = None
    if settings.adversary == "stylegan":
        adversary = ImageAdversary(Discriminator(settings.architecture), settings.gamma, settings.r1_every)
    elif settings.adversary == "frozen":
        adversary = FrozenAdversary(device)
    if adversary is not None:
        adversary.state.to(device)
    return adversary


def step(run: EncoderRun, training_images: TrainingImages) -> dict[str, Tensor]:
    """One step of the encoder, and of the adversary if there is one.

    Returns the terms of the loss, each with its weight, as far as the step has them (`TERMS`; "discriminator" is the
    adversary's own loss).
    """
    run.encoder.train()
    for group in run.optimiser.param_groups:
        group["lr"] = run.settings.rate_at(run.step)
    if run.step < run.settings.pair_steps:
        terms = {"code": code_loss(run)}
        _learn(run, terms)
    else:
        terms = _on_real_images(run, training_images)
    run.step += 1
    return {name: value.detach() for name, value in terms.items()}


def code_loss(run: EncoderRun) -> Tensor:
    """Mean squared error of the codes of generated images, each dimension in units of its standard deviation.

    Of codes, not whitened ones: most whitened dimensions hardly show in an image, and would drown the others.
    """
    rng, generator = run.rng(), run.generator
    with torch.no_grad():
        codes = generator.per_layer(generator.mapping(rng.normal(generator.architecture.z_dim)))
        images = generator.synthesis(codes, [rng.normal(1, *shape) for shape in generator.noise_shapes()])
    return F.mse_loss(run.encoder(images) / run.spread, codes / run.spread)


def reconstruction_terms(run: EncoderRun, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """The first two terms of equation 2 for images x and their reconstructions G(E(x)), weighted."""
    terms = {"pixel": F.mse_loss(fake, real)}
    settings = run.settings
    if settings.perceptual_weight and run.step % settings.perceptual_every == 0:
        with torch.no_grad():
            wanted = run.features(real)
        distance = squared_difference(run.features(fake), wanted).mean()
        terms["perceptual"] = distance * (settings.perceptual_weight * settings.perceptual_every)
    return terms


def _on_real_images(run: EncoderRun, training_images: TrainingImages) -> dict[str, Tensor]:
    """Equation 2 for the encoder; then equation 3 for the adversary, on the same reconstructions."""
    rng, adversary = run.rng(), run.adversary
    real_images = training_images.batch(run.step, rng)
    whitened = run.encoder.whitened(real_images)
    fake_images = run.reconstruct(run.encoder.space.restore(whitened))
    terms = reconstruction_terms(run, real_images, fake_images)
    terms["prior"] = run.settings.prior_weight * code_distance(whitened).mean()
    if adversary is None or run.optimiser_d is None:
        _learn(run, terms)
        return terms
    with torch.no_grad():
        real = adversary.view(real_images, rng, None)
    fake = adversary.view(fake_images, rng, torch.ones(len(fake_images), dtype=torch.bool, device=rng.device))
    weight = run.settings.adversarial_at(run.step)
    adversary.trained.requires_grad_(False)
    if weight:
        terms["adversarial"] = weight * adversary.generator_loss(fake, real)
    _learn(run, terms)
    adversary.trained.requires_grad_(True)
    run.optimiser_d.zero_grad(set_to_none=True)
    loss, plain = adversary.discriminator_loss(real, [seen.detach() for seen in fake], run.step)
    loss.backward()
    run.optimiser_d.step()
    adversary.adapt(run.settings.batch, lambda value: value)
    return terms | {"discriminator": plain}


def _learn(run: EncoderRun, terms: dict[str, Tensor]) -> None:
    run.optimiser.zero_grad(set_to_none=True)
    torch.stack([*terms.values()]).sum().backward()
    run.optimiser.step()


def _modules(run: EncoderRun) -> dict[str, nn.Module]:
    modules: dict[str, nn.Module] = {"encoder": run.encoder}
    return modules if run.adversary is None else modules | {"adversary": run.adversary.state}


def _optimisers(run: EncoderRun) -> dict[str, tuple[torch.optim.Adam, nn.Module]]:
    optimisers: dict[str, tuple[torch.optim.Adam, nn.Module]] = {"adam": (run.optimiser, run.encoder)}
    if run.adversary is not None and run.optimiser_d is not None:
        optimisers["adam_d"] = (run.optimiser_d, run.adversary.trained)
    return optimisers


def tensors(run: EncoderRun) -> dict[str, Tensor]:
    """Every tensor that training resumes from, by name."""
    found = {f"{key}.{name}": value for key, m in _modules(run).items() for name, value in m.state_dict().items()}
    for key, (optimiser, module) in _optimisers(run).items():
        found |= optimiser_tensors(key, optimiser, module)
    return found


def save_run(run: EncoderRun, path: Path, patches_sha256: str) -> None:
    """Replace a run's state as a whole: a crash leaves the old one."""
    about = {"step": run.step, "patches_sha256": patches_sha256, "settings": run.settings.to_dict()}
    kept = {name: value.detach().cpu().contiguous() for name, value in tensors(run).items()}
    write_bytes(path, save(kept, metadata={"about": json.dumps(about)}))


def load_run(
    path: Path, settings: EncoderSettings, generator: Generator, features: Vgg16, patches_sha256: str
) -> EncoderRun:
    """The run whose state is at `path`, as it was last saved.

    Raises `LookalikeError` if there is no state, it is damaged, or it belongs to other patches or settings.
    """
    about, kept = read_state(path)
    if about["patches_sha256"] != patches_sha256:
        raise LookalikeError("other-patches", f"{path}: was trained on other patches; give the same patch set")
    stored: dict[str, Any] = about["settings"]
    refuse_other_settings(path.parent, stored, settings.to_dict(), MAY_CHANGE)
    run = start(settings, generator, features)
    try:
        for key, module in _modules(run).items():
            module.load_state_dict(under(kept, key))
    except RuntimeError:
        raise LookalikeError(
            "other-version", f"{path}: was saved by another version of the networks; retrain in another folder"
        ) from None
    for key, (optimiser, module) in _optimisers(run).items():
        load_optimiser(under(kept, key), optimiser, module)
    run.step = int(about["step"])
    return run

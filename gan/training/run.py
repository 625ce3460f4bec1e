"""A run in memory: the networks, their optimisers, and one training step."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from gan.adversaries.adversary import Adversary
from gan.adversaries.discriminator import Discriminator
from gan.adversaries.ensemble import Ensemble
from gan.adversaries.frozen import FrozenAdversary
from gan.adversaries.image_adversary import ImageAdversary
from gan.adversaries.pixels.discriminator import PixelDiscriminator
from gan.adversaries.pixels.moments import PixelMoments
from gan.adversaries.step_rng import StepRng
from gan.networks.generator import Generator
from gan.networks.layers import EqualConv, coarse
from gan.training.growth import Stage, grow_generator, stage_at
from gan.training.settings import Settings
from gan.training.smooth_paths import PENALTY_EVERY, SmoothPaths
from gan.training.training_images import TrainingImages, at_stage

W_MEAN_BETA = 0.995  # Karras 2019


@dataclass
class Run:
    """What changes during training, and the processes that share it. `step` counts the steps completed."""

    settings: Settings
    accelerator: Accelerator
    generator: Generator
    average: Generator
    adversary: Adversary
    optimiser_g: torch.optim.Adam
    optimiser_d: torch.optim.Adam
    stage: Stage
    paths: SmoothPaths
    reference: Generator | None = None  # whose coarse content is kept
    step: int = 0

    def step_rng(self) -> StepRng:
        """The random numbers of the next step."""
        share = self.accelerator
        return StepRng(
            self.settings.seed, self.step, self.settings.batch, share.process_index, share.num_processes, share.device
        )

    def autocast(self) -> torch.autocast:
        # Not accelerate's own: the first `Accelerator` in a process fixes it for all later ones.
        return torch.autocast(
            self.accelerator.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16", cache_enabled=False
        )

    def mean(self, value: Tensor) -> Tensor:
        """Averaged over processes."""
        if self.accelerator.num_processes == 1:
            return value
        averaged: Tensor = self.accelerator.reduce(value, reduction="mean")
        return averaged

    def any(self, value: bool) -> bool:
        """Whether the value is true in any of the processes."""
        if self.accelerator.num_processes == 1:
            return value
        return bool(self.accelerator.reduce(torch.tensor(float(value), device=self.accelerator.device)) > 0)


@dataclass(frozen=True)
class Losses:
    """The losses of one step in this process, without penalties, and what the adversary logs."""

    d: Tensor
    g: Tensor
    adversary: dict[str, Tensor]


def make_accelerator() -> Accelerator:
    """This process's device and its share of the work, whether it runs alone or under `accelerate launch`."""
    return Accelerator(cpu=not torch.accelerator.is_available())


def start(settings: Settings, accelerator: Accelerator, resolution: int | None = None, fading: bool = False) -> Run:
    """A run before its first step; the networks' weights are drawn from the seed.

    With `resolution` (and `fading`), the networks have the form of that stage, ready for a stored state.
    """
    resolution = resolution or stage_at(settings, 0).resolution
    architecture = replace(settings.architecture, resolution=resolution)
    torch.manual_seed(settings.seed)
    generator = Generator(architecture).to(accelerator.device)
    adversary = _adversary(replace(settings, architecture=architecture), accelerator.device)
    if fading:
        width = architecture.channels(resolution // 2)
        generator.synthesis.fading = EqualConv(width, 1, size=1, gain=1.0).to(accelerator.device)
        if isinstance(adversary.trained, Discriminator):
            adversary.trained.fading = EqualConv(1, width, size=1).to(accelerator.device)
    average = copy.deepcopy(generator).requires_grad_(False)
    reference = copy.deepcopy(average) if settings.keep_coarse else None
    _freeze_early_layers(generator, settings.last_layers)
    optimisers = _optimisers(settings, generator, adversary, resolution)
    paths = SmoothPaths().to(accelerator.device)
    return Run(settings, accelerator, generator, average, adversary, *optimisers, Stage(resolution), paths, reference)


def step(run: Run, training_images: TrainingImages) -> Losses:
    """One step of each network on the same generated images."""
    enter(run, stage_at(run.settings, run.step * run.settings.batch))
    settings, adversary, rng = run.settings, run.adversary, run.step_rng()
    _cool(run)
    learning = run.step * settings.batch >= settings.warm_up_kimg * 1000
    adversary.prepare(lambda: every_image(training_images, run.stage, rng.device))
    real_images = at_stage(training_images.batch(run.step, rng), run.stage.resolution, run.stage.blend)
    with run.autocast():
        with torch.no_grad():
            real = adversary.view(real_images, rng, None)
        with torch.set_grad_enabled(learning):
            generated = fakes(run, rng)
            fake = adversary.view(generated.images, rng, generated.single)
        run.optimiser_d.zero_grad(set_to_none=True)
        loss, loss_d = adversary.discriminator_loss(real, [seen.detach() for seen in fake], run.step)
    loss.backward()
    _share_gradients(run, adversary.trained.parameters())
    run.optimiser_d.step()
    logged = adversary.adapt(settings.batch, run.mean)

    adversary.trained.requires_grad_(False)
    run.optimiser_g.zero_grad(set_to_none=True)
    with run.autocast(), torch.set_grad_enabled(learning):
        loss_g = adversary.generator_loss(fake, real)
        if generated.drift is not None:
            kept = settings.keep_coarse * generated.drift
            loss_g = loss_g + (kept - kept.detach())  # its gradient alone: the logged loss is the adversary's
    if learning:
        loss_g.backward()
        logged |= _smooth_paths(run, rng)
        _share_gradients(run, run.generator.parameters())
        run.optimiser_g.step()
    adversary.trained.requires_grad_(True)

    run.step += 1
    if learning:
        average(run)
    return Losses(loss_d, loss_g.detach(), logged)


def _smooth_paths(run: Run, rng: StepRng) -> dict[str, Tensor]:
    """Add the gradient of steep paths to the generator's, every few steps; how steep they are."""
    weight = run.settings.path_weight
    if not weight:
        run.paths.reset()  # if the penalty is switched on later, this mean would be of an earlier generator
        return {}
    if run.step % PENALTY_EVERY == 0:
        penalty = run.paths.penalty(run.generator, rng, run.mean)  # without autocast: it is a small difference
        (penalty * weight * PENALTY_EVERY).backward()
    return {"steepness": run.paths.steepness.clone()}


def every_image(training_images: TrainingImages, stage: Stage, device: torch.device | str) -> Iterator[Tensor]:
    """All training images at a stage's size, each in all its symmetric forms, in batches."""
    for images in training_images.every_form(device):
        yield at_stage(images, stage.resolution, stage.blend)


@dataclass(frozen=True)
class Fakes:
    """Generated images (N, 1, R, R), which are from a `single` code (N,), and how far coarse content has drifted."""

    images: Tensor
    single: Tensor
    drift: Tensor | None


def fakes(run: Run, rng: StepRng) -> Fakes:
    """This process's share of a batch of generated images, with style mixing.

    Also updates the running mean of w.
    """
    generator, settings = run.generator, run.settings
    layers = generator.architecture.num_layers
    z = rng.normal(2, generator.architecture.z_dim)
    w, other = generator.mapping(z.flatten(0, 1)).view(len(z), 2, -1).unbind(dim=1)
    generator.w_mean.lerp_(run.mean(w.detach().to(generator.w_mean.dtype).mean(dim=0)), 1 - W_MEAN_BETA)
    crossover = rng.integers(1, layers, 1)
    single = rng.uniform(1) >= settings.style_mixing
    crossover[single] = layers
    second = torch.arange(layers, device=rng.device) >= crossover
    ws = torch.where(second[..., None], generator.per_layer(other), generator.per_layer(w))
    noise = [rng.normal(1, *shape) for shape in generator.noise_shapes()]
    images = generator.synthesis(ws, noise).to(generator.w_mean.dtype)
    drift = None
    if run.reference is not None:
        with torch.no_grad():
            wanted = coarse(run.reference.synthesis(ws, noise).to(images.dtype))
        drift = (coarse(images) - wanted).square().mean()
    if generator.traces is not None and images.shape[-1] == settings.architecture.resolution:
        images = generator.traces(images, rng.uniform(4))
    return Fakes(images, single.squeeze(1), drift)


@torch.no_grad()
def average(run: Run) -> None:
    """Update the running average; its half-life grows with the run, so that early weights are forgotten."""
    batch = run.settings.batch
    half_life = min(run.settings.ema_kimg * 1000, run.step * batch * 0.05)
    weight = 1 - 0.5 ** (batch / max(half_life, 1e-8))
    torch._foreach_lerp_(list(run.average.parameters()), list(run.generator.parameters()), weight)
    run.average.w_mean.copy_(run.generator.w_mean)


def enter(run: Run, stage: Stage) -> None:
    """Bring the networks to a stage: grow them, or change the blend. Each size starts with new optimisers."""
    settings = run.settings
    while run.stage.resolution < stage.resolution:
        run.generator, run.average = grow_generator(run.generator, run.average, settings.seed)
        run.adversary.grow(settings.seed)
        run.paths.reset()
        run.stage = Stage(2 * run.stage.resolution, 0.0)
        optimisers = _optimisers(settings, run.generator, run.adversary, run.stage.resolution)
        run.optimiser_g, run.optimiser_d = optimisers
    run.stage = stage
    run.adversary.fade(stage.blend)
    for synthesis in (run.generator.synthesis, run.average.synthesis):
        synthesis.blend = stage.blend
        if stage.blend == 1:
            synthesis.fading = None


def _adversary(settings: Settings, device: torch.device) -> Adversary:
    adversary: Adversary
    seen_through = (settings.r1_every, settings.ada_target, settings.ada_kimg, settings.relativistic)
    if settings.discriminator == "stylegan":
        adversary = ImageAdversary(Discriminator(settings.architecture), settings.r1_gamma, *seen_through)
    elif settings.discriminator == "frozen" and not settings.pixel_moments:
        adversary = FrozenAdversary(device, settings.moments)
    else:
        members: dict[str, Adversary] = {}
        if settings.discriminator in ("frozen", "ensemble"):
            members["frozen"] = FrozenAdversary(device, settings.moments)
        if settings.discriminator in ("pixels", "ensemble"):
            members["pixels"] = ImageAdversary(PixelDiscriminator(), settings.pixel_gamma, *seen_through)
        if settings.pixel_moments:
            members["pixel_moments"] = PixelMoments(settings.pixel_moments)
        adversary = Ensemble(members, {"pixels": settings.pixel_weight} if "pixels" in members else {})
    adversary.state.to(device)
    return adversary


def _optimisers(
    settings: Settings, generator: Generator, adversary: Adversary, resolution: int
) -> tuple[torch.optim.Adam, torch.optim.Adam]:
    rate = settings.rate_at(resolution)
    parts = [
        {
            "params": part.network.parameters(),
            "lr": rate * part.rate * part.lazy,
            "betas": (0.0, 0.99**part.lazy),
        }
        for part in adversary.parts
    ]
    return (
        torch.optim.Adam(
            [p for p in generator.parameters() if p.requires_grad], lr=rate, betas=(0.0, 0.99), eps=1e-8, fused=True
        ),
        torch.optim.Adam(parts, eps=1e-8, fused=True),
    )


def _freeze_early_layers(generator: Generator, learning: int) -> None:
    """Let only the last styled layers learn, with the convolutions before them and what follows them; 0 is all."""
    if not learning:
        return
    synthesis = generator.synthesis
    generator.requires_grad_(False)
    for layer in range(max(len(synthesis.styled) - learning, 0), len(synthesis.styled)):
        synthesis.styled[layer].requires_grad_(True)
        if layer > 0:  # the first follows the constant
            synthesis.convolutions[layer - 1].requires_grad_(True)
    synthesis.to_grey.requires_grad_(True)
    if synthesis.filter is not None:
        synthesis.filter.requires_grad_(True)


def _cool(run: Run) -> None:
    """Set the learning rates of this step."""
    factor = run.settings.cooling(run.step * run.settings.batch)
    for optimiser in (run.optimiser_g, run.optimiser_d):
        for group in optimiser.param_groups:
            group["lr"] = factor * group.setdefault("full_lr", group["lr"])


def _share_gradients(run: Run, parameters: Iterable[nn.Parameter]) -> None:
    """Average gradients over processes, in one message."""
    if run.accelerator.num_processes == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    whole = run.mean(torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient, part in zip(gradients, whole.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))

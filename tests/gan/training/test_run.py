"""One training step and its parts."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import gan.adversaries.image_adversary
from gan.adversaries.discriminator import Discriminator
from gan.adversaries.image_adversary import ImageAdversary
from gan.adversaries.losses import gradient_penalty
from gan.adversaries.step_rng import StepRng
from gan.networks.generator import Architecture
from gan.training.growth import Stage
from gan.training.run import average, enter, fakes, make_accelerator, start, step
from gan.training.settings import Settings
from gan.training.training_images import TrainingImages
from tests.waiting import PATIENCE_S

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
SETTINGS = Settings(SMALL, batch=8, r1_every=4, learning_rate=1e-3, ada_kimg=0.5)


def new_run(settings=SETTINGS):
    return start(settings, make_accelerator())


def training_images(settings=SETTINGS):
    levels = np.random.default_rng(0).integers(0, 65536, (50, 16, 16)).astype(np.uint16)
    return TrainingImages(levels, settings)


def test_style_mixing_uses_two_codes_in_about_its_share_of_images():
    run = new_run(replace(SETTINGS, batch=500))
    used = []
    run.generator.synthesis.forward = lambda ws, _: used.append(ws) or torch.zeros(len(ws), 1, 16, 16)
    single = fakes(run, StepRng(0, 0, 500)).single
    mixed = (used[0] != used[0][:, :1]).any(dim=(1, 2))
    assert torch.equal(single, ~mixed)
    assert mixed.float().mean().item() == pytest.approx(0.9, abs=0.04)
    # Crossovers fall everywhere between the layers, and codes change there only once.
    changes = (used[0][:, 1:] != used[0][:, :-1]).any(dim=2)
    assert changes.sum(dim=1).max() == 1
    assert changes.any(dim=0).all()
    run.settings = replace(run.settings, style_mixing=0.0)
    fakes(run, StepRng(0, 0, 500))
    assert not (used[1] != used[1][:, :1]).any()


@pytest.mark.slow
def test_the_mean_of_w_follows_the_mapping():
    run = new_run(replace(SETTINGS, batch=16))
    run.generator.synthesis.forward = lambda ws, _: torch.zeros(len(ws), 1, 16, 16)
    for number in range(1500):
        fakes(run, StepRng(0, number, 16))
    expected = run.generator.mapping(torch.randn(4000, 16)).mean(dim=0)
    torch.testing.assert_close(run.generator.w_mean[2], expected, atol=0.1, rtol=0)


def test_the_average_has_the_stated_half_life():
    run = new_run(replace(SETTINGS, ema_kimg=0.8))
    for parameter in run.average.parameters():
        parameter.zero_()
    for parameter in run.generator.parameters():
        parameter.requires_grad_(False).fill_(1.0)
    for run.step in range(10_000, 10_100):  # 100 steps x 8 images = one half-life
        average(run)
    for parameter in run.average.parameters():
        torch.testing.assert_close(parameter, torch.full_like(parameter, 0.5), atol=1e-4, rtol=0)


def test_early_on_the_average_forgets_faster():
    """Karras 2020: a half-life of at most 5% of the images seen so far."""
    run = new_run()
    for parameter in run.average.parameters():
        parameter.zero_()
    for parameter in run.generator.parameters():
        parameter.requires_grad_(False).fill_(1.0)
    run.step = 20  # 160 images, so half is forgotten after 8, which is one step
    average(run)
    for parameter in run.average.parameters():
        torch.testing.assert_close(parameter, torch.full_like(parameter, 0.5), atol=1e-6, rtol=0)


def test_the_lazy_penalty_comes_every_k_steps_with_adam_rescaled(monkeypatch):
    calls = []
    original = gan.adversaries.image_adversary.gradient_penalty
    monkeypatch.setattr(gan.adversaries.image_adversary, "gradient_penalty", lambda *a: calls.append(1) or original(*a))
    run = new_run()
    for _ in range(9):
        step(run, training_images())
    assert len(calls) == 3
    group = run.optimiser_d.param_groups[0]
    assert group["lr"] == pytest.approx(1e-3 * 4 / 5)
    assert group["betas"] == pytest.approx((0.0, 0.99 ** (4 / 5)))


def test_the_weight_of_the_lazy_penalty_is_gamma_halves_times_the_interval():
    adversary = ImageAdversary(Discriminator(SMALL), r1_gamma=3.0, r1_every=4)
    torch.manual_seed(0)
    real, fake = [torch.randn(4, 1, 16, 16)], [torch.randn(4, 1, 16, 16)]
    with_penalty, plain = adversary.discriminator_loss(real, fake, step=8)
    images = real[0].clone().requires_grad_()
    penalty = gradient_penalty(images, adversary.trained(images))
    assert (with_penalty - plain).item() == pytest.approx(3.0 / 2 * 4 * penalty.item(), rel=1e-4)
    without, one_pass = adversary.discriminator_loss(real, fake, step=9)
    assert without.item() == one_pass.item()
    assert one_pass.item() == pytest.approx(plain.item(), rel=1e-5)  # one pass for both kinds is as two


def test_a_generator_step_leaves_the_discriminator_alone_and_the_other_way_round():
    run = new_run()
    step(run, training_images())
    seen = {name: value.clone() for name, value in run.adversary.trained.state_dict().items()}
    run.adversary.discriminator_loss = lambda *_: (torch.zeros((), requires_grad=True),) * 2
    run.optimiser_d.step = lambda: None
    before = run.generator.synthesis.to_grey.weight.clone()
    step(run, training_images())
    assert all(torch.equal(value, seen[name]) for name, value in run.adversary.trained.state_dict().items())
    assert not torch.equal(before, run.generator.synthesis.to_grey.weight)


def test_the_generator_waits_while_a_new_discriminator_warms_up():
    run = new_run(replace(SETTINGS, warm_up_kimg=0.016))
    first = {name: value.clone() for name, value in run.generator.named_parameters()}
    judge = run.adversary.trained.logit.weight.clone()
    for _ in range(2):
        step(run, training_images())
    assert all(torch.equal(value, first[name]) for name, value in run.generator.named_parameters())
    assert not torch.equal(judge, run.adversary.trained.logit.weight)
    step(run, training_images())
    assert not torch.equal(first["synthesis.to_grey.weight"], run.generator.synthesis.to_grey.weight)


def test_each_size_starts_with_new_optimisers_and_its_own_rate():
    settings = replace(SETTINGS, architecture=replace(SMALL, resolution=128), progressive=True)
    run = start(settings, make_accelerator())
    assert run.generator.architecture.resolution == 8
    run.step = 5
    enter(run, Stage(64, 0.5))
    assert run.generator.synthesis.blend == run.average.synthesis.blend == run.adversary.trained.blend == 0.5
    assert run.optimiser_g.param_groups[0]["lr"] == pytest.approx(1e-3)
    enter(run, Stage(128, 0.25))
    assert run.optimiser_g.param_groups[0]["lr"] == pytest.approx(1.5e-3)
    assert not run.optimiser_g.state
    enter(run, Stage(128))
    assert run.generator.synthesis.fading is run.adversary.trained.fading is None


SHARED = """
import json
import numpy as np
import torch
torch.set_default_dtype(torch.float64)  # so that Adam does not amplify rounding
torch.set_num_threads(1)
import gan.adversaries.frozen, gan.adversaries.moments
from gan.training.run import make_accelerator, start, step
from gan.training.settings import Settings
from gan.training.training_images import TrainingImages
# In double precision the networks are slow, so few and small views; and moments are matched from the second step on.
gan.adversaries.frozen.INPUTS_PX = (32, 32)
gan.adversaries.moments._VIEWS = ((0, 32), (1, 32))
gan.adversaries.moments._WARM_UP = 1
settings = Settings.from_dict(json.loads({settings!r}))
levels = np.random.default_rng(0).integers(0, 65536, (50, 16, 16)).astype(np.uint16)
run, images = start(settings, make_accelerator()), TrainingImages(levels, settings)
for part in run.adversary.state.modules():
    if hasattr(part, "p"):
        part.p.fill_(0.5)
for _ in range({steps}):
    step(run, images)
assert run.accelerator.num_processes == {processes}, run.accelerator.num_processes
if run.accelerator.is_main_process:
    state = {{**run.generator.state_dict(), **{{"d." + k: v for k, v in run.adversary.state.state_dict().items()}}}}
    torch.save(state, {out!r})
"""
# The port: any free one, because the usual one may be another test's.
LAUNCH = (
    *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"),
    *("--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"),
)


@pytest.mark.slow
@pytest.mark.xdist_group("two-processes")
@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ({"batch": 16}, 20),
        ({"discriminator": "frozen", "moments": 1000.0, "style_mixing": 0.0}, 2),
        ({"discriminator": "ensemble", "relativistic": True}, 2),
        ({"path_weight": 2.0, "batch": 16}, 2),
    ],
    ids=["stylegan", "frozen", "ensemble", "paths"],
)
def test_two_processes_train_as_one_with_the_same_batch(changed, steps, tmp_path):
    """`accelerate launch` with two processes on this machine's CPU, against one process."""
    settings, states = json.dumps(replace(SETTINGS, **changed).to_dict()), []
    for processes in (1, 2):
        out, script = tmp_path / f"{processes}.pt", tmp_path / f"{processes}.py"
        script.write_text(SHARED.format(processes=processes, out=str(out), settings=settings, steps=steps))
        command = [sys.executable, *(LAUNCH if processes == 2 else ()), str(script)]
        on_cpu = {**os.environ, "ACCELERATE_USE_CPU": "true"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, env=on_cpu)
        assert done.returncode == 0, done.stderr[-2000:]
        states.append(torch.load(out, weights_only=True))
    one, two = states
    for state in states:
        state.pop("synthesis.styled.0.bias")  # it does nothing before its instance norm: its gradient is rounding
    for name, value in one.items():
        assert (two[name] - value).norm() < 1e-5 * max(1.0, float(value.norm())), name
    whole, other = (torch.cat([value.flatten() for value in state.values()]) for state in (one, two))
    assert (whole - other).norm() / whole.norm() < 1e-5

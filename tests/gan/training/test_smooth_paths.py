"""Smooth paths: slopes against brute force, the penalty, and that training with it makes paths less steep."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save

from gan.adversaries.step_rng import StepRng
from gan.checkpoint import load_model
from gan.networks.generator import Architecture, Generator
from gan.networks.layers import blur
from gan.training.growth import Stage
from gan.training.run import enter, make_accelerator, start
from gan.training.settings import Settings
from gan.training.smooth_paths import PENALTY_EVERY, SmoothPaths, slopes
from gan.training.state import FILE, read_state
from gan.training.train import train

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
SETTINGS = Settings(
    SMALL, kimg=0.096, batch=8, r1_every=4, snapshot_kimg=0.048, learning_rate=1e-3, ada_kimg=0.1, path_weight=2.0
)


def generator(seed=0):
    torch.manual_seed(seed)
    return Generator(SMALL)


def alone(value):
    return value


def ends(made, count):
    torch.manual_seed(1)
    with torch.no_grad():
        return made.mapping(torch.randn(count, 16)), made.mapping(torch.randn(count, 16))


def test_slopes_are_those_of_fine_detail_along_the_path():
    made = generator().double()
    first, second = (w.double() for w in ends(generator(), 3))
    noise = [layer.double() for layer in made.random_noise(3)]
    place = torch.tensor([[0.1], [0.5], [0.8]], dtype=torch.float64)
    found = slopes(made, first, second, place, noise)

    def detail(one, at):
        w = first[one] + at * (second[one] - first[one])
        image = made.synthesis(w.expand(1, SMALL.num_layers, -1), [layer[one : one + 1] for layer in noise])
        return image - blur(blur(blur(image)))

    for one, at in enumerate((0.1, 0.5, 0.8)):
        by_hand = (detail(one, at + 0.01) - detail(one, at)) / 0.01
        torch.testing.assert_close(found[one], by_hand.square().mean().sqrt())


def test_the_penalty_counts_what_is_above_the_mean(monkeypatch):
    monkeypatch.setattr("gan.training.smooth_paths.slopes", lambda *_: torch.tensor([1.0, 1.0, 1.0, 5.0]))
    paths = SmoothPaths()
    penalty = paths.penalty(generator(), StepRng(0, 0, 8), alone)
    assert paths.mean_slope == 2  # the first mean is that of the slopes themselves
    assert penalty == pytest.approx((5 / 2 - 1) ** 2 / 4)
    assert paths.steepness == pytest.approx(0.75)
    monkeypatch.setattr("gan.training.smooth_paths.slopes", lambda *_: torch.full((4,), 2.0))
    assert paths.penalty(generator(), StepRng(0, 1, 8), alone) == 0
    paths.mean_slope.fill_(1.0)
    paths.penalty(generator(), StepRng(0, 2, 8), alone)
    assert paths.mean_slope == pytest.approx(1.02)


def test_the_penalty_alone_makes_paths_less_steep():
    made, paths = generator(), SmoothPaths()
    adam = torch.optim.Adam(made.parameters(), lr=3e-3)

    def steepest():
        first, second = ends(made, 400)
        with torch.no_grad():
            torch.manual_seed(2)
            found = slopes(made, first, second, torch.full((400, 1), 0.5), made.random_noise(400))
        return float(found.quantile(0.98) / found.mean())

    before = steepest()
    for step in range(60):
        adam.zero_grad()
        paths.penalty(made, StepRng(0, step, 32), alone).backward()
        adam.step()
    assert steepest() - 1 < 0.75 * (before - 1)


def test_training_counts_a_penalty_for_the_steps_without_one(patches, tmp_path, monkeypatch):
    counted = []
    original = SmoothPaths.penalty

    def penalty(self, *given):
        value = original(self, *given)
        value.register_hook(lambda gradient: counted.append(float(gradient)))
        return value

    monkeypatch.setattr(SmoothPaths, "penalty", penalty)
    seen = []
    train(patches, tmp_path / "run", SETTINGS, progress=lambda now: seen.append(now.steepness))
    assert counted == [2.0 * PENALTY_EVERY] * (12 // PENALTY_EVERY)
    assert all(value > 0 for value in seen)


def test_a_run_without_it_has_no_steepness(patches, tmp_path):
    seen = []
    train(patches, tmp_path / "run", replace(SETTINGS, path_weight=0.0), progress=lambda now: seen.append(now))
    assert all(now.steepness is None for now in seen)


def test_a_stopped_run_resumes_as_if_it_had_not_been_stopped(patches, tmp_path):
    whole = load_model(train(patches, tmp_path / "whole", SETTINGS)).generator

    def stop(now):
        if now.step == 6:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        train(patches, tmp_path / "parts", SETTINGS, progress=stop)
    resumed = load_model(train(patches, tmp_path / "parts", SETTINGS, resume=True)).generator
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


def test_a_resumed_run_may_begin_to_smooth_paths(patches, tmp_path):
    short = replace(SETTINGS, kimg=0.048, path_weight=0.0)
    train(patches, tmp_path / "run", short)
    seen = []
    train(patches, tmp_path / "run", SETTINGS, resume=True, progress=lambda now: seen.append(now.steepness))
    assert all(value > 0 for value in seen)


def test_states_of_before_are_resumed(patches, tmp_path):
    train(patches, tmp_path / "run", replace(SETTINGS, kimg=0.048))
    path = tmp_path / "run" / FILE
    about, tensors = read_state(path)
    kept = {name: value for name, value in tensors.items() if not name.startswith("paths.")}
    assert len(kept) == len(tensors) - 2
    path.write_bytes(save(kept, metadata={"about": json.dumps(about)}))
    assert train(patches, tmp_path / "run", SETTINGS, resume=True)


def test_each_size_has_a_mean_of_its_own(patches, tmp_path):
    growing = replace(SETTINGS, progressive=True, stage_kimg=0.032, fade_kimg=0.016)
    run = start(growing, make_accelerator())
    run.paths.mean_slope.fill_(3.0)
    enter(run, Stage(16, 0.5))
    assert run.paths.mean_slope == 0
    seen = []
    train(patches, tmp_path / "run", growing, progress=seen.append)
    assert {now.resolution for now in seen} >= {16}
    assert seen[-1].steepness > 0


def test_a_run_that_switches_it_off_forgets_the_mean(patches, tmp_path):
    train(patches, tmp_path / "run", replace(SETTINGS, kimg=0.048))
    assert read_state(tmp_path / "run" / FILE)[1]["paths.mean_slope"] > 0
    train(patches, tmp_path / "run", replace(SETTINGS, path_weight=0.0), resume=True)
    assert read_state(tmp_path / "run" / FILE)[1]["paths.mean_slope"] == 0

"""An encoder's loss by its definition, and whole runs: what they write, and what stopping and breaking them does."""

import copy
import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import gan.inversion.encoder_training
from gan.checkpoint import Model
from gan.inversion.encoder import EncoderSize
from gan.inversion.encoder_file import load_encoder
from gan.inversion.encoder_run import reconstruction_terms, start, step
from gan.inversion.encoder_settings import EncoderSettings
from gan.inversion.encoder_training import STATE, HeldOut, settled, train_encoder
from gan.networks.generator import Architecture, Generator
from gan.training.training_images import TrainingImages
from stimuli.images import read_image

SETTINGS = EncoderSettings(
    size=EncoderSize(blocks=2, base=4),
    kimg=0.12,
    pair_kimg=0.04,
    batch=8,
    perceptual_weight=0.02,
    perceptual_every=2,
    snapshot_kimg=0.048,
    warm_up_kimg=0.02,
    r1_every=2,
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def run(generator, features):
    return start(replace(SETTINGS, architecture=generator.architecture), generator, features)


@pytest.fixture
def sixteen_images(run):
    levels = np.random.default_rng(0).integers(0, 65536, (16, 16, 16)).astype(np.uint16)
    return TrainingImages(levels, run.settings)


def test_the_terms_of_equation_2_by_their_definition(run, features):
    real, fake = torch.rand(2, 4, 1, 16, 16, generator=torch.Generator().manual_seed(0)).unbind(0)
    terms = reconstruction_terms(run, real, fake)
    pixel = np.mean([(a - b) ** 2 for a, b in zip(real.flatten().tolist(), fake.flatten().tolist(), strict=True)])
    difference = (features(real) - features(fake)).double().numpy()
    assert float(terms["pixel"]) == pytest.approx(pixel, rel=1e-5)
    assert float(terms["perceptual"]) == pytest.approx(2 * 0.02 * np.mean(difference**2), rel=1e-5)
    run.step = 1  # the perceptual term counts double, but in every second step only
    assert reconstruction_terms(run, real, fake).keys() == {"pixel"}


def test_the_gradient_of_equation_2_is_the_slope_of_its_loss(run, sixteen_images):
    """Along a random direction of a weight, by central differences in double precision."""
    run.generator, run.features = (copy.deepcopy(network).double() for network in (run.generator, run.features))
    run.encoder.double()
    run.noise = [one.double() for one in run.noise]
    real = sixteen_images.batch(0, run.rng()).double()
    weight = run.encoder.dense.weight

    def loss():
        return sum(reconstruction_terms(run, real, run.reconstruct(run.encoder(real))).values())

    (gradient,) = torch.autograd.grad(loss(), weight)
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        weight += 1e-7 * direction
        above = loss()
        weight -= 2e-7 * direction
        below = loss()
    assert float((above - below) / 2e-7) == pytest.approx(float((gradient * direction).sum()), rel=1e-3)


def test_equation_3_is_the_logistic_loss_of_reconstructions_with_its_gradient_penalty(
    generator, features, sixteen_images
):
    settings = replace(SETTINGS, architecture=generator.architecture, adversary="stylegan", pair_kimg=0.0, gamma=10.0)
    run = start(settings, generator, features)
    real = sixteen_images.batch(0, run.rng())
    with torch.no_grad():
        fake = run.reconstruct(run.encoder(real))
    network, seen = run.adversary.trained, real.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(network(seen).sum(), seen)
    penalty = float(slope.square().sum(dim=(1, 2, 3)).mean())
    with torch.no_grad():
        plain = float(F.softplus(network(fake)).mean() + F.softplus(-network(real)).mean())
    whole, logged = run.adversary.discriminator_loss([real], [fake], step=0)
    assert float(logged) == pytest.approx(plain, rel=1e-4)
    assert float(whole) == pytest.approx(plain + 10 / 2 * penalty * settings.r1_every, rel=1e-4)


def test_the_adversarial_term_waits_for_the_pairs_and_then_rises():
    settings = replace(SETTINGS, adversary="stylegan", adversarial_weight=0.1)  # pairs: 5 steps; warm-up: 2.5 steps
    assert [settings.adversarial_at(step) for step in (0, 4, 5)] == [0, 0, 0]
    assert settings.adversarial_at(6) == pytest.approx(0.1 * 8 / 20)
    assert settings.adversarial_at(9) == 0.1
    assert replace(settings, adversary="none").adversarial_at(9) == 0


def test_the_learning_rate_falls_to_nothing():
    rates = [SETTINGS.rate_at(step) for step in range(SETTINGS.steps + 1)]
    assert rates[0] == SETTINGS.learning_rate
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("adversary", ["none", "stylegan", "frozen"])
def test_a_step_changes_encoder_and_adversary_but_never_the_generator(generator, features, sixteen_images, adversary):
    settings = replace(
        SETTINGS, architecture=generator.architecture, adversary=adversary, pair_kimg=0.0, warm_up_kimg=0.0
    )
    run = start(settings, generator, features)
    frozen = {name: value.clone() for name, value in generator.state_dict().items()}
    encoder = [value.clone() for value in run.encoder.parameters()]
    judge = [value.clone() for value in run.adversary.trained.parameters()] if run.adversary else []
    terms = step(run, sixteen_images)
    assert all(torch.equal(value, frozen[name]) for name, value in generator.state_dict().items())
    assert not any(torch.equal(a, b) for a, b in zip(encoder, run.encoder.parameters(), strict=True))
    if run.adversary:
        assert sum(not torch.equal(a, b) for a, b in zip(judge, run.adversary.trained.parameters(), strict=True)) > 5
        assert {"adversarial", "discriminator"} <= terms.keys()
    assert {"pixel", "perceptual", "prior"} <= terms.keys()


def test_it_learns_one_batch_by_heart(generator, features):
    """Users of the published code found encoders that did not train; this would show it."""
    settings = replace(SETTINGS, architecture=generator.architecture, kimg=1.6, pair_kimg=0.0, learning_rate=1e-2)
    run = start(settings, generator, features)
    from gan.generate import images_from_seeds

    levels = (images_from_seeds(generator, range(8), 1.0) * 65535).astype(np.uint16)
    images = TrainingImages(levels, replace(settings, symmetry="none"))
    losses = [float(step(run, images)["pixel"]) for _ in range(120)]
    assert np.mean(losses[-10:]) < 0.35 * np.mean(losses[:3])


def test_pairs_teach_the_codes_of_generated_images(run):
    run.settings = replace(run.settings, pair_kimg=1.0, kimg=2.0, learning_rate=1e-2)
    losses = [float(step(run, None)["code"]) for _ in range(100)]  # no real image is used
    assert np.mean(losses[-20:]) < 0.85 * np.mean(losses[:5])


@pytest.fixture(scope="module")
def world(patches, features):
    """A model, features and patches for whole runs."""
    torch.manual_seed(7)
    sizes = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
    return Model(Generator(sizes).requires_grad_(False), "a" * 64, {}), features, patches


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory):
    seen = []
    path = train_encoder(*world, tmp_path_factory.mktemp("whole") / "run", SETTINGS, progress=seen.append)
    return path, seen


def stop_after(steps, monkeypatch):
    real = gan.inversion.encoder_training.step

    def stepped(run, images):
        out = real(run, images)
        if run.step == steps:
            signal.raise_signal(signal.SIGINT)
        return out

    monkeypatch.setattr(gan.inversion.encoder_training, "step", stepped)


@pytest.mark.slow
@pytest.mark.parametrize("adversary", ["none", "stylegan"])
def test_a_resumed_run_is_bit_identical_to_one_that_never_stopped(world, tmp_path, monkeypatch, adversary):
    settings = replace(SETTINGS, adversary=adversary, adversarial_weight=0.1)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for stop in (3, 9):  # among the pairs, and between two snapshots
            with monkeypatch.context() as patch:
                stop_after(stop, patch)
                with pytest.raises(KeyboardInterrupt):
                    train_encoder(*world, tmp_path / "parts", settings, resume=stop > 3)
    finally:
        signal.signal(signal.SIGINT, before)
    parts = load_encoder(train_encoder(*world, tmp_path / "parts", settings, resume=True), world[0])
    once = load_encoder(train_encoder(*world, tmp_path / "once", settings), world[0])
    for name, value in once.network.state_dict().items():
        assert torch.equal(value, parts.network.state_dict()[name]), name
    steps = [json.loads(line)["step"] for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


@pytest.mark.slow
def test_a_run_writes_an_encoder_a_sheet_a_log_and_each_terms_share(whole, world):
    path, seen = whole
    assert [now.images for now in seen] == [48, 80, 96, 120]
    assert seen[0].shares.keys() == {"code", "pixel", "prior"}
    assert sum(seen[-1].shares.values()) == pytest.approx(1)
    assert seen[-1].shares.keys() == {"pixel", "perceptual", "prior"}
    lines = [json.loads(line) for line in (path.parent / "log.jsonl").read_text().splitlines()]
    assert {"pixel", "perceptual", "select_psnr_db", "select_vgg", "shares"} <= lines[-1].keys()
    assert read_image(seen[-1].sheet).pixels.shape[0] == 2 * 18 - 2
    loaded = load_encoder(path, world[0])
    patches = world[2]
    assert loaded.training["finished"]
    assert loaded.training["train_patients"] == sorted(set(patches.select("train")["patient"]))
    assert loaded.training["settings"]["perceptual_weight"] == 0.02
    assert loaded.training["select"] == seen[-1].held_out


@pytest.mark.slow
def test_the_held_out_errors_are_those_of_the_encoder_that_is_written(whole, world):
    path, seen = whole
    model, features, patches = world
    run = start(settled(SETTINGS, model, features), model.generator, features)
    run.encoder.load_state_dict(load_encoder(path, model).network.state_dict())
    _, errors = HeldOut(patches, "select").measure(run)
    assert errors == pytest.approx(seen[-1].held_out, rel=1e-5)


@pytest.mark.slow
def test_a_run_is_resumed_only_as_what_it_was(whole, world, patches, tmp_path, refuses):
    out = whole[0].parent
    with refuses("run-finished"):
        train_encoder(*world, out, SETTINGS, resume=True)
    with refuses("occupied"):
        train_encoder(*world, out, SETTINGS)
    with refuses("settings-changed") as caught:
        train_encoder(*world, out, replace(SETTINGS, kimg=0.2), resume=True)
    assert "kimg" in str(caught.value)
    other = replace(patches, sha256="0" * 64)
    with refuses("other-patches"):
        train_encoder(world[0], world[1], other, out, SETTINGS, resume=True)
    another = Model(world[0].generator, "b" * 64, {})
    with refuses("settings-changed") as caught:
        train_encoder(another, world[1], patches, out, SETTINGS, resume=True)
    assert "generator_sha256" in str(caught.value)
    with refuses("nothing-to-resume"):
        train_encoder(*world, tmp_path / "nowhere", SETTINGS, resume=True)


def test_patches_of_another_size_are_refused_and_leave_nothing(world, tmp_path, refuses):
    torch.manual_seed(0)
    larger = Model(Generator(Architecture(32, channel_max=8)).requires_grad_(False), "a", {})
    with refuses("wrong-size"):
        train_encoder(larger, world[1], world[2], tmp_path / "run", SETTINGS)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_that_diverges_stops_and_keeps_its_snapshot(world, tmp_path, monkeypatch, refuses):
    real = gan.inversion.encoder_training.step

    def broken(run, images):
        terms = real(run, images)
        if run.step == 9:
            terms["pixel"] = torch.tensor(torch.nan)
        return terms

    monkeypatch.setattr(gan.inversion.encoder_training, "step", broken)
    with refuses("diverged"):
        train_encoder(*world, tmp_path / "run", SETTINGS)
    assert (tmp_path / "run" / STATE).is_file()
    assert load_encoder(tmp_path / "run", world[0]).training["images_seen"] == 48


@pytest.mark.parametrize(
    "wrong",
    [
        {"kimg": 0.0},
        {"batch": 6},
        {"pair_kimg": 99.0},
        {"adversarial_weight": -1.0},
        {"perceptual_weight": float("nan")},
        {"size": EncoderSize(blocks=0)},
    ],
)
def test_settings_out_of_range_are_refused(wrong, refuses):
    with refuses("out-of-range"):
        EncoderSettings(**wrong)


def test_settings_are_read_back_and_others_refused(refuses):
    assert EncoderSettings.from_dict(json.loads(json.dumps(SETTINGS.to_dict()))) == SETTINGS
    with refuses("not-a-run"):
        EncoderSettings.from_dict({"kimg": 3})
    with refuses("unknown-choice"):
        EncoderSettings(adversary="both")

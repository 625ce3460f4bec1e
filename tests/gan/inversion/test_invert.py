"""Equation 4 by its definition, and what inversion does with images, masks, codes and noise."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import gan.inversion.invert
from gan.checkpoint import Model
from gan.inversion.encoder_file import StoredEncoder
from gan.inversion.invert import _Inverter, _Target, image_losses, invert
from gan.inversion.objective import detail_difference, noise_irregularity
from gan.inversion.settings import PAPER, InversionSettings, chosen
from gan.networks.code_space import code_distance

HOW = InversionSettings(steps=6, perceptual_weight=0.01, detail_weight=1.0)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def losses_of(generator, encoder, features, images, settings, code, noise, mask=None, whole=True):
    x = torch.from_numpy(images).unsqueeze(1) * 2 - 1
    shared = _Inverter(generator, encoder.network, features, settings, settings.perceptual_weight)
    return image_losses(shared, _Target(x, features(x), mask), code, noise, whole)


def test_the_papers_loss_is_equation_4_with_its_printed_weights(generator, encoder, features, images):
    """Of G(z), not of the printed G(E(x)); with mean squares."""
    code = torch.randn(4, 6, 16, generator=torch.Generator().manual_seed(0))
    noise = generator.random_noise(4)
    found = losses_of(generator, encoder, features, images, PAPER, code, noise)
    x, g = torch.from_numpy(images)[:, None].double() * 2 - 1, generator.synthesis(code, noise)
    for n in range(4):
        pixel = float((x[n] - g[n]).double().square().mean())
        perceptual = float((features(x[n : n + 1].float()) - features(g[n : n + 1])).double().square().mean())
        again = float((code[n] - encoder.network(g[n : n + 1])[0]).double().square().mean())
        assert float(found[n]) == pytest.approx(pixel + 5e-5 * perceptual + 2 * again, rel=1e-4)


def test_the_default_loss_adds_priors_of_code_noise_and_detail(generator, encoder, features, images):
    v = torch.randn(4, 6, 16, generator=torch.Generator().manual_seed(0))
    noise = generator.random_noise(4)
    how = replace(HOW, noise="fitted", prior_weight=0.3, noise_weight=0.2, detail_weight=0.7, code_weight=0.0)
    plain = replace(how, prior_weight=0.0, noise_weight=0.0, detail_weight=0.0)
    given = (generator, encoder, features, images)
    added = losses_of(*given, how, v, noise) - losses_of(*given, plain, v, noise)
    x, g = torch.from_numpy(images)[:, None] * 2 - 1, generator.synthesis(encoder.network.space.restore(v), noise)
    wanted = 0.3 * code_distance(v) + 0.2 * noise_irregularity(noise[2:]) + 0.7 * detail_difference(g, x)
    torch.testing.assert_close(added, wanted, rtol=1e-3, atol=1e-5)


def test_costly_terms_count_for_the_steps_without_them(generator, encoder, features, images):
    v, noise = torch.randn(4, 6, 16), generator.random_noise(4)
    given = (generator, encoder, features, images)
    cheap = losses_of(*given, replace(HOW, perceptual_every=3), v, noise, whole=False)
    whole = losses_of(*given, replace(HOW, perceptual_every=3), v, noise)
    every = losses_of(*given, replace(HOW, perceptual_every=1), v, noise)
    torch.testing.assert_close(cheap + (whole - cheap) / 3, every)


def test_the_gradient_of_the_loss_is_its_slope(generator, encoder, features, images):
    import copy

    generator, network, features = (copy.deepcopy(x).double() for x in (generator, encoder.network, features))
    encoder = replace(encoder, network=network)
    noise = [one.double() for one in generator.random_noise(4)]
    v = torch.randn(4, 6, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    mask = torch.rand(4, 1, 16, 16, dtype=torch.float64)

    def loss(code):
        return losses_of(generator, encoder, features, images.astype(np.float64), HOW, code, noise, mask).sum()

    (gradient,) = torch.autograd.grad(loss(v), v)
    direction = torch.randn(v.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        slope = (loss(v + 1e-6 * direction) - loss(v - 1e-6 * direction)) / 2e-6
    assert float(slope) == pytest.approx(float((gradient * direction).sum()), rel=1e-3)


def test_more_steps_come_nearer_and_the_encoder_alone_is_no_step(model, encoder, features, images):
    errors = [
        invert(model, encoder, features, images, replace(HOW, steps=steps)).table["mse"].mean() for steps in (0, 5, 25)
    ]
    assert errors[0] > 1.5 * errors[1] > 1.5 * errors[2]
    alone = invert(model, encoder, features, images, replace(HOW, steps=0))
    x = torch.from_numpy(images).unsqueeze(1) * 2 - 1
    torch.testing.assert_close(alone.codes, encoder.network(x), atol=1e-4, rtol=1e-3)
    assert alone.table["steps"].tolist() == [0] * 4


def test_codes_and_noise_give_the_reconstruction_again(model, encoder, features, images):
    found = invert(model, encoder, features, images, HOW)
    again = model.generator.synthesis(found.codes, found.noise)[:, 0].clamp(-1, 1) / 2 + 0.5
    np.testing.assert_allclose(found.images, again, atol=1e-4)
    np.testing.assert_allclose(found.residuals, images - found.images, atol=1e-7)
    np.testing.assert_allclose(found.table["mse"], np.square(found.residuals).mean(axis=(1, 2)), rtol=1e-4)


def test_an_image_is_inverted_alike_alone_and_in_any_batch(model, encoder, features, images):
    together = invert(model, encoder, features, images, HOW)
    for batch in (1, 3):
        apart = invert(model, encoder, features, images, replace(HOW, batch=batch))
        torch.testing.assert_close(apart.codes, together.codes, atol=2e-3, rtol=1e-2)
        np.testing.assert_allclose(apart.images, together.images, atol=2e-3)


def test_fixed_noise_stays_and_fitted_noise_keeps_its_mean_and_variance(model, encoder, features, images):
    start = invert(model, encoder, features, images, replace(HOW, steps=0)).noise
    fixed = invert(model, encoder, features, images, replace(HOW, noise="fixed")).noise
    fitted = invert(model, encoder, features, images, HOW).noise
    assert all(torch.equal(a, b) for a, b in zip(start, fixed, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(start[2:], fitted[2:], strict=True))
    for one in fitted[2:]:
        assert one.mean(dim=(1, 2, 3)).abs().max() < 1e-5
        assert (one.var(dim=(1, 2, 3), correction=0) - 1).abs().max() < 1e-4


def test_in_w_all_layers_have_one_code(model, encoder, features, images):
    codes = invert(model, encoder, features, images, replace(HOW, space="w")).codes
    assert torch.equal(codes, codes[:, :1].expand_as(codes))
    wider = invert(model, encoder, features, images, HOW).codes
    assert not torch.equal(wider[:, 0], wider[:, 1])


def test_nothing_but_code_and_noise_changes(model, encoder, features, images):
    networks = (model.generator, encoder.network, features)
    before = [{name: value.clone() for name, value in network.state_dict().items()} for network in networks]
    invert(model, encoder, features, images, HOW)
    for network, kept in zip(networks, before, strict=True):
        assert all(torch.equal(value, kept[name]) for name, value in network.state_dict().items())
        assert all(parameter.grad is None for parameter in network.parameters())


def test_under_a_mask_only_its_area_is_matched(model, encoder, features, images):
    masks = np.zeros_like(images)
    masks[:, :8] = 1
    how = replace(HOW, steps=25)
    whole = invert(model, encoder, features, images, how)
    half = invert(model, encoder, features, images, how, masks)
    parts = [np.square(images[:, rows] - half.images[:, rows]).mean(axis=(1, 2)) for rows in (slice(8), slice(8, 16))]
    np.testing.assert_allclose(half.table["mse_inside"], parts[0], rtol=1e-4)
    np.testing.assert_allclose(half.table["mse_outside"], parts[1], rtol=1e-4)
    assert half.table["mse_inside"].mean() < 0.5 * half.table["mse_outside"].mean()
    assert half.table["mse_outside"].mean() > 2 * whole.table["mse"].mean()
    full = invert(model, encoder, features, images, how, np.ones_like(images))
    torch.testing.assert_close(full.codes, whole.codes, atol=1e-2, rtol=1e-2)
    assert full.table["mse_outside"].isna().all()


def test_an_image_that_no_longer_improves_is_left_alone_while_others_go_on(
    model, encoder, features, images, monkeypatch
):
    real = gan.inversion.invert.image_losses
    calls = []

    def flat(shared, target, code, noise, whole):
        losses = real(shared, target, code, noise, whole)
        calls.append(code.detach().clone())
        return torch.cat([losses[:1] * 0 + 1, losses[1:]])

    monkeypatch.setattr(gan.inversion.invert, "image_losses", flat)
    how = replace(HOW, steps=30, patience=2, perceptual_every=1, tolerance=1e-9)
    found = invert(model, encoder, features, images[:2], how)
    assert found.table["steps"].tolist()[0] == 2  # no reading after the first was better
    assert found.table["steps"].tolist()[1] > 5
    assert torch.equal(calls[2][0], calls[-1][0])
    assert not torch.equal(calls[2][1], calls[-1][1])


def test_mistakes_are_refused(model, encoder, features, images, refuses):
    def tried(pixels, masks=None, other=model):
        invert(other, encoder, features, pixels, HOW, masks)

    with refuses("other-model"):
        tried(images, other=Model(model.generator, "1" * 64, {}))
    for wrong in (images[:, :8], images[0], images[:, :, :, None].repeat(3, axis=3), images[:0]):
        with refuses("wrong-size"):
            tried(wrong)
    with refuses("wrong-size"):
        tried(images, np.ones((4, 8, 8), np.float32))
    with refuses("wrong-size"):
        tried(images, np.ones((3, 16, 16), np.float32))
    with refuses("out-of-range"):
        tried(images * 255)
    with refuses("out-of-range"):
        tried(images, images - 2)
    broken = images.copy()
    broken[1, 3, 3] = np.nan
    with refuses("not-finite"):
        tried(broken)
    masks = np.ones_like(images)
    masks[2] = 0
    with refuses("empty-mask") as caught:
        tried(images, masks)
    assert "mask 3 of 4" in str(caught.value)


def test_a_rate_far_too_high_is_told(model, encoder, features, images, refuses):
    with refuses("not-finite"):
        invert(model, encoder, features, images, replace(PAPER, steps=3, learning_rate=1e38))


def test_the_weight_is_that_of_the_encoders_training_unless_another_is_given(model, encoder, features, images):
    trained = StoredEncoder(encoder.network, "", model.sha256, {"settings": {"perceptual_weight": 0.123}})
    how = replace(HOW, steps=0, perceptual_weight=None)
    assert invert(model, trained, features, images, how).perceptual_weight == 0.123
    assert invert(model, trained, features, images, replace(how, perceptual_weight=0.5)).perceptual_weight == 0.5
    assert 0 < invert(model, encoder, features, images, how).perceptual_weight < 100  # calibrated


def test_settings_of_both_objectives_and_those_out_of_range(refuses):
    assert chosen("paper", steps=None) == PAPER
    assert (PAPER.steps, PAPER.learning_rate, PAPER.code_weight, PAPER.perceptual_weight) == (100, 0.01, 2.0, 5e-5)
    assert chosen("default", steps=50).steps == 50
    rates = [HOW.rate_at(step) for step in range(HOW.steps)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[-1] < 0.1
    for wrong in ({"steps": -1}, {"batch": 0}, {"learning_rate": float("nan")}, {"code_weight": -1.0}):
        with refuses("out-of-range"):
            InversionSettings(**wrong)
    for word in ({"objective": "best"}, {"space": "z"}, {"noise": "free"}):
        with refuses("unknown-choice"):
            InversionSettings(**word)

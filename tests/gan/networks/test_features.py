"""VGG16's weights: read, refused, and downloaded once, from a server of our own."""

import hashlib
import pickle
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from gan.networks import vgg16_weights as weights
from gan.networks.features import VARIABLE, Vgg16, load_vgg16, pooled_features


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Vgg16()


@pytest.fixture(autouse=True)
def no_weights_named(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def published(network, tmp_path):
    """A file such as torchvision's: float32, in PyTorch's older format, with layers that are not needed."""
    path = tmp_path / "vgg16.pth"
    state = {**network.state_dict(), "features.24.weight": torch.zeros(4), "classifier.0.bias": torch.zeros(9)}
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture
def server(monkeypatch, published):
    """Serves `answer["body"]` with status `answer["status"]` at `weights.URL`, and counts requests."""
    answer = {"body": published.read_bytes(), "status": 200, "asked": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer["asked"] += 1
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(len(answer["body"])))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *_):
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setattr(weights, "URL", f"http://127.0.0.1:{running.server_port}/vgg16.pth")
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(answer["body"]).hexdigest())
    yield answer
    running.shutdown()
    running.server_close()


@pytest.mark.slow
def test_published_weights_are_downloaded_once_and_kept_without_the_rest(server, network, tmp_path):
    said = []
    fetched = load_vgg16("download", said.append)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(fetched.state_dict()[name], value, rtol=0, atol=0)
    assert len(said) == 1
    assert "528 MB, once" in said[0]
    cached = list((tmp_path / "cache" / "lookalike").iterdir())
    assert [path.name for path in cached] == [weights.CACHED]
    load_vgg16("download")
    load_vgg16(cached[0])
    assert server["asked"] == 1


def test_another_file_than_the_published_one_is_never_read(server, tmp_path, monkeypatch, refuses):
    server["body"] = pickle.dumps(print)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("read before its hash was checked"))
    with refuses("download-failed") as caught:
        load_vgg16("download")
    assert "its SHA-256 is" in str(caught.value)
    assert list((tmp_path / "cache" / "lookalike").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("content", [print, {"features.0.weight": torch.zeros(3)}])
def test_a_file_that_holds_anything_else_is_refused(server, tmp_path, monkeypatch, content, refuses):
    torch.save(content, tmp_path / "other.pth")
    server["body"] = (tmp_path / "other.pth").read_bytes()
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(server["body"]).hexdigest())
    with refuses("wrong-weights"):
        load_vgg16("download")
    assert list((tmp_path / "cache" / "lookalike").iterdir()) == []


def test_without_a_network_or_a_page_the_error_is_one_line(server, monkeypatch, refuses):
    server["status"], server["body"] = 404, b"no such page"
    with refuses("download-failed") as caught:
        load_vgg16("download")
    assert "(Not Found)" in str(caught.value)
    monkeypatch.setattr(weights, "URL", "http://127.0.0.1:9/vgg16.pth")
    with refuses("download-failed") as caught:
        load_vgg16("download")
    assert "refused" in str(caught.value)


def test_the_hash_begins_as_the_name_of_the_file_says():
    assert f"vgg16-{weights.SHA256[:8]}.pth" == weights.URL.rpartition("/")[2]
    assert len(weights.SHA256) == 64


def test_nothing_is_downloaded_unless_asked_for(server, network, tmp_path, monkeypatch, refuses):
    with refuses("weights-needed") as caught:
        load_vgg16()
    assert "set LOOKALIKE_VGG16" in str(caught.value)
    save_file({name: value.half() for name, value in network.state_dict().items()}, tmp_path / "half.safetensors")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "half.safetensors"))
    images = np.random.default_rng(0).uniform(0, 1, (2, 16, 16)).astype(np.float32)
    found = pooled_features(load_vgg16(), images)
    torch.testing.assert_close(found, pooled_features(network, images), rtol=0.05, atol=1e-4)
    assert server["asked"] == 0


def test_missing_and_other_files_are_named(published, tmp_path, refuses):
    with refuses("no-such-file") as caught:
        load_vgg16(tmp_path / "nowhere")
    assert "nowhere: " in str(caught.value)
    with refuses("wrong-weights") as caught:
        load_vgg16(published)
    assert "vgg16.pth: " in str(caught.value)
    save_file({"features.0.weight": torch.zeros(3)}, tmp_path / "few.safetensors")
    with refuses("wrong-weights") as caught:
        load_vgg16(tmp_path / "few.safetensors")
    assert "few.safetensors: " in str(caught.value)


def test_it_is_the_published_network_layer_by_layer(network):
    """Spelled out as the list of layers in torchvision's `features[:23]`."""
    layers = []
    for width in (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512):
        if width == "pool":
            layers.append(torch.nn.MaxPool2d(2))
        else:
            inputs = next((layer.out_channels for layer in reversed(layers) if hasattr(layer, "out_channels")), 3)
            layers += [torch.nn.Conv2d(inputs, width, 3, padding=1), torch.nn.ReLU()]
    plain = torch.nn.Sequential(*layers)
    plain.load_state_dict({name.removeprefix("features."): value for name, value in network.state_dict().items()})
    grey = torch.rand(2, 1, 24, 24)
    coloured = (grey.expand(-1, 3, -1, -1) - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(1, 3, 1, 1)
    torch.testing.assert_close(network(grey * 2 - 1), plain(coloured), rtol=1e-4, atol=1e-5)

"""The encoder's layers, and its file."""

import numpy as np
import pytest
import torch
from torch import nn

from gan.inversion.encoder import Encoder, EncoderSize
from gan.inversion.encoder_file import load_encoder, save_encoder
from gan.networks.generator import Architecture


@pytest.mark.parametrize(("px", "halved"), [(16, 2), (64, 4), (128, 5)])
def test_it_is_the_papers_one_convolution_eight_blocks_one_dense_layer_batch_norm_throughout(px, halved):
    encoder = Encoder(Architecture(px))
    main = [m for name, m in encoder.named_modules() if isinstance(m, nn.Conv2d) and "shortcut" not in name]
    assert len(main) == 1 + 2 * 8
    assert sum(m.stride == (2, 2) for m in main) == halved
    assert sum(isinstance(m, nn.Linear) for m in encoder.modules()) == 1
    weights = sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in encoder.modules())
    assert sum(isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)) for m in encoder.modules()) == weights
    assert encoder.dense.in_features == 4 * 4 * encoder.blocks[-1].second.out_channels


def test_its_size_at_64_px_is_that_of_the_notes():
    assert 3.5e6 < sum(value.numel() for value in Encoder(Architecture(64)).parameters()) < 4.1e6


def test_its_codes_are_its_whitened_codes_restored(encoder, images):
    x = torch.from_numpy(images).unsqueeze(1) * 2 - 1
    network = encoder.network
    torch.testing.assert_close(network(x), network.space.restore(network.whitened(x)))
    assert network(x).shape == (4, 6, 16)


def test_in_use_an_image_gets_the_same_code_in_any_batch(encoder, images):
    x = torch.from_numpy(images).unsqueeze(1) * 2 - 1
    torch.testing.assert_close(encoder.network(x)[2:3], encoder.network(x[2:3]))


@pytest.mark.parametrize("half", [False, True])
def test_a_stored_encoder_gives_the_same_codes(encoder, model, images, tmp_path, half):
    save_encoder(tmp_path / "encoder.safetensors", encoder.network, model.sha256, {"images_seen": 5}, half)
    loaded = load_encoder(tmp_path, model)
    x = torch.from_numpy(images).unsqueeze(1) * 2 - 1
    difference = (loaded.network(x) - encoder.network(x)).abs().max()
    assert difference < (0.02 if half else 1e-6)
    assert loaded.training == {"images_seen": 5}
    assert not any(value.requires_grad for value in loaded.network.parameters())
    assert not loaded.network.training


def test_an_encoder_of_another_generator_is_refused(encoder, model, tmp_path, refuses):
    save_encoder(tmp_path / "encoder.safetensors", encoder.network, "1" * 64, {})
    with refuses("other-model") as caught:
        load_encoder(tmp_path / "encoder.safetensors", model)
    assert "111111111111" in str(caught.value)


def test_a_file_that_is_no_encoder_is_refused(encoder, model, tmp_path, refuses):
    path = tmp_path / "encoder.safetensors"
    with refuses("no-such-file"):
        load_encoder(path, model)
    path.write_bytes(np.arange(100).tobytes())
    with refuses("damaged-file"):
        load_encoder(path, model)
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, path)
    with refuses("damaged-file"):
        load_encoder(path, model)
    save_file({"x": torch.zeros(1)}, path, metadata={"about": '{"format": "something"}'})
    with refuses("wrong-format"):
        load_encoder(path, model)
    save_encoder(path, encoder.network, model.sha256, {})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with refuses("damaged-file"):
        load_encoder(path, model)


def test_one_block_will_do():
    network = Encoder(Architecture(16), EncoderSize(blocks=1, base=2))
    assert network(torch.zeros(2, 1, 16, 16)).shape == (2, 6, 128)

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import gan
from data.files import read_json, write_json
from gan.checkpoint import load_model, save_model, seal
from gan.networks.generator import from_seeds


@pytest.fixture
def folder(generator, tmp_path):
    save_model(tmp_path / "model", generator, {"credit": "nobody", "images_seen": 3})
    return tmp_path / "model"


def test_a_model_comes_back_as_it_was(generator, folder):
    model = load_model(folder)
    for (name, stored), (_, loaded) in zip(
        generator.state_dict().items(), model.generator.state_dict().items(), strict=True
    ):
        assert torch.equal(stored, loaded), name
    assert model.training == {"credit": "nobody", "images_seen": 3}
    assert not any(parameter.requires_grad for parameter in model.generator.parameters())
    assert "nobody" in (folder / "MODEL_CARD.md").read_text()


def test_a_model_keeps_its_truncation(generator, tmp_path, refuses):
    save_model(tmp_path / "model", generator, {}, truncation=0.85)
    model = load_model(tmp_path / "model")
    assert (model.psi(), model.psi(0.0), model.psi(0.5)) == (0.85, 0.0, 0.5)
    assert gan.codes_of_seeds(model, [4])[0].source == "seed 4, truncation 0.85"
    assert gan.generate_images(model, tmp_path / "images", gan.ImageRequest(1))["truncation"] == 0.85
    given = gan.ImageRequest(1, psi=0.5)
    assert gan.generate_images(model, tmp_path / "other", given)["truncation"] == 0.5
    with refuses("out-of-range"):
        save_model(tmp_path / "wrong", generator, {}, truncation=1.2)


@pytest.mark.parametrize(("stored", "code"), [(2, "out-of-range"), ("much", "other-version"), (None, "other-version")])
def test_a_stored_truncation_must_be_one(folder, stored, code, refuses):
    write_json(folder / "config.json", read_json(folder / "config.json") | {"truncation": stored})
    seal(folder)
    with refuses(code):
        load_model(folder)


def test_a_model_from_before_truncation_was_kept_is_shown_at_the_usual_one(folder):
    config = read_json(folder / "config.json")
    del config["truncation"]
    write_json(folder / "config.json", config)
    seal(folder)
    assert load_model(folder).psi() == 0.7


def test_half_precision_changes_less_than_a_grey_level(generator, tmp_path):
    save_model(tmp_path / "half", generator, {}, half=True)
    for (_, full), (_, half) in zip(
        from_seeds(generator, range(8), 0.7),
        from_seeds(load_model(tmp_path / "half").generator, range(8), 0.7),
        strict=True,
    ):
        assert np.abs(full - half).max() < 1 / 255


@pytest.mark.parametrize("name", ["generator.safetensors", "config.json", "MODEL_CARD.md", "SHA256SUMS"])
def test_a_missing_file_is_named(folder, name, refuses):
    (folder / name).unlink()
    with refuses("not-a-model" if name == "SHA256SUMS" else "missing-file") as caught:
        load_model(folder)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["generator.safetensors", "config.json", "MODEL_CARD.md"])
def test_an_altered_file_is_named(folder, name, refuses):
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(bytes(content))
    with refuses("altered-file") as caught:
        load_model(folder)
    assert f"{name}: " in str(caught.value)


@pytest.mark.parametrize(
    ("field", "other", "pattern"),
    [
        ("w_dim", 32, r"w_dim 16 \(not 32\)"),
        ("z_dim", 8, r"z_dim \d+ \(not 8\)"),
        ("mapping_layers", 3, r"mapping_layers \d+ \(not 3\)"),
        ("resolution", 64, r"resolution \d+ \(not 64\)"),
        ("channel_base", 32, r"channels at \d+ px \d+ \(not \d+\)"),
    ],
)
def test_a_config_of_another_network_is_refused_by_the_field_that_differs(folder, field, other, pattern, refuses):
    config = read_json(folder / "config.json")
    config["architecture"][field] = other
    write_json(folder / "config.json", config)
    seal(folder)
    with refuses("wrong-weights") as caught:
        load_model(folder)
    assert re.search(pattern, str(caught.value))


def test_a_weight_that_belongs_to_nothing_is_refused(folder, refuses):
    weights = load_file(folder / "generator.safetensors")
    save_file({**weights, "synthesis.surplus": torch.zeros(3)}, folder / "generator.safetensors")
    seal(folder)
    with refuses("wrong-weights") as caught:
        load_model(folder)
    assert "synthesis.surplus is (3,)" in str(caught.value)


def test_an_unknown_format_is_refused(folder, refuses):
    write_json(folder / "config.json", {"format": "other/1"})
    seal(folder)
    with refuses("wrong-format") as caught:
        load_model(folder)
    assert "format is 'other/1'" in str(caught.value)


def test_a_folder_that_is_no_model_is_refused(tmp_path, refuses):
    with refuses("no-such-folder"):
        load_model(tmp_path / "nowhere")
    with refuses("not-a-model"):
        load_model(tmp_path)


def test_a_model_is_never_overwritten(generator, folder, refuses):
    with refuses("occupied"):
        save_model(folder, generator, {})
    load_model(folder)


def test_loading_leaves_the_random_state_alone(folder):
    torch.manual_seed(3)
    expected = torch.randn(2)
    torch.manual_seed(3)
    load_model(folder)
    assert torch.equal(torch.randn(2), expected)


def test_no_module_unpickles():
    for path in Path(gan.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & {"pickle", "joblib", "dill"}, path
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "torch.save"):
                # The one file of others is read as bare tensors.
                assert ast.unparse(node).endswith("weights_only=True)"), path

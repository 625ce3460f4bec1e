"""Edits move codes by what they say, and nothing else."""

import numpy as np
import pytest
import torch

from gan.codes import codes_of_seeds
from gan.directions.directions_file import direction_named, load_directions, save_directions
from gan.directions.edit import Direction, direction_along, edit, moved
from gan.networks.code_space import CodeSpace


@pytest.fixture
def space(generator):
    made = CodeSpace(generator.architecture)
    made.fit(generator)
    return made


def test_an_edit_by_one_is_one_sd_of_the_codes_that_seeds_make(generator, space):
    way = np.random.default_rng(3).standard_normal(16)
    way /= np.linalg.norm(way)
    direction = direction_along("up", way, space)
    w = generator.mapping(torch.randn(2000, 16, generator=torch.Generator().manual_seed(0)))
    codes = generator.per_layer(w)
    before, after = (space.whiten(one).numpy() @ way for one in (codes, moved(codes, direction, 1.5)))
    np.testing.assert_allclose(after - before, 1.5, atol=1e-3)
    assert before.std() == pytest.approx(1, abs=0.15)
    # Across the direction nothing moves.
    across = space.whiten(moved(codes, direction, 1.5)) - space.whiten(codes)
    np.testing.assert_allclose(across.numpy() - 1.5 * way, 0, atol=2e-3)


def test_there_and_back_is_the_image_itself(model, space):
    direction = direction_along("up", np.eye(16)[2], space)
    codes = codes_of_seeds(model, [1, 2])
    whole = torch.stack([one.code for one in codes])
    torch.testing.assert_close(moved(moved(whole, direction, 2.0), direction, -2.0), whole, atol=1e-5, rtol=1e-4)
    same = edit(codes, direction, [0.0])
    assert all(torch.equal(one.code, two.code) for one, two in zip(codes, same, strict=True))


def test_an_edited_image_keeps_its_noise_and_patients(model, space):
    (seed,) = codes_of_seeds(model, [1])
    patient = type(seed)("p", seed.code, seed.noise, "patch p, inverted", ("a-patient",))
    low, high = edit([patient], direction_along("up", np.eye(16)[0], space), [-1, 1])
    assert low.name == "p-up-1"
    assert high.source == "patch p, inverted, up +1 SD"
    assert high.patients == ("a-patient",)
    assert all(torch.equal(one, two) for one, two in zip(high.noise, patient.noise, strict=True))
    assert not torch.equal(low.code, high.code)


def test_directions_are_stored_with_their_model(model, tmp_path, refuses):
    file = tmp_path / "directions.safetensors"
    directions = [Direction("b", torch.randn(16), {"effect": {"value": 1.5}}), Direction("a", torch.randn(16))]
    save_directions(file, directions, model)
    read = load_directions(tmp_path, model)
    assert [one.name for one in read] == ["b", "a"]
    assert read[0].about == {"effect": {"value": 1.5}}
    assert torch.equal(read[0].shift, directions[0].shift)
    assert direction_named("a", read).name == "a"
    with refuses("unknown-choice") as refused:
        direction_named("c", read)
    assert "b, a" in str(refused.value)
    with refuses("other-model"):
        load_directions(file, type(model)(model.generator, "1" * 64, {}))
    with refuses("no-such-file"):
        load_directions(tmp_path / "elsewhere", model)
    file.write_bytes(file.read_bytes()[:-8])
    with refuses("damaged-file"):
        load_directions(file, model)


@pytest.mark.parametrize("shift", [torch.ones(15), torch.full((16,), torch.nan)])
def test_numbers_that_do_not_fit_are_refused(model, tmp_path, shift, refuses):
    save_directions(tmp_path / "d.safetensors", [Direction("a", shift)], model)
    with refuses("damaged-file"):
        load_directions(tmp_path / "d.safetensors", model)


def test_other_files_are_refused(model, tmp_path, refuses):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(16)}, tmp_path / "d.safetensors")
    with refuses("damaged-file"):
        load_directions(tmp_path / "d.safetensors", model)
    save_file({"a": torch.ones(16)}, tmp_path / "e.safetensors", {"about": '{"format": "another"}'})
    with refuses("wrong-format"):
        load_directions(tmp_path / "e.safetensors", model)
    for wrong in ([], [Direction("a", torch.ones(16))] * 2):
        with refuses("same-name"):
            save_directions(tmp_path / "f.safetensors", wrong, model)

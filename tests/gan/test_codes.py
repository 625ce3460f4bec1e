"""Codes of images, and the file that holds them."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from data.files import sha256
from gan.checkpoint import Model
from gan.codes import codes_of_seeds, images_of, read_codes, write_codes
from gan.generate import images_from_seeds


@pytest.fixture
def written(model, tmp_path):
    codes = codes_of_seeds(model, [4, 8])
    codes[1] = dataclasses.replace(codes[1], source="inverted", patients=("k7q2m", "anna1"))
    write_codes(tmp_path / "codes.json", codes, model)
    return codes, tmp_path / "codes.json"


def edit(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def edit_numbers(path, change):
    numbers = path.with_suffix(".safetensors")
    save_file(change(load_file(numbers)), numbers)
    edit(path, sha256=sha256(numbers))


def test_a_seeds_code_makes_the_image_that_generate_makes(model):
    images = images_of(model.generator, codes_of_seeds(model, [4, 8, 15], psi=0.6))
    np.testing.assert_allclose(images, images_from_seeds(model.generator, [4, 8, 15], 0.6), atol=2e-5)


def test_one_noise_for_all_on_request(model):
    first, second = codes_of_seeds(model, [4, 8], noise_seed=3)
    assert all(torch.equal(one, other) for one, other in zip(first.noise, second.noise, strict=True))
    assert first.source == "seed 4, truncation 0.7, noise of seed 3"


def test_what_is_written_comes_back(model, written):
    codes, path = written
    back = read_codes(path, model)
    assert [(one.name, one.source, one.patients) for one in back] == [
        ("seed-4", "seed 4, truncation 0.7", ()),
        ("seed-8", "inverted", ("k7q2m", "anna1")),
    ]
    for one, other in zip(codes, back, strict=True):
        assert torch.equal(one.code, other.code)
        assert all(torch.equal(a, b) for a, b in zip(one.noise, other.noise, strict=True))


def test_codes_files_that_name_one_patient_or_null_are_read(model, written):
    _, path = written
    content = json.loads(path.read_text())
    for listed, patient in zip(content["codes"], (None, "k7q2m"), strict=True):
        del listed["patients"]
        listed["patient"] = patient
    path.write_text(json.dumps(content))
    assert [one.patients for one in read_codes(path, model)] == [(), ("k7q2m",)]


def test_codes_need_names_of_their_own(model, tmp_path, refuses):
    for codes in ([], codes_of_seeds(model, [4, 4])):
        with refuses("bad-codes"):
            write_codes(tmp_path / "codes.json", codes, model)


def test_codes_of_another_model_are_refused(model, written, refuses):
    with refuses("other-model"):
        read_codes(written[1], Model(model.generator, "1" * 64, {}))


def test_damaged_files_are_refused(model, written, refuses):
    _, path = written
    whole = path.read_text()
    for fields, code in (({"format": "x"}, "wrong-format"), ({"codes": [{}]}, "damaged-file")):
        edit(path, **fields)
        with refuses(code):
            read_codes(path, model)
        path.write_text(whole)
    numbers = path.with_suffix(".safetensors")
    numbers.write_bytes(numbers.read_bytes()[:-4] + b"abcd")
    with refuses("altered-file"):
        read_codes(path, model)
    numbers.write_bytes(b"no tensors")
    edit(path, sha256=sha256(numbers))
    with refuses("damaged-file"):
        read_codes(path, model)
    numbers.unlink()
    with refuses("missing-file"):
        read_codes(path, model)


@pytest.mark.parametrize("name", ["codes", "noise.03"])
def test_numbers_that_do_not_fit_or_are_not_finite(model, written, refuses, name):
    path = written[1]
    edit_numbers(path, lambda tensors: tensors | {name: tensors[name] * float("nan")})
    with refuses("not-finite"):
        read_codes(path, model)
    edit_numbers(path, lambda tensors: tensors | {name: tensors[name][:1]})
    with refuses("damaged-file") as caught:
        read_codes(path, model)
    assert name in str(caught.value)
    edit_numbers(path, lambda tensors: {key: value for key, value in tensors.items() if key != name})
    with refuses("damaged-file"):
        read_codes(path, model)

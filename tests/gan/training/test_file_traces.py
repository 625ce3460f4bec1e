"""Runs whose patches were cut from JPEGs: what the models know, on resuming, growing and starting from another."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gan.checkpoint import load_model
from gan.generate import images_from_seeds
from gan.training.train import train
from gan.training.training_images import source_files
from tests.gan.training.runs import GROWING, HALF, SETTINGS, same


@pytest.fixture(scope="module")
def of_jpegs(jpeg_patches, tmp_path_factory):
    return train(jpeg_patches, tmp_path_factory.mktemp("jpegs") / "run", SETTINGS)


def test_models_know_the_files_of_their_patches(jpeg_patches, of_jpegs):
    generator = load_model(of_jpegs).generator
    files, contrasts, grain = source_files(jpeg_patches)
    assert torch.equal(generator.traces.files, files)
    assert torch.equal(generator.traces.contrasts, contrasts)
    assert generator.traces.grain == grain > 0
    stored = images_from_seeds(generator, range(4), 1.0)
    generator.traces = None
    assert np.abs(stored - images_from_seeds(generator, range(4), 1.0)).mean() > 0.1 / 255


def test_traces_can_be_left_out(jpeg_patches, tmp_path):
    model = train(jpeg_patches, tmp_path / "run", replace(SETTINGS, file_traces=False, kimg=0.016))
    assert load_model(model).generator.traces is None


def test_a_run_is_not_resumed_without_its_traces(jpeg_patches, tmp_path, refuses):
    """And it is that setting that is named, not what follows from it."""
    run = tmp_path / "run"
    train(jpeg_patches, run, replace(SETTINGS, kimg=0.016))
    with refuses("settings-changed") as caught:
        train(jpeg_patches, run, replace(SETTINGS, file_traces=False), resume=True)
    assert "file_traces was True and is now False" in str(caught.value)


def test_patches_without_traces_give_models_without(whole):
    assert load_model(whole).generator.traces is None


def test_discriminators_see_the_traces(jpeg_patches, of_jpegs, tmp_path):
    """Else the weights would be those of a run without them."""
    plain = train(jpeg_patches, tmp_path / "run", replace(SETTINGS, file_traces=False))
    one, other = (load_model(folder).generator.synthesis.to_grey.weight for folder in (plain, of_jpegs))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("settings", [HALF, replace(GROWING, kimg=0.08)])
def test_a_resumed_run_is_as_one_that_was_not_stopped(jpeg_patches, tmp_path, settings):
    whole = train(jpeg_patches, tmp_path / "whole", replace(settings, kimg=GROWING.kimg))
    train(jpeg_patches, tmp_path / "parts", settings)
    resumed = train(jpeg_patches, tmp_path / "parts", replace(settings, kimg=GROWING.kimg), resume=True)
    assert same(whole, resumed)
    assert load_model(whole).generator.traces is not None


def test_a_run_from_a_model_has_the_files_of_its_own_patches(jpeg_patches, patches, whole, of_jpegs, tmp_path):
    short = replace(SETTINGS, kimg=0.008)
    gained = train(jpeg_patches, tmp_path / "gained", short, start_from=load_model(whole))
    assert len(load_model(gained).generator.traces.files) == len(jpeg_patches.select("train"))
    lost = train(patches, tmp_path / "lost", short, start_from=load_model(of_jpegs))
    assert load_model(lost).generator.traces is None

import json
from dataclasses import replace

import pytest

from gan.networks.generator import Architecture
from gan.training.run import make_accelerator, start
from gan.training.settings import PRESETS, Settings

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)


@pytest.mark.parametrize(
    "field", ["kimg", "batch", "learning_rate", "r1_gamma", "ema_kimg", "ada_kimg", "stage_kimg", "keep_coarse"]
)
@pytest.mark.parametrize("value", [float("nan"), -1.0])
def test_a_setting_that_is_no_sensible_number_is_refused(field, value, refuses):
    with refuses("out-of-range") as caught:
        replace(Settings(), **{field: value})
    assert f"{field} is {value}; it must be" in str(caught.value)


@pytest.mark.parametrize("field", ["discriminator", "symmetry", "precision"])
def test_a_word_that_is_none_of_the_choices_is_refused_with_them(field, refuses):
    with refuses("unknown-choice") as caught:
        replace(Settings(), **{field: "other"})
    assert f"{field} is 'other'; it must be " in str(caught.value)


def test_a_target_outside_zero_to_one_is_refused(refuses):
    with refuses("out-of-range") as caught:
        Settings(ada_target=1.5)
    assert "between 0 and 1" in str(caught.value)


@pytest.mark.parametrize("resolution", [48, 100, 4, 2048])
def test_a_size_that_is_no_power_of_two_or_too_large_is_refused(resolution, refuses):
    with refuses("out-of-range") as caught:
        Settings(Architecture(resolution))
    assert f"resolution is {resolution}" in str(caught.value)


def test_a_batch_is_shared_in_whole_groups(refuses):
    Settings(batch=36).check_processes(1)
    with refuses("out-of-range") as caught:
        Settings(batch=34)
    assert "batch is 34" in str(caught.value)
    Settings(batch=32).check_processes(2)
    with refuses("out-of-range") as caught:
        Settings(batch=36).check_processes(2)
    assert "multiple of 8" in str(caught.value)


def test_settings_survive_a_json_file(refuses):
    for settings in PRESETS.values():
        assert Settings.from_dict(json.loads(json.dumps(settings.to_dict())) | {"patches_sha256": "x"}) == settings
    with refuses("not-a-run"):
        Settings.from_dict({"architecture": {"width": 3}})


def test_the_rate_grows_with_the_size_as_in_karras_2019():
    paper = PRESETS["paper"]
    assert [paper.rate_at(size) for size in (8, 64, 128, 256, 1024)] == [1e-3, 1e-3, 1.5e-3, 2e-3, 3e-3]


def test_the_papers_preset_has_the_papers_widths():
    architecture = PRESETS["paper"].architecture
    assert [architecture.channels(size) for size in architecture.resolutions] == [512, 512, 512, 512, 256, 128, 64]
    assert (architecture.z_dim, architecture.w_dim, architecture.mapping_layers) == (512, 512, 8)


def test_moments_need_the_frozen_discriminator(refuses):
    with refuses("conflicting-options") as caught:
        Settings(moments=1000.0)
    assert "stylegan" in str(caught.value)
    assert Settings(discriminator="frozen", moments=1000.0).moments == 1000
    assert Settings(discriminator="ensemble", moments=1000.0).moments == 1000


def test_moments_need_frozen_features(refuses):
    with refuses("conflicting-options") as caught:
        Settings(discriminator="pixels", moments=1000.0)
    assert "it is pixels" in str(caught.value)


def test_matching_of_fine_detail_is_not_for_the_papers_discriminator(refuses):
    with refuses("conflicting-options") as caught:
        Settings(discriminator="stylegan", pixel_moments=300.0)
    assert "stylegan" in str(caught.value)


@pytest.mark.parametrize(
    ("discriminator", "members"),
    [("frozen", {"frozen"}), ("pixels", {"pixels"}), ("ensemble", {"frozen", "pixels"})],
)
def test_matching_of_fine_detail_joins_the_discriminator(discriminator, members):
    settings = Settings(SMALL, discriminator=discriminator, pixel_moments=300.0)
    assert start(settings, make_accelerator()).adversary.members.keys() == members | {"pixel_moments"}


def test_relativistic_pairing_needs_a_discriminator_that_sees_pixels(refuses):
    with refuses("conflicting-options"):
        Settings(discriminator="frozen", relativistic=True)
    assert Settings(discriminator="ensemble", relativistic=True).relativistic

import json
from dataclasses import replace

import pytest

from data.errors import LookalikeError
from gan.networks.generator import Architecture
from gan.training.settings import PRESETS, Settings


@pytest.mark.parametrize("field", ["kimg", "batch", "learning_rate", "r1_gamma", "ema_kimg", "ada_kimg", "stage_kimg"])
@pytest.mark.parametrize("value", [float("nan"), -1.0])
def test_a_setting_that_is_no_sensible_number_is_refused(field, value):
    with pytest.raises(LookalikeError, match=f"{field} is .*; it must be"):
        replace(Settings(), **{field: value})


@pytest.mark.parametrize("field", ["discriminator", "symmetry", "precision"])
def test_a_word_that_is_none_of_the_choices_is_refused_with_them(field):
    with pytest.raises(LookalikeError, match=f"{field} is 'other'; it is "):
        replace(Settings(), **{field: "other"})


def test_a_target_outside_zero_to_one_is_refused():
    with pytest.raises(LookalikeError, match="between 0 and 1"):
        Settings(ada_target=1.5)


@pytest.mark.parametrize("resolution", [48, 100, 4, 2048])
def test_a_size_that_is_no_power_of_two_or_too_large_is_refused(resolution):
    with pytest.raises(LookalikeError, match="resolution is"):
        Settings(Architecture(resolution))


def test_a_batch_is_shared_in_whole_groups():
    Settings(batch=36).check_processes(1)
    with pytest.raises(LookalikeError, match="batch is 34; it must be a multiple of 4"):
        Settings(batch=34)
    Settings(batch=32).check_processes(2)
    with pytest.raises(LookalikeError, match=r"a batch of 36 cannot be shared by 2 .*; give a --batch that 8 divides"):
        Settings(batch=36).check_processes(2)


def test_settings_survive_a_json_file():
    for settings in PRESETS.values():
        assert Settings.from_dict(json.loads(json.dumps(settings.to_dict())) | {"patches_sha256": "x"}) == settings
    with pytest.raises(LookalikeError, match="not the settings of a training run"):
        Settings.from_dict({"architecture": {"width": 3}})


def test_the_rate_grows_with_the_size_as_in_karras_2019():
    paper = PRESETS["paper"]
    assert [paper.rate_at(size) for size in (8, 64, 128, 256, 1024)] == [1e-3, 1e-3, 1.5e-3, 2e-3, 3e-3]


def test_the_papers_preset_has_the_papers_widths():
    architecture = PRESETS["paper"].architecture
    assert [architecture.channels(size) for size in architecture.resolutions] == [512, 512, 512, 512, 256, 128, 64]
    assert (architecture.z_dim, architecture.w_dim, architecture.mapping_layers) == (512, 512, 8)


def test_moments_need_the_frozen_discriminator():
    with pytest.raises(LookalikeError, match="moments are matched with the discriminator frozen, and it is stylegan"):
        Settings(moments=1000.0)
    assert Settings(discriminator="frozen", moments=1000.0).moments == 1000

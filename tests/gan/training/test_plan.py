from dataclasses import replace

import pytest

from gan.networks.generator import Architecture, Generator
from gan.training.plan import make_plan
from gan.training.settings import Settings

SMALL = Architecture(resolution=16, z_dim=16, w_dim=16, channel_base=128, channel_max=16, mapping_layers=2)
SETTINGS = Settings(SMALL, kimg=2.0, batch=8, progressive=True, stage_kimg=0.5, fade_kimg=0.5)


@pytest.mark.slow
def test_the_plan_lists_stages_that_add_up_and_counts_parameters():
    plan = make_plan(SETTINGS)
    assert [(one.resolution, one.fades_in, one.kimg) for one in plan.stages] == [
        (8, False, 0.5),
        (16, True, 0.5),
        (16, False, 1.0),
    ]
    for one in plan.stages:
        assert one.hours == pytest.approx(one.kimg * 1000 / one.images_per_s / 3600)
    assert plan.hours == pytest.approx(sum(one.hours for one in plan.stages))
    assert plan.generator_parameters == sum(p.numel() for p in Generator(SMALL).parameters())


@pytest.mark.slow
def test_memory_grows_with_the_batch_by_what_is_kept_for_gradients():
    plain = replace(SETTINGS, progressive=False)
    small, large = (make_plan(replace(plain, batch=batch)).memory_gib for batch in (8, 800))
    fixed = 4 * (5 * 19_000)  # about: weights, gradients, Adam, average
    assert small > fixed / 2**30
    # 100 times the images: nearly 100 times the memory, less what does not depend on them.
    assert 20 < large / small < 100

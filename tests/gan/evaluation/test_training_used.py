"""What a model's training used, in words."""

import pytest

from gan.evaluation.training_used import what_training_used
from gan.training.settings import DISCRIMINATORS


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_every_discriminator_has_its_words(discriminator):
    assert what_training_used({"discriminator": discriminator}).startswith(("a discriminator", "EfficientNet-lite"))


def test_moments_are_named_and_what_is_not_recorded_is_not_guessed():
    frozen = {"discriminator": "frozen", "moments": 0.0}
    assert what_training_used(frozen) == "EfficientNet-lite features"
    assert "moments of EfficientNet-lite features" in what_training_used({**frozen, "moments": 5000.0})
    assert "random filters" in what_training_used({"discriminator": "ensemble", "pixel_moments": 10.0})
    assert "random filters" not in what_training_used({"discriminator": "ensemble", "pixel_moments": 0.0})
    assert what_training_used({}).startswith("unknown")

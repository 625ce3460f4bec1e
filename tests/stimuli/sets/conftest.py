"""A stimulus set of random textures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stimuli.images import Pixels
from stimuli.sets import Candidate, Layout, StimulusSet, build_set


@pytest.fixture
def build(tmp_path: Path, texture: Callable[..., Pixels]) -> Callable[..., StimulusSet]:
    """Build a set from textures: real ones are 0, 1, ..., generated 1000, ..., catch 2000, ..."""

    def make(layout: Layout, name: str = "set", side: int = 16, count: int = 40, **offers: Any) -> StimulusSet:
        real = [Candidate(texture(n, side, side), f"patch:p{n}", f"patient{n % 7}") for n in range(count)]
        generated = [
            Candidate(texture(1000 + n, side, side), f"seed:{n}", loop_position_deg=n * 9.0) for n in range(count)
        ]
        catch = [Candidate(texture(2000 + n, side, side), f"seed:c{n}") for n in range(count)]
        given = {"real": real, "generated": generated, "catch": catch, "provenance": {"model_sha256": "ab"}, **offers}
        return build_set(tmp_path / name, layout=layout, **given)

    return make

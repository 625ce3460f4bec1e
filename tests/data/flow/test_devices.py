"""What a task file says of markers and response boxes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from data.flow.devices import MarkerSettings
from data.kinds.registry import find, names


@pytest.mark.parametrize("kind", names())
def test_no_two_things_have_one_code(kind: str) -> None:
    codes = MarkerSettings(to="lsl").codes_of(find(kind).answers, 4, 6)
    assert len(set(codes.values())) == len(codes)
    assert set(codes.values()) <= set(range(1, 256))


def test_a_task_sets_codes_of_its_own_and_turns_others_off() -> None:
    codes = MarkerSettings(to="lsl", codes={"onset_real": 7, "fixation": 0}).codes_of(("real", "generated"), 4, 0)
    assert (codes["onset_real"], codes["onset_generated"], codes["fixation"]) == (7, 12, 0)
    with pytest.raises(ValueError, match="did you mean 'onset_real'"):
        MarkerSettings(to="lsl", codes={"onset_reall": 7}).codes_of(("real", "generated"), 4, 0)
    with pytest.raises(ValidationError, match="fixation is 256"):
        MarkerSettings(to="lsl", codes={"fixation": 256})

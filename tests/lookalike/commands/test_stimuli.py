"""`lookalike stimuli build`: what is in a set, and what is refused."""

import pytest

from stimuli.sets import read_set


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_a_set_can_skip_leaks(gallery, lookalike, tmp_path):
    said = lookalike("stimuli", "build", "--patches", gallery / "patches", "--model", gallery / "model1", "--main", 6,
                     "--safe", "--out", tmp_path / "set", "--json")  # fmt: skip
    assert said.code == 0, said.err
    made = read_set(tmp_path / "set")
    assert made.about["leaks_dropped"] is True
    assert set(made.about["rejected"]["generated"]) <= {"too near a training patch"}

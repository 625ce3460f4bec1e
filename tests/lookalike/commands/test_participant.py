"""`lookalike participant new`: who is registered, and how."""

import json
import re

from experiments.records.participants import EXPERTISE, registered
from lookalike.commands.participant import EXPERTISE as IN_HELP


def test_a_participant_is_registered_and_described(lookalike, mistake, tmp_path):
    said = lookalike(
        "participant", "new", "--data", tmp_path, "--expertise", "radiologist", "--years", 12, "--volume-per-year",
        2500, "--corrected-vision", "--consent", "--room-light-lux", 15, "--viewing-distance-cm", 57, "--notes", "n",
    )  # fmt: skip
    assert said.code == 0, said.err
    code = said.out.strip()
    reader = registered(tmp_path)[code].reader
    assert (reader.expertise, reader.years, reader.volume_per_year, reader.corrected_vision) == (
        "radiologist", 12, 2500, True,
    )  # fmt: skip
    assert (reader.room_light_lux, reader.viewing_distance_cm, reader.consent, reader.notes) == (15, 57, True, "n")
    other = json.loads(lookalike("participant", "new", "--data", tmp_path, "--json").out)["participant"]
    assert set(registered(tmp_path)) == {code, other}
    assert "'Dr.'" in mistake("participant", "new", "--data", tmp_path, "--expertise", "Dr.", code="unknown-choice")
    assert len(registered(tmp_path)) == 2


def test_the_help_lists_every_training():
    assert re.split(r", | or ", IN_HELP) == list(EXPERTISE)


def test_numbers_in_another_unit_are_refused_and_register_nobody(mistake, tmp_path):
    data = tmp_path / "data"
    for option, value in (("--viewing-distance-cm", 0.6), ("--years", 1998), ("--room-light-lux", 1e6)):
        said = mistake("participant", "new", "--data", data, option, value, code="out-of-range")
        assert f"{option[2:].replace('-', '_')} is {value:g}; " in said
    assert not data.exists()

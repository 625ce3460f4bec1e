"""Participants are registered, not typed: codes, what is kept of a reader, and who may begin a session."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.simulated.observers import Observer
from data.study import StudyFile
from experiments.records import participants
from experiments.records.participants import (
    Reader,
    check_may_begin,
    everyone,
    new_code,
    read_participant,
    register,
    register_participant,
    registered,
)
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import Setup
from stimuli.sets import StimulusSet

ROOT = Path(__file__).resolve().parents[3]
SIMULATED = Setup("simulated", window=False, simulated=Observer(dprime=1))
READER = Reader("resident", 2.5, 1200, True, 20.0, 60.0, consent=True, notes="left-handed, café")


@pytest.fixture
def study(make_study: Callable[..., StudyFile]) -> Path:
    return make_study(trials=20).path


def test_what_was_said_of_a_reader_comes_back(tmp_path: Path) -> None:
    code = register_participant(tmp_path / "data", READER)
    other = register_participant(tmp_path / "data")
    found = registered(tmp_path / "data")
    assert set(found) == {code, other}
    assert found[code].reader == READER
    assert found[other].reader == Reader()
    assert read_participant(tmp_path / "data", "zz9zz") is None
    path = tmp_path / "data" / "sourcedata" / "participants" / f"{code}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_codes_are_random_readable_and_two_slips_apart(tmp_path: Path) -> None:
    codes = [register_participant(tmp_path) for _ in range(60)]
    for code in codes:
        assert len(code) == 5
        assert code[0].isalpha()
        assert any(sign.isdigit() for sign in code)
        assert not set(code) & set("ilo01")
    for place, code in enumerate(codes):
        for other in codes[:place]:
            assert sum(a != b for a, b in zip(code, other, strict=True)) >= 2
    assert everyone(tmp_path) == set(codes)


def test_a_code_is_drawn_again_where_it_is_near_one_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sourcedata" / "sub-a2222").mkdir(parents=True)
    (tmp_path / "sub-B3333").mkdir()
    letters = iter("a2223" + "b3334" + "abcde" + "a2233")
    monkeypatch.setattr("secrets.choice", lambda _: next(letters))
    assert new_code(tmp_path) == "a2233"


def test_two_that_draw_one_code_at_the_same_moment_get_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter(["k7q2m", "k7q2m", "w3x9d"])
    monkeypatch.setattr(participants, "new_code", lambda _: next(codes))
    assert [register_participant(tmp_path), register_participant(tmp_path)] == ["k7q2m", "w3x9d"]
    assert len(registered(tmp_path)) == 2


@pytest.mark.parametrize(
    ("reader", "code", "message"),
    [
        ({"expertise": "Dr. Miller"}, "unknown-choice", "'Dr. Miller'; it must be one of radiologist, resident"),
        ({"years": -1}, "out-of-range", "years is -1"),
        ({"years": float("nan")}, "out-of-range", "years is nan"),
        ({"volume_per_year": float("inf")}, "out-of-range", "volume_per_year is inf"),
        ({"room_light_lux": -0.1}, "out-of-range", "room_light_lux is -0.1"),
        ({"viewing_distance_cm": 0}, "out-of-range", "viewing_distance_cm is 0"),
    ],
)
def test_impossible_readers_are_refused(refuses: Any, reader: dict[str, object], code: str, message: str) -> None:
    with refuses(code) as caught:
        Reader(**reader)  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("k7 2m", "letters and digits"),
        ("../k7q2m", "letters and digits"),
        ("k7/q2m", "letters and digits"),
        ("k7q2ü", "letters and digits"),
        ("٣٤٥", "letters and digits"),
        ("k7q2m\n", "letters and digits"),
        ("", "letters and digits"),
        ("con", "Windows"),
        ("Nul", "Windows"),
        ("COM1", "Windows"),
        ("a" * 41, "41 characters; use 40 at most"),
    ],
)
def test_ids_that_some_computer_cannot_hold_are_refused_in_words(
    refuses: Any, tmp_path: Path, code: str, message: str
) -> None:
    for ask in (check_may_begin, lambda data, code, _: register(data, code)):
        with refuses("bad-label") as caught:
            ask(tmp_path / "data", code, "simulated")
        assert message in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_a_mistyped_code_starts_no_session_of_a_person(
    refuses: Any, small_set: StimulusSet, study: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    code = register_participant(data)
    slip = ("b" if code[0] == "a" else "a") + code[1:]
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    with refuses("not-registered") as caught:
        run_first_session(small_set.folder, data, slip, study, 1, Setup())
    assert re.search(rf"participant {slip} .*'lookalike participant new --data", str(caught.value))
    with refuses("code-taken") as caught:
        run_first_session(small_set.folder, data, code.upper(), study, 1, SIMULATED)
    assert f"has {code}," in str(caught.value)
    with refuses("code-taken"):
        run_first_session(small_set.folder, data, code, study, 1, SIMULATED)
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_a_simulated_observer_is_not_registered(small_set: StimulusSet, study: Path, tmp_path: Path) -> None:
    assert run_first_session(small_set.folder, tmp_path, "sim1", study, 1, SIMULATED).complete
    assert run_retest(small_set.folder, tmp_path, "sim1", 2, SIMULATED).complete
    assert registered(tmp_path) == {}
    assert everyone(tmp_path) == {"sim1"}


@pytest.mark.slow
def test_a_code_claimed_as_the_computer_died_is_not_registered(refuses: Any, tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        f"sys.path[0] = {str(ROOT)!r}\n"
        "from pathlib import Path\n"
        "from experiments.records import participants\n"
        "participants.write_bytes = lambda *_, **__: os._exit(9)\n"
        "participants.register(Path(sys.argv[1]), 'k7q2m')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == 9
    assert registered(tmp_path) == {}
    with refuses("not-registered"):
        check_may_begin(tmp_path, "k7q2m", "human")
    assert register_participant(tmp_path) != "k7q2m"


def test_damaged_files_and_folders_that_cannot_be_written_are_named(refuses: Any, tmp_path: Path) -> None:
    register(tmp_path / "data", "k7q2m", READER)
    path = tmp_path / "data" / "sourcedata" / "participants" / "k7q2m.json"
    for damage in (
        path.read_text().replace('"years": 2.5', '"years": "x"'),
        path.read_text().replace('"notes"', '"n"'),
    ):
        path.write_text(damage)
        with refuses("damaged-file"):
            registered(tmp_path / "data")
    path.write_text("{")
    with refuses("not-json") as caught:
        check_may_begin(tmp_path / "data", "k7q2m", "human")
    assert str(path) in str(caught.value)
    (tmp_path / "file").write_text("in the way")
    with refuses("cannot-write"):
        register_participant(tmp_path / "file")
    (tmp_path / "other" / "sourcedata").mkdir(parents=True)
    (tmp_path / "other" / "sourcedata" / "participants").write_text("in the way")
    with refuses("cannot-write"):
        register_participant(tmp_path / "other")

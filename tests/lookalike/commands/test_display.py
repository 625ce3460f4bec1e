"""`lookalike display`: from readings to a display file, its check, and a pattern to look at."""

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.waiting import PATIENCE_S

ROOM = ("--name", "Room 2", "--size-cm", "40x32", "--distance", 57, "--ambient", 0.2)
SIZED = (*ROOM, "--size-px", "1280x1024")
LEVELS = (0, 5, 10, *range(15, 256, 15))


def luminance(level, gamma=2.2, black=0.5, white=300.0):
    return black + (white - black) * (level / 255) ** gamma


def write_readings(path, levels=LEVELS, **how):
    rows = [f"{level},{luminance(level, **how):.6g}" for level in levels]
    path.write_text("\n".join(["level,luminance_cd_m2", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def measured(tmp_path):
    return write_readings(tmp_path / "measured.csv")


@pytest.fixture
def calibrate(lookalike, measured, tmp_path):
    """Make a display file from the readings; returns its path."""

    def make(name="display.json", *more):
        said = lookalike("display", "calibrate", tmp_path / name, *SIZED, "--from", measured, *more)
        assert said.code == 0, said
        return tmp_path / name

    return make


def test_a_calibrated_display_conforms_and_an_uncorrected_one_does_not(lookalike, calibrate):
    good = lookalike("display", "check", calibrate())
    assert good.code == 0
    assert "conforms to the DICOM grayscale standard display function" in good.out
    bad = lookalike("display", "check", calibrate("none.json", "--kind", "none"), "--json")
    assert bad.code == 1
    report = json.loads(bad.out)
    assert report["conforms"] is False
    assert len(report["steps"]) == 17
    assert max(abs(step["deviation"]) for step in report["steps"]) == pytest.approx(report["worst_deviation"])
    assert report["grey_levels_of_256"] == 256


def test_calibrating_says_what_the_file_holds(lookalike, measured, tmp_path):
    path = tmp_path / "display.json"
    wanted = ("--image-deg", 6, "--resample", "--photodiode", "top-left", "--refresh", 60, "--screen", 1)
    said = lookalike("display", "calibrate", path, *SIZED, "--from", measured, *wanted, "--json")
    shown, stored = json.loads(said.out), json.loads(path.read_text(encoding="utf-8"))
    assert stored["table"] == [[level, pytest.approx(luminance(level), rel=1e-5)] for level in LEVELS]
    for name in set(stored) - {"table", "format"}:
        assert shown[name] == stored[name]
    assert (stored["screen"], stored["image_height_deg"], stored["photodiode"]) == (1, 6, "top-left")
    assert shown["calibration"] == "gsdf"
    assert shown["verdict"].startswith("conforms")


def test_readings_that_went_through_a_spreadsheet_make_the_same_display(lookalike, calibrate, measured, tmp_path):
    european = measured.read_text(encoding="utf-8").replace(",", ";").replace(".", ",")
    (tmp_path / "european.csv").write_text(european, encoding="utf-8-sig")
    path = tmp_path / "european.json"
    said = lookalike("display", "calibrate", path, *SIZED, "--from", tmp_path / "european.csv")
    assert said.code == 0, said
    assert path.read_bytes() == calibrate().read_bytes()


def test_a_later_measurement_is_checked_through_the_same_lookup(lookalike, calibrate, tmp_path):
    path = calibrate()
    same = write_readings(tmp_path / "same.csv", range(0, 256, 5))
    assert lookalike("display", "check", path, "--from", same).code == 0
    drifted = lookalike("display", "check", path, "--from", write_readings(tmp_path / "drifted.csv", gamma=2.9))
    assert drifted.code == 1
    assert "does not conform" in drifted.out
    brighter_room = lookalike("display", "check", path, "--from", same, "--ambient", 20, "--json")
    assert brighter_room.code == 1
    assert json.loads(brighter_room.out)["ambient_cd_m2"] == 20


def test_the_file_says_when_it_was_measured_and_not_when_it_was_written(lookalike, measured, tmp_path):
    undated = lookalike("display", "calibrate", tmp_path / "a.json", *SIZED, "--from", measured, "--json")
    assert json.loads(undated.out)["measured_utc"] is None
    assert "no column measured_utc, so the display file does not say when" in undated.err
    lines = measured.read_text(encoding="utf-8").splitlines()
    dated = [f"{lines[0]},measured_utc", *(f"{line},2026-05-03T14:30:00" for line in lines[1:])]
    measured.write_text("\n".join(dated) + "\n", encoding="utf-8")
    said = lookalike("display", "calibrate", tmp_path / "b.json", *SIZED, "--from", measured, "--json")
    assert (json.loads(said.out)["measured_utc"], said.err) == ("2026-05-03T14:30:00+00:00", "")
    assert measured.exists()  # made elsewhere, so it keeps its name


def test_numbers_may_have_a_decimal_comma(lookalike, mistake, measured, tmp_path):
    path, again = tmp_path / "display.json", tmp_path / "again.json"
    numbers = ("--distance", "57,5", "--ambient", "0,2", "--size-cm", "40,5x32,4", "--refresh", "59,94")
    assert lookalike("display", "calibrate", path, *SIZED, *numbers, "--from", measured).code == 0
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert (stored["distance_cm"], stored["ambient_cd_m2"], stored["refresh_hz"]) == (57.5, 0.2, 59.94)
    assert stored["size_cm"] == [40.5, 32.4]
    for option in ("--ambient", "--distance", "--gamma", "--refresh", "--image-deg"):
        said = mistake("display", "calibrate", again, *SIZED, "--from", measured, option, "0;2", code="not-a-number")
        assert f"{option} is '0;2'; write a number, such as 0.2" in said
    assert lookalike("display", "check", path, "--from", measured, "--ambient", "0,25", "--json").code == 0


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_the_contrast_response_is_drawn(lookalike, calibrate, tmp_path, suffix, start):
    figure = tmp_path / f"figure.{suffix}"
    assert lookalike("display", "check", calibrate(), "--figure", figure).code == 0
    assert figure.read_bytes().startswith(start)


def test_a_gamma_given_without_a_measurement_is_not_reported_on(lookalike, mistake, tmp_path):
    path = tmp_path / "display.json"
    said = lookalike("display", "calibrate", path, *SIZED, "--kind", "gamma", "--gamma", 2.2, "--unmeasured")
    assert said.code == 0
    assert "gamma, not measured" in said.out
    assert "'Room 2'" in mistake("display", "check", path, code="not-measured")


def test_the_pattern_is_written_as_the_framebuffer_holds_it(lookalike, calibrate, tmp_path):
    assert lookalike("display", "test-pattern", calibrate(), "--png", tmp_path / "seen.png").code == 0
    assert lookalike("display", "test-pattern", "--png", tmp_path / "plain.png").code == 0
    with Image.open(tmp_path / "seen.png") as seen, Image.open(tmp_path / "plain.png") as plain:
        wedge = np.asarray(seen)[100]
        assert seen.size == (1280, 1024)
        assert (wedge.min(), wedge.max()) == (0, 255)
        assert np.unique(np.asarray(plain)).size == 31


def test_mistakes_are_reported_and_write_nothing(mistake, calibrate, measured, tmp_path):
    new = tmp_path / "new.json"

    def calibrating(*more, code):
        said = mistake("display", "calibrate", new, *more, code=code)
        assert not new.exists()
        return said

    assert "--size-cm is 'A4'" in calibrating(*SIZED, "--size-cm", "A4", "--from", measured, code="bad-size")
    calibrating(*ROOM, "--size-px", "12.5x10", "--from", measured, code="bad-size")
    assert "--size-px" in calibrating(*ROOM, "--from", measured, code="missing-option")
    assert "lit area" in calibrating(*SIZED, "--size-cm", "400x320", "--from", measured, code="invalid-display")
    assert "distance_cm: 0.6 cm is no distance" in calibrating(
        *SIZED, "--distance", 0.6, "--from", measured, code="invalid-display"
    )
    assert "kind: " in calibrating(*SIZED, "--from", measured, "--kind", "dicom", code="invalid-display")
    assert "distance_cm: " in calibrating(*SIZED, "--distance", 0, "--from", measured, code="invalid-display")
    assert "gsdf" in calibrating(*SIZED, "--unmeasured", code="invalid-display")
    calibrating(*SIZED, "--unmeasured", "--from", measured, code="conflicting-options")
    assert "nowhere.csv: " in calibrating(*SIZED, "--from", tmp_path / "nowhere.csv", code="no-such-file")
    oled = write_readings(tmp_path / "oled.csv", black=0.0)
    assert "0.05" in calibrating(*SIZED, "--ambient", 0, "--from", oled, code="outside-gsdf")
    path = calibrate()
    before = path.read_bytes()
    assert f"{path}: " in mistake("display", "calibrate", path, *SIZED, "--from", measured, code="occupied")
    assert path.read_bytes() == before
    mistake("display", "check", path, "--figure", tmp_path / "figure.gif", code="unknown-format")
    mistake("display", "check", path, "--ambient", 1, code="missing-option")
    both = ("--from", measured, "--measure", tmp_path / "again.csv")
    mistake("display", "check", path, *both, code="conflicting-options")
    assert "nowhere.json: " in mistake(
        "display", "test-pattern", tmp_path / "nowhere.json", "--png", new, code="no-such-file"
    )


@pytest.mark.parametrize("command", ["run", "retest"])
def test_a_session_takes_a_display_file(mistake, calibrate, tmp_path, command):
    session = (command, "s", "--data", tmp_path / "d", "--participant", "a1", "--observer", "simulated")
    assert "nowhere.json: " in mistake(*session, "--display", tmp_path / "nowhere.json", code="no-such-file")
    assert "--display" in mistake(*session, "--no-window", "--display", calibrate(), code="conflicting-options")


class Window:
    """A window of 1280 x 1024 px that shows nothing, in place of PsychoPy's."""

    def __init__(self, fullscreen, screen):
        assert (fullscreen, screen) == (True, 0)
        self.screen_px, self.refresh_hz = (1280, 1024), None

    def show(self, level):
        assert 0 <= level <= 255

    def close(self):
        pass


@pytest.fixture
def typing(lookalike, monkeypatch):
    """`typing(words, *command)`: the command line, with `words` typed at it until the input ends, as at Ctrl+D."""
    monkeypatch.setattr("experiments.windows.measuring.LevelWindow", Window)
    monkeypatch.setattr("lookalike.flows.readings.need", lambda _: None)

    def call(words, *command):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{word}\n" for word in words)))
        return lookalike(*command)

    return call


@pytest.fixture
def typing_at_a_screen(tmp_path):
    """The same in a process and on a screen of its own, with PsychoPy's window."""
    if shutil.which("xvfb-run") is None or importlib.util.find_spec("psychopy") is None:
        why = 'needs PsychoPy (pip install ".[lab]") and xvfb-run (apt install xvfb xauth)'
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)

    def call(words, *command):
        line = ["xvfb-run", "-a", "-s", "-screen 0 1280x1024x24", sys.executable, "-m", "lookalike", *command]
        return subprocess.run(
            list(map(str, line)),
            input="".join(f"{word}\n" for word in words),
            env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    return call


READINGS = [f"{luminance(level):.5g}" for level in LEVELS]


def test_a_screen_of_another_size_is_refused_before_anything_is_asked(typing, tmp_path):
    command = ("display", "calibrate", tmp_path / "display.json", *ROOM, "--json")
    other = typing(READINGS, *command, "--size-px", "1920x1080")
    assert json.loads(other.out)["error"]["code"] == "wrong-screen"
    assert "1280 x 1024 px, not 1920 x 1080" in other.out
    wrong = typing(READINGS, *command, "--size-cm", "400x320")
    assert wrong.code == 2
    assert "lit area" in wrong.out
    assert "level 0" not in other.err + wrong.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_person_calibrates_stops_resumes_and_checks(typing, typing_at_a_screen, tmp_path):
    path = tmp_path / "display.json"
    command = ("display", "calibrate", path, *ROOM)
    stopped = typing(READINGS[:5], *command)
    assert stopped.code == 2
    assert "5 of 20 levels" in stopped.err
    assert not path.exists()
    done = typing_at_a_screen(["0.1", *READINGS[5:]], *command, "--json")
    assert done.returncode == 0, done.stderr
    assert "after 5 of 20 readings" in done.stderr
    assert "not above the " in done.stderr
    shown = json.loads(done.stdout)
    assert (shown["size_px"], shown["calibration"]) == ([1280, 1024], "gsdf")
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["table"] == [[level, float(typed)] for level, typed in zip(LEVELS, READINGS, strict=True)]
    dated = tmp_path / f"display-readings-{shown['measured_utc'][:10]}.csv"
    last = dated.read_text(encoding="utf-8").splitlines()[-1]
    assert shown["measured_utc"] == stored["measured_utc"] == last.split(",")[2]
    assert shown["readings"].endswith(dated.name)
    assert not (tmp_path / "display-readings.csv").exists()  # so that the next calibration starts afresh

    from experiments.display.conformance import levels_to_check
    from experiments.display.display_file import read_display

    levels = levels_to_check(read_display(path).lookup())
    again = [f"{luminance(level):.5g}" for level in levels]
    checked = typing(again, "display", "check", path, "--measure", tmp_path / "again.csv", "--json")
    assert checked.code == 0, checked.err
    assert json.loads(checked.out)["conforms"] is True
    assert len((tmp_path / "again.csv").read_text(encoding="utf-8").splitlines()) == 19
    once_more = typing([], "display", "check", path, "--measure", tmp_path / "again.csv")
    assert once_more.code == 2
    assert f"{tmp_path / 'again.csv'}: " in once_more.err

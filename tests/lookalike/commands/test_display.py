"""`lookalike display ...`: from readings to a display file, its report, and a pattern to look at."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

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
        said = mistake("display", "calibrate", again, *SIZED, "--from", measured, option, "0;2")
        assert f"{option} is '0;2'; write a number, such as 0.2" in said
    assert lookalike("display", "check", path, "--from", measured, "--ambient", "0,25", "--json").code == 0


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
    assert "'Room 2' was never measured" in mistake("display", "check", path)


def test_the_pattern_is_written_as_the_framebuffer_holds_it(lookalike, calibrate, tmp_path):
    assert lookalike("display", "test-pattern", calibrate(), "--png", tmp_path / "seen.png").code == 0
    assert lookalike("display", "test-pattern", "--png", tmp_path / "plain.png").code == 0
    with Image.open(tmp_path / "seen.png") as seen, Image.open(tmp_path / "plain.png") as plain:
        wedge = np.asarray(seen)[100]
        assert seen.size == (1280, 1024)
        assert (wedge.min(), wedge.max()) == (0, 255)
        assert np.unique(np.asarray(plain)).size == 31


def test_mistakes_are_told_and_write_nothing(mistake, calibrate, measured, tmp_path):
    new = tmp_path / "new.json"

    def calibrating(*more):
        said = mistake("display", "calibrate", new, *more)
        assert not new.exists()
        return said

    assert "--size-cm is 'A4'; write width x height" in calibrating(*SIZED, "--size-cm", "A4", "--from", measured)
    assert "pixels are whole numbers" in calibrating(*ROOM, "--size-px", "12.5x10", "--from", measured)
    assert "give --size-px" in calibrating(*ROOM, "--from", measured)
    assert "give the size of the lit area in cm" in calibrating(*SIZED, "--size-cm", "400x320", "--from", measured)
    european = tmp_path / "european.csv"
    european.write_text(measured.read_text(encoding="utf-8").replace(",", ";").replace(".", ","), encoding="utf-8")
    assert "european.csv: has semicolons between its cells" in calibrating(*SIZED, "--from", european)
    assert "kind: Input should be" in calibrating(*SIZED, "--from", measured, "--kind", "dicom")
    assert "distance_cm: " in calibrating(*SIZED, "--distance", 0, "--from", measured)
    assert "kind gsdf needs a table" in calibrating(*SIZED, "--unmeasured")
    assert "exclude each other" in calibrating(*SIZED, "--unmeasured", "--from", measured)
    assert "nowhere.csv: no such file" in calibrating(*SIZED, "--from", tmp_path / "nowhere.csv")
    assert "is defined from 0.05" in calibrating(
        *SIZED, "--ambient", 0, "--from", write_readings(tmp_path / "oled.csv", black=0.0)
    )
    path = calibrate()
    before = path.read_bytes()
    assert "choose another name or remove it" in mistake("display", "calibrate", path, *SIZED, "--from", measured)
    assert path.read_bytes() == before
    assert "a figure ends in .svg" in mistake("display", "check", path, "--figure", tmp_path / "figure.gif")
    assert "--ambient belongs to" in mistake("display", "check", path, "--ambient", 1)
    both = ("--from", measured, "--measure", tmp_path / "again.csv")
    assert "exclude each other" in mistake("display", "check", path, *both)
    assert "no such display file" in mistake("display", "test-pattern", tmp_path / "nowhere.json", "--png", new)


@pytest.mark.parametrize("command", ["run", "retest"])
def test_a_session_takes_a_display_file(mistake, calibrate, tmp_path, command):
    session = (command, "s", "--data", tmp_path / "d", "--participant", "a1", "--observer", "simulated")
    assert "no such display file" in mistake(*session, "--display", tmp_path / "nowhere.json")
    assert "leave out --display" in mistake(*session, "--no-window", "--display", calibrate())


@pytest.fixture
def typing(tmp_path):
    """`typing(words, *command)`: the command line in a window of its own, with `words` typed at it."""
    if shutil.which("xvfb-run") is None or importlib.util.find_spec("psychopy") is None:
        why = 'needs PsychoPy (pip install ".[lab]") and xvfb-run (apt install xvfb xauth)'
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)

    def call(words, *command):
        line = ["xvfb-run", "-a", "-s", "-screen 0 1280x1024x24", sys.executable, "-m", "lookalike", *command]
        return subprocess.run(
            list(map(str, line)),
            input="\n".join(map(str, words)) + "\n",
            env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return call


def test_a_person_calibrates_stops_goes_on_and_checks(typing, tmp_path):
    path = tmp_path / "display.json"
    command = ("display", "calibrate", path, *ROOM)
    readings = [f"{luminance(level):.5g}" for level in LEVELS]
    other = typing(readings, *command, "--size-px", "1920x1080")
    assert other.returncode == 2
    assert "the screen has 1280 x 1024 px, not what was given" in other.stderr
    wrong = typing(readings, *command, "--size-cm", "400x320")
    assert wrong.returncode == 2
    assert "give the size of the lit area in cm" in wrong.stderr  # told before anything is asked
    assert not (tmp_path / "display-readings.csv").exists()
    stopped = typing(readings[:5], *command)  # the input ends, as at Ctrl+D
    assert stopped.returncode == 2
    assert "stopped after 5 of 20 levels" in stopped.stderr
    assert not path.exists()
    done = typing(["0.1", *readings[5:]], *command, "--json")
    assert done.returncode == 0, done.stderr
    assert "goes on after 5 of 20 readings" in done.stderr
    assert "not above the reading before" in done.stderr
    shown = json.loads(done.stdout)
    assert (shown["size_px"], shown["calibration"]) == ([1280, 1024], "gsdf")
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored["table"] == [[level, float(typed)] for level, typed in zip(LEVELS, readings, strict=True)]
    aside = tmp_path / f"display-readings-{shown['measured_utc'][:10]}.csv"
    last = aside.read_text(encoding="utf-8").splitlines()[-1]
    assert shown["measured_utc"] == stored["measured_utc"] == last.split(",")[2]
    assert shown["readings"].endswith(aside.name)
    assert not (tmp_path / "display-readings.csv").exists()  # so that the next calibration starts anew
    from experiments.display.conformance import levels_to_check
    from experiments.display.display_file import read_display

    levels = levels_to_check(read_display(path).lookup())
    again = [f"{luminance(level):.5g}" for level in levels]
    checked = typing(again, "display", "check", path, "--measure", tmp_path / "again.csv", "--json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["conforms"] is True
    assert len((tmp_path / "again.csv").read_text(encoding="utf-8").splitlines()) == 19
    once_more = typing([], "display", "check", path, "--measure", tmp_path / "again.csv")
    assert once_more.returncode == 2
    assert "holds a whole measurement already; see it with --from" in once_more.stderr

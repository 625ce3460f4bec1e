from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from data.files import read_table
from experiments.display.calibration import COLUMNS, LuminanceTable, read_luminances
from experiments.windows.measuring import LEVELS, measure, refuse_whole
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime.now(timezone.utc)


class Bench:
    """A display and a photometer: remembers what was shown, asked and told, and types what it is given."""

    def __init__(self, path: Path, answers: Iterator[str] | None = None) -> None:
        self.path, self.answers = path, answers
        self.shown: list[int] = []
        self.told: list[str] = []
        self.on_disk: list[int] = []

    def ask(self, question: str) -> str:
        self.on_disk.append(
            max(0, len(self.path.read_text(encoding="utf-8").splitlines()) - 1) if self.path.exists() else 0
        )
        assert question.startswith(f"level {self.shown[-1]} (")
        return next(self.answers) if self.answers is not None else reading(self.shown[-1])

    def measure(self, levels: tuple[int, ...] = LEVELS) -> LuminanceTable:
        return measure(self.shown.append, self.ask, self.told.append, levels, self.path, 0.2)


def at(moment: datetime, path: Path, levels: tuple[int, ...] = LEVELS) -> str:
    """Write readings, one a minute, the last of them taken at `moment`; returns that time."""
    times = [(moment - timedelta(minutes=n)).isoformat(timespec="seconds") for n in range(len(levels))][::-1]
    rows = [f"{level},{reading(level)},{time}" for level, time in zip(levels, times, strict=True)]
    path.write_text("\n".join(["level,luminance_cd_m2,measured_utc", *rows]) + "\n", encoding="utf-8")
    return times[-1]


def reading(level: int) -> str:
    return f"{0.4 + 300 * (level / 255) ** 2.2:.5g}"


def test_each_level_is_shown_once_and_its_reading_is_on_disk_before_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "readings.csv")
    table = bench.measure()
    assert bench.shown == list(table.levels) == list(LEVELS)
    assert len(LEVELS) >= 18
    assert bench.on_disk == list(range(len(LEVELS)))
    assert table.luminances_cd_m2 == tuple(float(reading(level)) for level in LEVELS)
    assert table.ambient_cd_m2 == 0.2
    assert table == read_luminances(tmp_path / "readings.csv", 0.2)


@pytest.mark.parametrize("after", [0, 1, 7, len(LEVELS) - 1])
def test_it_goes_on_where_it_stopped(refuses: Any, tmp_path: Path, after: int) -> None:
    path = tmp_path / "readings.csv"
    first = Bench(path, iter([*map(reading, LEVELS[:after]), "stop"]))
    with refuses("stopped") as caught:
        first.measure()
    assert re.search(rf"{after} of 20 .*readings\.csv", str(caught.value))
    second = Bench(path)
    table = second.measure()
    assert second.shown == list(LEVELS[after:])
    assert table.luminances_cd_m2 == tuple(float(reading(level)) for level in LEVELS)


def test_back_measures_the_level_before_again(tmp_path: Path) -> None:
    typed = ["0.4", "0.9", "Back", "0.5", "0.6", "back", "back", "0.55", *map(reading, LEVELS[2:])]
    bench = Bench(tmp_path / "readings.csv", iter(typed))
    table = bench.measure()
    assert bench.shown[:8] == [0, 5, 10, 5, 10, 15, 10, 5]
    assert table.luminances_cd_m2[:2] == (0.4, 0.55)


def test_back_at_the_first_level_stays_there(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "readings.csv", iter(["back", *map(reading, LEVELS)]))
    assert bench.measure().levels == LEVELS


def test_what_is_no_rising_luminance_is_asked_again(tmp_path: Path) -> None:
    typed = ["dark", "-1", "nan", "inf", "0,4", "0.4", "0.3", *map(reading, LEVELS[1:])]
    bench = Bench(tmp_path / "readings.csv", iter(typed))
    table = bench.measure()
    assert bench.shown[:7] == [0] * 5 + [5] * 2
    assert table.luminances_cd_m2[0] == 0.4  # a comma is a decimal point too
    assert bench.told == [
        *(f"'{word}' is not a luminance; type a number such as 0.35" for word in ("dark", "-1", "nan", "inf")),
        *["not above the previous reading, 0.4 at level 0; measure again"] * 2,
    ]


def test_readings_of_other_levels_are_not_gone_on_with(refuses: Any, tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    at(NOW, path, (0, 6))
    before = path.read_bytes()
    with refuses("other-levels"):
        Bench(path).measure()
    assert path.read_bytes() == before


def test_readings_that_are_complete_are_taken_as_they_are_and_with_their_time(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    last = at(NOW - timedelta(hours=23), path)
    again = Bench(path, iter(()))
    table = again.measure()
    assert (table.levels, table.measured_utc, again.shown) == (LEVELS, last, [])
    assert again.told == [f"{path}: holds all 20 readings, the last from {last}; they are used as they are"]


def test_the_time_is_that_of_the_last_reading(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    before = at(NOW - timedelta(hours=2), path, LEVELS[:7])
    start = datetime.now(timezone.utc).replace(microsecond=0)
    table = Bench(path).measure()
    assert table.measured_utc is not None
    assert start <= datetime.fromisoformat(table.measured_utc) <= datetime.now(timezone.utc)
    assert read_table(path, COLUMNS)["measured_utc"].tolist()[6] == before


@pytest.mark.parametrize("count", [3, len(LEVELS)])
@pytest.mark.parametrize("days", [1.1, 120, -2, None])
def test_older_readings_are_archived_and_all_levels_measured_again(
    tmp_path: Path, count: int, days: float | None
) -> None:
    path = tmp_path / "readings.csv"
    name = "readings-undated.csv"
    if days is None:
        path.write_text("level,luminance_cd_m2\n" + "".join(f"{n},{reading(n)}\n" for n in LEVELS[:count]))
    else:
        name = f"readings-{at(NOW - timedelta(days=days), path, LEVELS[:count])[:10]}.csv"
    before = path.read_bytes()
    (tmp_path / name).write_text("kept")
    bench = Bench(path)
    table = bench.measure()
    assert bench.shown == list(LEVELS)
    assert str(table.measured_utc) >= NOW.isoformat(timespec="seconds")
    assert (tmp_path / name).read_text() == "kept"
    archived = (tmp_path / name).with_stem(f"{Path(name).stem}-2")
    assert archived.read_bytes() == before
    [told] = bench.told
    assert f"moved to {archived}, and all levels are measured again" in told


def test_a_whole_measurement_is_not_a_new_one(refuses: Any, tmp_path: Path) -> None:
    path = tmp_path / "checked.csv"
    refuse_whole(path, LEVELS)
    at(NOW, path, LEVELS[:-1])
    refuse_whole(path, LEVELS)
    at(NOW, path)
    with refuses("already-measured"):
        refuse_whole(path, LEVELS)


SHOW = """
import sys
sys.path[0] = sys.argv[1]
import numpy as np
from experiments.windows.measuring import LevelWindow
window = LevelWindow(False, 0)
from psychopy.visual import Window
frames, flip = [], Window.flip
def keep(self, *arguments, **named):
    frames.append(np.asarray(self.getMovieFrame("back")))
    return flip(self, *arguments, **named)
Window.flip = keep
for level in range(256):
    window.show(level)
window.close()
centres = [frame[frame.shape[0] // 2, frame.shape[1] // 2].tolist() for frame in frames]
print([int(centre[0]) for centre in centres if centre == [centre[0]] * 3] == list(range(256)))
print(float((frames[0] == 0).all(axis=-1).mean()), window.screen_px)
"""


def test_the_patch_holds_each_framebuffer_value_as_it_is(display: dict[str, str]) -> None:
    command = [sys.executable, "-c", SHOW, str(ROOT)]
    done = subprocess.run(command, env=display, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "")
    exact, rest = done.stdout.splitlines()
    assert exact == "True"
    assert float(rest.split()[0]) == pytest.approx(0.1, abs=0.002)  # of the window's area
    assert rest.endswith("(1280, 1024)")

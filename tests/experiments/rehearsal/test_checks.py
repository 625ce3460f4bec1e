"""The checklist of a rehearsal, each check with and without a fault."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from data.plan import Plan
from data.record import Log
from data.study import StudyFile
from experiments.display.display_file import Display
from experiments.rehearsal import checks
from experiments.screen import HeadlessScreen
from experiments.session.design import draw_plan
from stimuli.sets import StimulusSet


@dataclass
class Screen(HeadlessScreen):
    """A screen on which texts fill a page for every so many letters."""

    letters: int = 100_000
    about: dict[str, Any] = field(default_factory=lambda: {"refresh_hz": 60.0, "font": "DejaVu Sans", "image_scale": 2})

    def __post_init__(self) -> None:
        about = self.about
        super().__init__()
        self.about = about

    def pages(self, text: str) -> int:
        return 1 + len(text) // self.letters


@pytest.fixture
def plan(small_set: StimulusSet, make_study: Callable[..., StudyFile]) -> Plan:
    return draw_plan(small_set, make_study(task={}, trials=20, retest_after_days=14), "p1", 1, 3)


def log_of(answered: int, late: int = 0) -> Log:
    onsets = tuple({"event": "onset", "trial": n, "dropped_frames": int(n <= late)} for n in range(1, answered + 1))
    answers = tuple({"event": "answer", "trial": n} for n in range(1, answered + 1))
    return Log(Path("record.jsonl"), (*onsets, *answers), "")


def test_texts_that_do_not_fit(plan: Plan) -> None:
    assert checks.texts(plan, Screen()).outcome == "ok"
    many = checks.texts(plan.model_copy(update={"phrases": {"begin": "x" * 900}}), Screen(letters=120))
    assert (many.outcome, "instructions" in many.words) == ("warn", True)
    asked = plan.model_copy(update={"phrases": {"how_sure": "How sure? " * 200}})
    found = checks.texts(asked, Screen(letters=1000))
    assert (found.outcome, "How sure?" in found.words) == ("fail", True)


def test_frames_that_were_missed() -> None:
    assert checks.frames(Screen(), log_of(20)).outcome == "ok"
    found = checks.frames(Screen(), log_of(20, late=3))
    assert (found.outcome, "3 of 20" in found.words) == ("warn", True)
    unknown = Screen(about={"refresh_hz": None, "font": "", "image_scale": 1})
    assert checks.frames(unknown, log_of(20)).outcome == "warn"


def test_a_session_with_an_answer_missing(plan: Plan) -> None:
    assert checks.answers(plan, log_of(20), rows=20).outcome == "ok"
    assert checks.answers(plan, log_of(19), rows=19).outcome == "fail"
    assert checks.answers(plan, log_of(20), rows=18).outcome == "fail"


def test_sizes_on_screen(make_display: Callable[..., Display]) -> None:
    screen = Screen(about={"image_scale": 2, "image_size_deg": [5.0, 4.0]})
    assert checks.image_size(screen, None).outcome == "warn"
    assert checks.image_size(screen, make_display(image_height_deg=5.1)).outcome == "ok"
    assert checks.image_size(screen, make_display(image_height_deg=6.0)).outcome == "warn"


def test_a_display_measured_long_ago(make_display: Callable[..., Display]) -> None:
    def measured(days: int) -> Display:
        then = datetime.now(timezone.utc) - timedelta(days=days)
        return make_display().model_copy(update={"measured_utc": then.isoformat()})

    assert checks.display_file(None).outcome == "warn"
    assert checks.display_file(measured(3)).outcome == "ok"
    assert checks.display_file(measured(400)).outcome == "warn"


def test_a_full_disk_and_one_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")
    assert checks.disk(tmp_path).outcome in ("ok", "warn")
    for free, outcome in ((2e6, "fail"), (5e8, "warn")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(1e12, 0, free))
        assert checks.disk(tmp_path).outcome == outcome

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    found = checks.disk(tmp_path)
    assert (found.outcome, "No space left" in found.words) == ("fail", True)


def test_a_retest_that_cannot_be_put_in_order(plan: Plan) -> None:
    assert "after 14 days" in checks.retest(plan).words
    only = tuple(t.model_copy(update={"truth": "real"}) for t in plan.trials)
    assert checks.retest(plan.model_copy(update={"trials": only, "max_run": 2})).outcome == "fail"


def test_duration_follows_the_plan(small_set: StimulusSet, plan: Plan) -> None:
    def minutes(plan: Plan) -> int:
        return int(checks.duration(plan, small_set).words.split()[1])

    slow = plan.model_copy(update={"exposure_s": 30.0})
    assert minutes(slow) == pytest.approx(minutes(plan) + 10, abs=1)


def test_a_key_with_two_meanings(plan: Plan) -> None:
    assert checks.keys(plan).outcome == "ok"
    assert checks.keys(plan.model_copy(update={"keys": {"real": "a", "generated": "a"}})).outcome == "fail"

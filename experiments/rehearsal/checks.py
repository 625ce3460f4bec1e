"""What a rehearsal looks at, one check each: ok, warn or fail, in a line of words."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import numpy as np

from data.errors import LookalikeError
from data.kinds.registry import find
from data.plan import Plan
from data.record import Log
from experiments.display.display_file import Display
from experiments.screen import Screen
from experiments.session.design import retest_plan
from experiments.session.states import route
from experiments.tasks.instructions import between_texts, prompt
from experiments.tasks.modes import Simulated, mode_of
from stimuli.stimulus_source import Stimuli

Outcome = Literal["ok", "warn", "fail"]
OLD_DAYS = 180  # a display drifts; after half a year it should be measured again
MANY_PAGES = 6
LEAST_MB, FEW_MB = 50, 1000
SLOW_WRITE_S = 0.1
DROPPED_SHARE = 0.01
OFF_SIZE = 0.05
_WRITES = 20
_READ_PER_S = 3.3  # words; 200 a minute


@dataclass(frozen=True)
class Check:
    """One line of the checklist."""

    name: str
    outcome: Outcome
    words: str


def failed(name: str, error: Exception) -> Check:
    """A check that an error ended."""
    return Check(name, "fail", " ".join(str(error).split()) or type(error).__name__)


def texts(plan: Plan, screen: Screen) -> Check:
    """Whether every text fits: those between images on one screen, the others on pages that are turned."""
    once = [text for text in (*between_texts(plan), prompt(plan)) if text]
    long = next((text for text in once if screen.pages(text) > 1), None)
    if long is not None:
        words = f"does not fit on one screen, and is not shown on pages: {' '.join(long.split())[:60]}..."
        return Check("texts", "fail", f"{words}; shorten it in the language file")
    for text in once:
        screen.message(text)
    pages = {step.state: screen.pages(step.text) for step in route(plan) if step.text}
    said = ", ".join(f"{state} {count} page{'s' * (count > 1)}" for state, count in pages.items())
    most = max(pages, key=lambda state: pages[state])
    if pages[most] > MANY_PAGES:
        return Check("texts", "warn", f"all fit, but {most} has {pages[most]} pages; who will read them? {said}")
    return Check("texts", "ok", f"all fit: {said}")


def fonts(screen: Screen) -> Check:
    """Which font has all characters of the texts; without one the window would not have opened."""
    return Check("font", "ok", f"{screen.about['font']} has every character of the texts")


def frames(screen: Screen, log: Log) -> Check:
    """The refresh rate, and how many frames the session missed."""
    hz, onsets = screen.about["refresh_hz"], log.of("onset")
    dropped = sum(event.get("dropped_frames", 0) > 0 for event in onsets)
    if hz is None:
        words = "flips do not wait for the screen's refresh, so times are not known to within a frame"
        use = "" if screen.about.get("fullscreen") else "use --fullscreen and "
        return Check("frame rate", "warn", f"{words}; {use}switch vertical synchronisation on")
    words = f"{hz:.1f} Hz; {dropped} of {len(onsets)} images came a frame or more late"
    return Check("frame rate", "warn" if dropped > DROPPED_SHARE * len(onsets) else "ok", words)


def image_size(screen: Screen, display: Display | None) -> Check:
    """The size of images on screen, in degrees where the display is known."""
    scale = screen.about["image_scale"]
    if display is None:
        return Check("image size", "warn", f"{scale:g} screen pixels a pixel; in degrees unknown without --display")
    height, width = screen.about["image_size_deg"]
    words, wanted = f"{height:.2f} x {width:.2f} degrees, {scale:g} screen pixels a pixel", display.image_height_deg
    if wanted is not None and abs(height / wanted - 1) > OFF_SIZE:
        return Check("image size", "warn", f"{words}; the display file asks for {wanted:g} degrees high")
    return Check("image size", "ok", words)


def display_file(display: Display | None) -> Check:
    """Whether there is a display file, and how old its readings are."""
    if display is None:
        return Check("display", "warn", "no display file: luminance is not known; see 'lookalike display calibrate'")
    if display.measured_utc is None:
        return Check("display", "warn", f"{display.name}: {display.calibration}")
    measured = datetime.fromisoformat(display.measured_utc.replace("Z", "+00:00"))
    days = (datetime.now(timezone.utc) - measured).days
    words = f"{display.name}: measured {days} days ago"
    return Check("display", "warn", f"{words}; measure it again") if days > OLD_DAYS else Check("display", "ok", words)


def disk(folder: Path) -> Check:
    """Free space where the data will be, and how long an answer takes to be on the disk."""
    free_mb = shutil.disk_usage(folder).free / 1e6
    took = []
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            for _ in range(_WRITES):
                begun = time.perf_counter()
                file.write(b"x" * 200 + b"\n")
                file.flush()
                os.fsync(file.fileno())
                took.append(time.perf_counter() - begun)
    except OSError as error:
        return Check("disk", "fail", f"{folder}: cannot be written ({error.strerror})")
    slow = float(np.median(took))
    words = f"{free_mb / 1000:.1f} GB free; an answer is on the disk after {1000 * slow:.1f} ms"
    if free_mb < LEAST_MB:
        return Check("disk", "fail", f"{words}; free space")
    return Check("disk", "warn" if free_mb < FEW_MB or slow > SLOW_WRITE_S else "ok", words)


def duration(plan: Plan, stimuli: Stimuli) -> Check:
    """How long a session takes, if people read 200 words a minute and answer as quickly as simulated observers."""
    observer = mode_of(plan).simulated(Simulated(), plan, stimuli)
    fixed = len(plan.trials) * ((plan.exposure_s or 0) + plan.mask_s + plan.delay_s)
    fixed += sum(trial.fixation_s or 0 for trial in plan.trials)
    levels = [grade.level for grade in plan.grades or ()]
    middle = {"level": levels[len(levels) // 2] if levels else None}
    shown = [trial.model_copy(update=middle) for trial in plan.trials]
    answers = [observer.answer(trial, 0.0, lambda: None) for trial in shown]
    answering = sum((one.response_time or 0) + (one.confidence_time or 0) for one in answers)
    reading = sum(len(step.text.split()) for step in route(plan)) / _READ_PER_S
    minutes = (fixed + answering + reading) / 60
    return Check("duration", "ok", f"about {max(1, round(minutes))} min for {len(plan.trials)} trials, without breaks")


def retest(plan: Plan) -> Check:
    """Whether the same images can be put in another order."""
    try:
        retest_plan(plan, 2, plan.seed)
    except LookalikeError as error:
        return failed("retest", error)
    days = plan.retest_after_days
    when = "at any time" if not days else f"after {days:g} days"
    return Check("retest", "ok", f"the same images can be shown in another order, {when}")


def answers(plan: Plan, log: Log, rows: int) -> Check:
    """Whether every trial was answered, recorded and exported."""
    answered = len(log.of("answer"))
    words = f"{answered} of {len(plan.trials)} trials answered and recorded, {rows} in the exported table"
    return Check("session", "ok" if answered == rows == len(plan.trials) else "fail", words)


def keys(plan: Plan) -> Check:
    """The keys that answer: they are on this computer's keyboard, and none has two meanings."""
    said = ", ".join(f"{answer}: {key}" for answer, key in plan.keys.items()) or "those of the dial"
    digits = f"; how sure: 1 to {plan.confidence_levels}" if plan.confidence_levels else ""
    if plan.rating_levels:
        digits = f"; one scale: 1 to {plan.rating_levels}"
    taken = [key for key in plan.keys.values() if list(plan.keys.values()).count(key) > 1]
    if taken or len(plan.keys) != len(find(plan.kind).answers):
        return Check("keys", "fail", f"one key has two meanings ({said}); correct the task file")
    return Check("keys", "ok", f"can be timed, and none clash ({said}{digits})")


def devices(plan: Plan, faults: list[str]) -> Check:
    """Response box and markers, which could be opened; `faults` are what was said of them since."""
    box = [f"response box {plan.box.device} at {plan.box.address}"] if plan.box else []
    markers = [" ".join(filter(None, ["markers to", plan.markers.to, plan.markers.address]))] if plan.markers else []
    words = ", ".join([*box, *markers])
    if faults:
        return Check("devices", "fail", f"{words}: {'; '.join(faults)}")
    return Check("devices", "ok", f"{words}: opened{', and sent' * bool(markers)}")


def as_table(checks: list[Check]) -> list[dict[str, Any]]:
    """The checklist as plain rows."""
    return [{"check": one.name, "outcome": one.outcome, "found": one.words} for one in checks]

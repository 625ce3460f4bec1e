"""The session record read back: what experiments write, event by event, and analysis checks the tables against.

A record is `record.jsonl`, one JSON object a line (`experiments.records.record` writes it).
Every event has `event` and `utc` (ISO 8601); the others, by event:

| event        | fields                                                                              |
|--------------|-------------------------------------------------------------------------------------|
| start        | participant, session, plan_sha256, stimulus_set_sha256, study_sha256, observer,      |
|              | days_since_first (None in session 1), screen, versions                               |
| resume       | trial (the first one without an answer), seen (whether its image was on screen       |
|              | before), gap_s (since the event before), clock_s (what the session's clock says),    |
|              | observer, screen, versions; days_since_first, but not in the oldest records          |
| state        | state, block (None outside blocks): the session enters it                            |
| consent      | none: the participant agreed to the consent text                                     |
| onset        | trial, stimulus_id, onset (s since the session's start)                              |
| answer       | trial, stimulus_id, response, confidence, response_time, confidence_time, onset (s)  |
| missed       | trial, stimulus_id, onset: no answer came in time                                    |
| undo         | trial, stimulus_id, time (s): the answer before it, to the same trial, was taken     |
|              | back, and another follows; read back, that answer is an event `undone`               |
| warm-up      | as answer, for a practice image shown once more after a resume; does not count       |
| estimate     | threshold, spread, lapse: what all answers of an adaptive session say                 |
| interruption | reason                                                                               |
| end          |                                                                                      |

A start or resume of a simulated observer also has its `parameters`. An answer by a person may also have `paused_time`
(s, for which the question whether to stop was up), `unfocused_time` (s, for which the window did not have the keyboard)
and `response_by`, `confidence_by` (key | pointer | box). Answers that were taken back before the confidence was given
are its `undone`: a list of response, response_time and time (s from onset to the key that took it back). With a rating
scale, `rating_category` is the category from certainly real (1) to certainly generated, and `response` and `confidence`
follow from it (`data.trials.split_rating`). After a fixation mark an onset has `fixation_onset`.

Where markers are sent, the next event after them has `markers`, a list of [what, code, time (s), None if it could not
be sent], and `marker_fault` then says why; a `box_fault` of an answer says why a response box stopped working.

Of a matching task `response` is the position matched, in degrees, and `confidence` None where none was asked for. An
answer also has `adjust_onset` (s since the session's start: of the image that was turned, from which `response_time`
counts); a person's has `trajectory` (a list of [s since adjust_onset, degrees], from the start on, one for every
frame passed) and `confirmed_by` (key | pointer).

Of an adaptive task `stimulus_id` is the real image; onset and answer also have `fake_id`, the known fake that the
session chose, and its `level` (None in practice).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data.errors import LookalikeError

_CURE = "restore the record from a backup"
FIELDS: dict[str, tuple[str, ...]] = {
    "start": (
        "participant",
        "session",
        "plan_sha256",
        "stimulus_set_sha256",
        "study_sha256",
        "observer",
        "days_since_first",
        "screen",
        "versions",
    ),
    "onset": ("trial", "stimulus_id", "onset"),
    "answer": ("trial", "stimulus_id", "response", "confidence", "response_time", "confidence_time", "onset"),
    "missed": ("trial", "stimulus_id", "onset"),
    "undo": ("trial", "stimulus_id", "time"),
    "resume": ("trial", "seen", "gap_s", "clock_s", "observer", "screen", "versions"),
    "state": ("state", "block"),
    "consent": (),
    "warm-up": ("trial", "stimulus_id", "response", "confidence", "response_time", "confidence_time", "onset"),
    "estimate": ("threshold", "spread", "lapse"),
    "interruption": ("reason",),
    "end": (),
}
RESPONDED = ("answer", "undone", "missed")  # events after which a session has begun
Event = dict[str, Any]
_DECODER = json.JSONDecoder()
_TURNS = ("start", "resume", "interruption", "end")


@dataclass(frozen=True)
class Log:
    """A record read back: its `size` in bytes, and as `cut` the text of an unfinished last line, if there is one."""

    path: Path
    events: tuple[Event, ...]
    cut: str
    size: int = 0

    def of(self, event: str) -> tuple[Event, ...]:
        """All events of one kind, in order."""
        return tuple(entry for entry in self.events if entry["event"] == event)

    @property
    def stands(self) -> bool:
        """Whether the record does not say that the session is over: it is running, or was killed."""
        turns = [entry["event"] for entry in self.events if entry["event"] in _TURNS]
        return not turns or turns[-1] in ("start", "resume")

    @property
    def start(self) -> Event:
        """The first event. Raises `LookalikeError` if it is missing, or the session ended before writing it."""
        if self.events and not self.of("start"):
            raise LookalikeError("damaged-file", f"{self.path}: the session's start is missing; {_CURE}")
        if not self.events:
            raise LookalikeError(
                "not-started",
                f"{self.path}: the session has only just started, or ended before anything was shown; start it again",
            )
        return self.of("start")[0]

    @property
    def begun(self) -> Event:
        """The event with which the session began: the start, or the last resume before the first response (or miss).

        Its `utc` is 0 s on the session's clock. A resume without `days_since_first` is from a version whose clock
        always ran from the start. Raises `LookalikeError` as `start` does.
        """
        begun = self.start
        for entry in self.events:
            if entry["event"] in RESPONDED:
                break
            if entry["event"] == "resume" and "days_since_first" in entry:
                begun = entry
        return begun


def read_record(path: Path) -> Log:
    """Read the record of a session.

    Parameters
    ----------
    path : Path
        A `record.jsonl`, one event a line.

    Returns
    -------
    Log
        Its events, in order. A last line without its end (after a power cut) is kept apart, as `Log.cut`.

    Raises
    ------
    LookalikeError
        If the file is missing, or any other line is damaged or answers a trial twice, naming the line.

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import read_record
    >>> onset = '{"event": "onset", "utc": "2026-01-05T09:00:00Z", "trial": 1, "stimulus_id": "s1", "onset": 0.5}'
    >>> _ = Path("record.jsonl").write_text(onset + chr(10) + '{"event": "ans')
    >>> log = read_record(Path("record.jsonl"))
    >>> [event["stimulus_id"] for event in log.of("onset")], log.cut
    (['s1'], '{"event": "ans')
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise LookalikeError("no-such-file", f"{path}: no such record; has this session been run?") from None
    *lines, cut = content.split(b"\n")
    events: list[Event] = []
    answered: set[int] = set()
    for number, line in enumerate(lines, start=1):
        event = _parse(line, f"{path}: line {number}")
        if event["event"] == "answer":
            if event["trial"] in answered:
                raise LookalikeError(
                    "damaged-file", f"{path}: line {number} answers trial {event['trial']} a second time; {_CURE}"
                )
            answered.add(event["trial"])
        elif event["event"] == "undo":
            _take_back(events, event["trial"], f"{path}: line {number}")
            answered.discard(event["trial"])
        events.append(event)
    return Log(path, tuple(events), cut.decode("utf-8", errors="replace"), len(content))


def _take_back(events: list[Event], trial: int, where: str) -> None:
    """Turn the answer to a trial into an event `undone`."""
    for place in reversed(range(len(events))):
        if events[place]["event"] == "answer":
            if events[place]["trial"] == trial:
                events[place] = {**events[place], "event": "undone"}
                return
            break
    raise LookalikeError(
        "damaged-file", f"{where} takes back an answer to trial {trial} that was not the last; {_CURE}"
    )


def _parse(line: bytes, where: str) -> Event:
    try:
        event = _DECODER.decode(line.decode("utf-8"))
    except ValueError:
        raise LookalikeError("damaged-file", f"{where} is damaged (not JSON); {_CURE}") from None
    if not isinstance(event, dict) or event.get("event") not in FIELDS:
        raise LookalikeError("damaged-file", f"{where} is not an event of a session; {_CURE}")
    fields = ("utc", *FIELDS[event["event"]])
    missing = [field for field in fields if field not in event]
    if missing:
        raise LookalikeError("damaged-file", f"{where}: {event['event']} lacks {', '.join(missing)}; {_CURE}")
    wrong = next((field for field in fields if not _HOLDS.get(field, _anything)(event[field])), None)
    if wrong is not None:
        said = json.dumps(event[wrong], ensure_ascii=False)[:40]
        raise LookalikeError("damaged-file", f"{where}: {wrong} of {event['event']} cannot be {said}; {_CURE}")
    return event


def _anything(_value: Any) -> bool:
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()


def _is_time_of_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value.replace("Z", "+00:00")))
    except ValueError:
        return False


def _is_seconds(value: Any) -> bool:
    return value is None or (_is_number(value) and value >= 0)


# What a field may hold, whatever the event; a file that was edited by hand may hold anything.
_HOLDS: dict[str, Callable[[Any], bool]] = {
    "utc": _is_time_of_day,
    **dict.fromkeys(("participant", "observer", "stimulus_id", "state", "reason"), _is_text),
    **dict.fromkeys(("plan_sha256", "stimulus_set_sha256", "study_sha256"), _is_text),
    **dict.fromkeys(("onset", "response_time", "confidence_time", "gap_s", "clock_s", "days_since_first"), _is_seconds),
    "time": _is_seconds,
    **dict.fromkeys(("screen", "versions", "threshold", "spread"), lambda value: isinstance(value, dict)),
    **dict.fromkeys(("trial", "session"), lambda value: _is_whole(value) and value >= 1),
    **dict.fromkeys(("confidence", "block"), lambda value: value is None or _is_whole(value)),
    "response": lambda value: _is_text(value) or _is_number(value),
    "seen": lambda value: isinstance(value, bool),
}

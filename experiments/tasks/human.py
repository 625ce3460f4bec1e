"""A person at keyboard, pointer and response box."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from data.errors import LookalikeError
from data.kinds.kind import Answer
from data.plan import Plan, PlannedTrial
from experiments.boxes.box import Box
from experiments.markers.markers import Markers
from experiments.screen import Screen
from experiments.tasks.buttons import BACK, CONTINUE, NO, STOP, YES, on_stop_question, to_undo
from experiments.tasks.instructions import confidence_question, reminder, stop_question
from experiments.tasks.rated import rating_keys, split
from experiments.tasks.responders import Again, SessionAborted

GRACE_S = 0.15  # after a time limit, for a key that went down before it and is still held
POLL_S = 0.001  # keys are stamped by their own queue, so this is no part of a response time
_UNDO = "undo"


class Press(NamedTuple):
    """A key, a button of a response box or a touched number: `at` is when it went down, in s on the screen's clock."""

    name: str
    at: float
    by: str  # key | pointer | box


class HumanResponder:
    """A person. Response by the plan's two keys, then confidence by a digit (main row or numpad) or a touched number.

    A rating in one step is a digit or a touched number too. Buttons of a response box (see `connect`) and buttons on
    the screen do what their keys do. The key `undo` takes the answer back: while confidence is asked for, or while the
    fixation mark is up before the next image (`takes_back`). With a time limit a key must go down before its end.

    A key is timed when it goes down, read when it is released, and counts only if it went down after the question
    had appeared: so late and double presses, and a key held down from before, answer nothing. What is pressed
    while the window does not have the keyboard was meant for another window and is ignored; how long that was is
    recorded with the answer. Escape asks whether to stop (Y raises `SessionAborted`); after N the trial continues, the
    response time still counts from its onset, and `paused_time` says how much of it the question took. Raises
    `LookalikeError` at once where keys could not be timed.
    """

    kind = "human"
    parameters: None = None

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self._keyboard = _open_keyboard([*plan.keys.values(), *filter(None, [plan.flow.undo])])
        self._screen = screen
        self._plan = plan
        self._footer = reminder(plan)
        self._confidence_question, self._stop_question = confidence_question(plan), stop_question(plan)
        self._prompted = plan.exposure_s is not None
        self._levels = 0 if plan.rating_levels else plan.confidence_levels
        self._responses: Mapping[str, Any] = {key: answer for answer, key in plan.keys.items()}
        if plan.rating_levels:
            self._responses = rating_keys(plan)
        levels = range(1, plan.confidence_levels + 1)
        self._confidences = {f"{prefix}{level}": level for prefix in ("", "num_") for level in levels}
        self._waiting: list[Press] = []
        self._paused_s, self._done_at = 0.0, 0.0
        self._markers = Markers()
        self._box: Box | None = None

    def connect(self, box: Box | None, markers: Markers) -> None:
        """Listen to a response box too, and mark answers as they are given."""
        self._box, self._markers = box, markers

    def proceed(self, again: Again | None = None, back: bool = False) -> bool:
        turns = {CONTINUE: True, BACK: False} if back else {CONTINUE: True}
        return bool(self._wait_for(turns, self._screen.now(), again)[0])

    def takes_back(self, until: float) -> bool:
        undo = self._plan.flow.undo
        while True:
            late = self._screen.now() >= until  # asked first, so that a computer that was busy still looks once
            self._collect(self._done_at)
            if any(press.name == undo for press in self._waiting):
                self._waiting.clear()
                return True
            if late:
                return False
            time.sleep(POLL_S)

    def answer(self, trial: PlannedTrial, onset: float, again: Again) -> Answer:  # noqa: ARG002 (a person sees the trial)
        self._paused_s = 0.0
        if self._prompted:
            self._collect(onset)
            if not any(press.name in self._responses for press in self._waiting):
                again()  # the image has gone, and nobody should wonder what to do
        undone: list[dict[str, Any]] = []
        since = onset
        while True:
            response, responded = self._respond(since, again)
            if responded is None or not self._levels:
                confidence, sure = None, None
                break
            confidence, sure = self._rate_confidence(responded)
            if confidence != _UNDO:
                break
            times = {"response_time": round(responded.at - onset, 6), "time": round(sure.at - onset, 6)}
            undone.append({"response": response, **times})
            since = sure.at
            again()
        return self._answered(onset, response, responded, confidence, sure, undone)

    def _respond(self, since: float, again: Again) -> tuple[Any, Press | None]:
        """The answer, or the category of a rating, and its press; None for both if none comes in time."""
        limit_s = self._plan.flow.timeout_s
        response, press = self._within(self._responses, since, again, limit_s)
        if press is not None:
            self._done_at = press.at
            rated = bool(self._plan.rating_levels)
            said = split(response, self._plan.rating_levels)[0] if rated else response
            self._markers.answer(said, response if rated else None)
        return response, press

    def _rate_confidence(self, responded: Press) -> tuple[Any, Press]:
        undo = self._plan.flow.undo
        meanings = self._confidences if undo is None else {**self._confidences, undo: _UNDO}
        self._ask_confidence()
        confidence, sure = self._wait_for(meanings, responded.at, self._ask_confidence)
        self._done_at = sure.at
        self._markers.send("undo" if confidence == _UNDO else f"confidence_{confidence}")
        return confidence, sure

    def _answered(
        self,
        onset: float,
        response: Any,
        responded: Press | None,
        confidence: int | None,
        sure: Press | None,
        undone: list[dict[str, Any]],
    ) -> Answer:
        """All that is recorded of an answer, or of none in time."""
        more: dict[str, Any] = {
            "paused_time": round(self._paused_s, 6),
            "unfocused_time": round(self._screen.unfocused_s(onset), 6),
        }
        more |= {"undone": undone} if undone else {}
        more |= {"box_fault": self._box.fault} if self._box is not None and self._box.fault else {}
        if responded is None:
            return Answer(None, None, None, None, more)
        more["response_by"] = responded.by
        if self._plan.rating_levels:
            more["rating_category"] = response
            response, confidence = split(response, self._plan.rating_levels)
        if sure is None:
            return Answer(response, confidence, responded.at - onset, None, more)
        more["confidence_by"] = sure.by
        return Answer(response, confidence, responded.at - onset, sure.at - responded.at, more)

    def _ask_confidence(self) -> None:
        self._screen.scale(self._confidence_question, self._levels, self._footer, to_undo(self._plan))

    def _wait_for(self, meanings: Mapping[str, Any], after: float, again: Again | None) -> tuple[Any, Press]:
        """The first of `meanings` pressed later than `after`: what it means, and the press."""
        meaning, press = self._within(meanings, after, again, None)
        assert press is not None, "without a limit there is no end but a press"
        return meaning, press

    def _within(
        self, meanings: Mapping[str, Any], after: float, again: Again | None, limit_s: float | None
    ) -> tuple[Any, Press | None]:
        """The same, or None for both if nothing is pressed within the limit; a question in between stops its clock."""
        paused_before = self._paused_s
        while True:
            self._collect(after)
            until = math.inf if limit_s is None else after + limit_s + self._paused_s - paused_before
            for press in self._waiting:
                if press.name in meanings and press.at <= until:
                    self._waiting.remove(press)
                    return meanings[press.name], press
                if press.name == STOP:
                    self._ask_whether_to_stop(again)
                    break
            else:
                if self._screen.now() > until + GRACE_S:
                    return None, None
            time.sleep(POLL_S)

    def _collect(self, after: float) -> None:
        # Keys arrive when they are released; fast typists press the next before that. So others are kept for the next
        # question, and taken in the order in which they went down.
        # waitRelease=True: without it PsychoPy loses a tap that begins and ends between two polls.
        touched = [Press(name, at, "pointer") for name, at in self._screen.touched()]
        keys = [Press(key.name, float(key.tDown), "key") for key in self._keyboard.getKeys(waitRelease=True)]
        here = [press for press in (*keys, *touched) if self._screen.focused(press.at)]
        here += self._from_box()  # whose buttons are meant for no other window
        waiting = [press for press in (*self._waiting, *here) if press.at > after or press.name == STOP]
        self._waiting = sorted(waiting, key=lambda press: press.at)

    def _from_box(self) -> list[Press]:
        if self._box is None or self._plan.box is None:
            return []
        stands_for = self._plan.box.buttons
        return [Press(stands_for[name], at, "box") for name, at in self._box.presses() if name in stands_for]

    def _ask_whether_to_stop(self, again: Again | None) -> None:
        if again is None:
            raise SessionAborted
        self._waiting.clear()
        asked = self._screen.message(self._stop_question, row=on_stop_question(self._plan))
        while True:
            self._collect(asked)
            for press in self._waiting:
                if press.name == YES:
                    raise SessionAborted
                if press.name == NO:
                    self._waiting.clear()
                    again()
                    self._paused_s += press.at - asked
                    return
            time.sleep(POLL_S)


def _open_keyboard(keys: Iterable[str]) -> Any:
    try:
        # Without it PsychoPy only warns, falls back to another keyboard, and never sees a key.
        import psychtoolbox  # noqa: F401
    except ImportError as error:
        raise LookalikeError(
            "no-keyboard",
            f"keys cannot be timed (psychtoolbox: {error}); on Debian or Ubuntu: apt install libjack-jackd2-0, "
            'elsewhere, in the folder of Lookalike: pip install -c constraints.txt ".[lab]"',
        ) from None
    from psychopy.hardware.keyboard import Keyboard, keyNames

    unknown = sorted(set(keys) - set(keyNames.values()))
    if unknown:
        raise LookalikeError(
            "no-such-key",
            f"this computer's keyboard has no key {', '.join(map(repr, unknown))}, which the task file uses; choose "
            "another key there",
        )
    keyboard = Keyboard(backend="ptb")
    if keyboard.getBackend() != "ptb":
        raise LookalikeError(
            "no-keyboard",
            f"PsychoPy's keyboard runs on {keyboard.getBackend()!r}, which loses keys; start this session in a new "
            "Python process",
        )
    return keyboard

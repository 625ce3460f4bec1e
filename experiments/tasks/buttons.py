"""The buttons on each screen, where a task has any: each does what a key does."""

from __future__ import annotations

from data.kinds.kind import rated_ends
from data.kinds.registry import find
from data.plan import Plan
from data.texts.phrases import shared
from experiments.screen import NO_BUTTONS, Button, Row

CONTINUE, BACK, STOP = "space", "left", "escape"
YES, NO = "y", "n"


def has_buttons(plan: Plan) -> bool:
    """Whether any screen has buttons."""
    return plan.flow.touch or bool(plan.rating_levels)


def on_image(plan: Plan) -> Row:
    """The rating scale, which is always there; or the two answers, for those who touch them."""
    kind = find(plan.kind)
    if plan.rating_levels:
        ends = rated_ends(kind, plan)
        numbers = tuple(Button(str(number), str(number)) for number in range(1, plan.rating_levels + 1))
        return Row(numbers, ends["low"], ends["high"])
    if not plan.flow.touch:
        return NO_BUTTONS
    # From left to right as the keys are: arrows by their names, others in alphabetical order.
    keys = sorted(plan.keys.items(), key=lambda one: (one[1] != "left", one[1] == "right", one[1]))
    return Row(tuple(Button(key, kind.say(plan, f"{answer}_short")) for answer, key in keys))


def on_page(plan: Plan, page: int, may_stop: bool) -> Row:
    """Below a text: stop, the page before, continue."""
    buttons = [
        *([Button(STOP, _say(plan, "button_stop"))] if may_stop else []),
        *([Button(BACK, _say(plan, "button_back"))] if page > 1 else []),
        Button(CONTINUE, _say(plan, "button_continue")),
    ]
    return Row(tuple(buttons)) if plan.flow.touch else NO_BUTTONS


def on_stop_question(plan: Plan) -> Row:
    buttons = (Button(YES, _say(plan, "button_yes")), Button(NO, _say(plan, "button_no")))
    return Row(buttons) if plan.flow.touch else NO_BUTTONS


def to_undo(plan: Plan) -> Row:
    """Below the confidence scale, and below the fixation mark before the next image: take the answer back."""
    if plan.flow.undo is None or not plan.flow.touch:
        return NO_BUTTONS
    return Row((Button(plan.flow.undo, _say(plan, "button_undo")),))


def labels(plan: Plan) -> list[str]:
    """All that stands on buttons, to find a font that can write it."""
    rows = [on_image(plan), on_page(plan, 2, may_stop=True), on_stop_question(plan), to_undo(plan)]
    return [text for row in rows for text in (*(button.label for button in row.buttons), row.low, row.high) if text]


def _say(plan: Plan, phrase: str) -> str:
    return shared(plan.phrases, phrase)

"""Every word that a participant reads. Nothing here depends on which session it is."""

from __future__ import annotations

from data.kinds.registry import find
from data.plan import Plan

CONTINUE = "Press SPACE to continue."
BEGIN = "Press SPACE to begin."
NEXT_PAGE = "SPACE: next page"
PREVIOUS_PAGE = "LEFT arrow: previous page"
STOP_QUESTION = "Do you want to stop?\n\nPress Y to stop; your answers so far are kept.\nPress N to continue."
_WHEN_TO_ANSWER = "You may answer while it is shown or afterwards."
_PRACTICE = (
    "First, some practice. After each answer you say how sure you are. Use the whole scale: a low number when you are "
    "guessing, a high one only when you are certain, and the numbers in between for anything in between."
)
_PRACTICE_UNRATED = "First, some practice."
_PAUSE = "Time for a break. Take as long as you like."
_THANKS = "That was the last image. Thank you."
_PRACTICE_OVER = "The practice is over."


def consent(plan: Plan) -> str:
    """The consent text and how to agree; empty if the task has none."""
    text = plan.text.consent
    return text and f"{text}\n\nPress SPACE if you agree, or ESC to leave."


def instructions(plan: Plan, done: int = 0) -> str:
    """What to do, how to answer, and how many images of each kind to expect; `done` main trials are over."""
    kind = find(plan.kind)
    opening = [plan.text.instructions] if plan.text.instructions else kind.opening(plan)
    sure = f"Then say how sure you are: press a number {_scale(plan.confidence_levels)}."
    return "\n\n".join(
        [
            *opening,
            *kind.always_told(plan),
            kind.how_to_answer(plan),
            *([sure] if plan.confidence_levels else []),
            *([f"The first {len(plan.practice)} are for practice."] if plan.practice and not done else []),
            *([_done(plan, done)] if done else []),
            *_exposure(plan),
            "Take as much time as you need. Press ESC to stop; your answers so far are kept.",
            BEGIN,
        ]
    )


def practice(plan: Plan) -> str:
    """What the confidence scale means, if there is one, before the first practice trial."""
    if not plan.confidence_levels:
        return "\n\n".join([plan.text.practice or _PRACTICE_UNRATED, BEGIN])
    scale = f"The numbers go {_scale(plan.confidence_levels)}."
    return "\n\n".join([plan.text.practice or _PRACTICE, scale, BEGIN])


def practice_over() -> str:
    return f"{_PRACTICE_OVER}\n\n{BEGIN}"


def pause(plan: Plan, done: int) -> str:
    """Between two blocks, with the keys once more; `done` trials, without practice, are over."""
    return "\n\n".join([plan.text.pause or _PAUSE, _done(plan, done), find(plan.kind).how_to_answer(plan), CONTINUE])


def thanks(plan: Plan) -> str:
    return f"{plan.text.thanks or _THANKS}\n\nPress SPACE to close."


def prompt(plan: Plan) -> str:
    """What is asked once images of a fixed exposure have gone: the question, and which key means what."""
    return find(plan.kind).how_to_answer(plan)


def confidence_question(levels: int) -> str:
    """The question after each image; `levels` is k of the scale 1..k, whose numbers are below it."""
    return f"How sure are you?\nPress or touch a number {_scale(levels)}."


def between_texts(plan: Plan) -> list[str]:
    """What is read besides the texts of a session's states: questions and footers."""
    scale = [confidence_question(plan.confidence_levels)] if plan.confidence_levels else []
    return [*scale, STOP_QUESTION, page_footer(2, 3), find(plan.kind).reminder(plan)]


def page_footer(page: int, pages: int) -> str:
    """Where in a text of several pages the reader is, and how to turn them; empty for a single page."""
    if pages == 1:
        return ""
    turns = ([NEXT_PAGE] if page < pages else []) + ([PREVIOUS_PAGE] if page > 1 else [])
    return "     ".join([f"Page {page} of {pages}", *turns])


def _exposure(plan: Plan) -> list[str]:
    """How long images stay, if that is fixed, and when to answer."""
    if plan.exposure_s is None:
        return []
    seconds = "1 second" if plan.exposure_s == 1 else f"{plan.exposure_s:g} seconds"
    what = "pair" if plan.trials[0].right is not None else "image"
    if not find(plan.kind).answered_while_shown:
        return [f"Each image that you are to match is shown for {seconds}."]
    return [f"Each {what} is shown for {seconds}. {_WHEN_TO_ANSWER}"]


def _done(plan: Plan, done: int) -> str:
    return f"You have done {done} of {len(plan.trials) - len(plan.practice)}."


def _scale(levels: int) -> str:
    return f"from 1 (a guess) to {levels} (certain)"

"""Every word that a participant reads. Nothing here depends on which session it is."""

from __future__ import annotations

from data.plan import Plan
from experiments.tasks.registry import CHOICES, KINDS

KEY_NAMES = {"left": "the LEFT arrow key", "right": "the RIGHT arrow key"}

GO_ON = "Press SPACE to go on."
BEGIN = "Press SPACE to begin."
STOP_QUESTION = "Do you want to stop?\n\nPress Y to stop; what you have answered is kept.\nPress N to go on."
_PRACTICE = (
    "First some practice. After each answer you say how sure you are. Use the whole scale: a low number when you are "
    "guessing, a high one only when you are certain, and those between for what lies between."
)
_PRACTICE_UNRATED = "First some practice."
_TURN = (
    "To turn it, scroll the mouse wheel, press the LEFT and RIGHT arrow keys (hold one down to turn faster), or drag "
    "along the ring. When it looks right press SPACE or ENTER, or click on the image."
)
_PAUSE = "Time for a break. Take as long as you like."
_THANKS = "That was the last image. Thank you."
_PRACTICE_OVER = "The practice is over."


def consent(plan: Plan) -> str:
    """The consent text and how to agree; empty if the task has none."""
    text = plan.text.consent
    return text and f"{text}\n\nPress SPACE if you agree, or ESC to leave."


def instructions(plan: Plan, done: int = 0) -> str:
    """What to do, how to answer, and how many images of each kind to expect; `done` main trials lie behind."""
    kind = KINDS[plan.kind]
    lead = [plan.text.instructions] if plan.text.instructions else kind.lead(plan)
    if plan.text.instructions and plan.kind == "realfake":
        lead += kind.lead(plan)[1:]  # the prevalence is told whatever else is
    sure = f"Then say how sure you are: press a number {_scale(plan.confidence_levels)}."
    return "\n\n".join(
        [
            *lead,
            *([_TURN] if plan.kind == "matching" else [_choices(plan)]),
            *([sure] if plan.confidence_levels else []),
            *([f"The first {len(plan.practice)} are for practice."] if plan.practice and not done else []),
            *([_done(plan, done)] if done else []),
            *([f"Each stays for {plan.exposure_s:g} seconds; answer then or later."] if _may_wait(plan) else []),
            "Take the time you need. ESC stops the session; what you have answered is kept.",
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
    """Between two blocks; `done` trials, without practice, lie behind."""
    return "\n\n".join([plan.text.pause or _PAUSE, _done(plan, done), GO_ON])


def thanks(plan: Plan) -> str:
    return f"{plan.text.thanks or _THANKS}\n\nPress SPACE to close."


def confidence_question(levels: int) -> str:
    """The question after each image; `levels` is k of the scale 1..k, whose numbers stand below it."""
    return f"How sure are you?\nPress or touch a number {_scale(levels)}."


def _done(plan: Plan, done: int) -> str:
    return f"You have done {done} of {len(plan.trials) - len(plan.practice)}."


def _choices(plan: Plan) -> str:
    """Which key says what."""
    kind = CHOICES[plan.kind]
    return "\n".join(f"{kind.meaning(answer)} Press {_key(key)}." for answer, key in plan.keys.items())


def _may_wait(plan: Plan) -> bool:
    """Whether images go away before they are answered, and may be answered while they are there."""
    return plan.exposure_s is not None and plan.kind != "matching"


def _scale(levels: int) -> str:
    return f"from 1 (a guess) to {levels} (certain)"


def _key(name: str) -> str:
    return KEY_NAMES.get(name, f"the {name.upper()} key")

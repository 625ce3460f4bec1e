"""Every word that a participant reads. Nothing here depends on which session it is."""

from __future__ import annotations

from experiments.kinds import KINDS
from experiments.plan import Plan

KEY_NAMES = {"left": "the LEFT arrow key", "right": "the RIGHT arrow key"}

GO_ON = "Press SPACE to go on."
BEGIN = "Press SPACE to begin."
STOP_QUESTION = "Do you want to stop?\n\nPress Y to stop; what you have answered is kept.\nPress N to go on."
_PRACTICE = (
    "First some practice. After each answer you say how sure you are. Use the whole scale: a low number when you are "
    "guessing, a high one only when you are certain, and those between for what lies between."
)
_PAUSE = "Time for a break. Take as long as you like."
_THANKS = "That was the last image. Thank you."
_PRACTICE_OVER = "The practice is over."


def consent(plan: Plan) -> str:
    """The consent text and how to agree; empty if the task has none."""
    text = plan.text.consent
    return text and f"{text}\n\nPress SPACE if you agree, or ESC to leave."


def instructions(plan: Plan) -> str:
    """What to do, how to answer, and how many images of each kind to expect."""
    kind = KINDS[plan.kind]
    lead = [plan.text.instructions] if plan.text.instructions else kind.lead(plan)
    if plan.text.instructions and plan.kind == "realfake":
        lead += kind.lead(plan)[1:]  # the prevalence is told whatever else is
    answers = [f"{kind.meaning(answer)} Press {_key(key)}." for answer, key in plan.keys.items()]
    return "\n\n".join(
        [
            *lead,
            "\n".join(answers),
            f"Then say how sure you are: press a number {_scale(plan.confidence_levels)}.",
            *([f"The first {len(plan.practice)} are for practice."] if plan.practice else []),
            *([f"Each stays for {plan.exposure_s:g} seconds; answer then or later."] if plan.exposure_s else []),
            "Take the time you need. ESC stops the session; what you have answered is kept.",
            BEGIN,
        ]
    )


def practice(plan: Plan) -> str:
    """What the confidence scale means, before the first practice trial."""
    scale = f"The numbers go {_scale(plan.confidence_levels)}."
    return "\n\n".join([plan.text.practice or _PRACTICE, scale, BEGIN])


def practice_over() -> str:
    return f"{_PRACTICE_OVER}\n\n{BEGIN}"


def pause(plan: Plan, done: int) -> str:
    """Between two blocks; `done` trials, without practice, lie behind."""
    total = len(plan.trials) - len(plan.practice)
    return "\n\n".join([plan.text.pause or _PAUSE, f"You have done {done} of {total}.", GO_ON])


def thanks(plan: Plan) -> str:
    return f"{plan.text.thanks or _THANKS}\n\nPress SPACE to close."


def confidence_question(levels: int) -> str:
    """The question after each image; `levels` is k of the scale 1..k, whose numbers stand below it."""
    return f"How sure are you?\nPress or touch a number {_scale(levels)}."


def _scale(levels: int) -> str:
    return f"from 1 (a guess) to {levels} (certain)"


def _key(name: str) -> str:
    return KEY_NAMES.get(name, f"the {name.upper()} key")

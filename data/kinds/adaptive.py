"""What kinds share whose session chooses known fakes by the answers before: what was answered, and what it says."""

from __future__ import annotations

from collections.abc import Sequence

from data.errors import LookalikeError
from data.plan import Plan
from data.record import Event
from data.simulated.psychometric import Posterior, posterior

FEWEST_LEVELS = 3


def answers_so_far(plan: Plan, answers: Sequence[Event]) -> tuple[list[float], list[bool]]:
    """The levels of a session's answered main trials in order, and whether each answer was correct."""
    sides = {trial.trial: trial.fake_on for trial in plan.trials if trial.role == "main"}
    main = [event for event in answers if event["trial"] in sides]
    return [event["level"] for event in main], [event["response"] == sides[event["trial"]] for event in main]


def estimate(plan: Plan, answers: Sequence[Event]) -> Posterior:
    """What the answers of a session say of the participant's threshold."""
    return posterior([grade.level for grade in plan.grades or ()], *answers_so_far(plan, answers))


def refuse_too_few(grades: int, images: int, trials: int, where: str) -> None:
    """Raise `LookalikeError` if known fakes of so many grades cannot serve a session of `trials`."""
    if grades < FEWEST_LEVELS:
        raise LookalikeError(
            "too-few-levels",
            f"{where}: its known fakes have {grades} levels of visibility (column level), and a threshold needs "
            f"{FEWEST_LEVELS} or more; 'lookalike stimuli graded' makes such a set",
        )
    if images < trials:
        raise LookalikeError(
            "set-too-small",
            f"{where}: has {images} known fakes with a level for {trials} trials, and none is shown twice; build a "
            "larger set or lower trials",
        )

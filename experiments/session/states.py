"""The states of a session, as a small state machine.

    consent -> instructions -> practice -> block -> break -> block -> ... -> thanks
                            -> warm-up (after a resume, practice images that do not count) -> block -> ...
    ... -> block -> repeat (images that were not answered in time) -> thanks

Consent, practice, breaks and repeats occur where the task has them. `route` lists the states that a session still has
ahead; each one is written to the record as it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from data.plan import Plan, PlannedTrial
from experiments.tasks import instructions as wording

State = Literal["consent", "instructions", "practice", "warm-up", "block", "break", "repeat", "thanks"]
WARM_UP = 2  # practice trials repeated after a resume


@dataclass(frozen=True)
class Step:
    """One state: a text to be read (empty: none), then trials."""

    state: State
    text: str = ""
    trials: tuple[PlannedTrial, ...] = ()
    block: int | None = None


def route(
    plan: Plan, answered: frozenset[int] = frozenset(), resumed: bool = False, agreed: bool = False
) -> list[Step]:
    """The states of a session whose trials `answered` are done or left for `repeat`, which is not among them.

    A `resumed` session begins with the instructions again, and with a short warm-up if its practice is over; consent
    is asked for unless the participant has `agreed`.
    """
    steps = [] if agreed or not plan.text.consent else [Step("consent", wording.consent(plan))]
    done = sum(trial.role != "practice" for trial in plan.trials if trial.trial in answered)
    steps.append(Step("instructions", wording.instructions(plan, done)))
    to_practise = tuple(trial for trial in plan.practice if trial.trial not in answered)
    if to_practise:
        steps.append(Step("practice", wording.practice(plan), to_practise))
    elif resumed and plan.practice:
        steps.append(Step("warm-up", wording.practice(plan), plan.practice[:WARM_UP]))
    first = wording.practice_over(plan) if plan.practice else ""
    before = None
    for block, trials in _blocks(plan, answered).items():
        if before is not None:
            steps.append(Step("break", wording.pause(plan, done)))
        steps.append(Step("block", first if before is None else "", trials, block))
        before, done = block, done + len(trials)
    return [*steps, Step("thanks", wording.thanks(plan))]


def repeat(plan: Plan, trials: tuple[PlannedTrial, ...]) -> Step:
    """The trials that were not answered in time, once more."""
    return Step("repeat", wording.repeat(plan), trials)


def words(plan: Plan) -> str:
    """All that a participant may read in a session, to find a font that can write it."""
    first = plan.trials[0].trial
    steps = [*route(plan), *route(plan, frozenset({first}), resumed=True)]
    return "\n".join([*(step.text for step in steps), *wording.between_texts(plan)])


def _blocks(plan: Plan, answered: frozenset[int]) -> dict[int, tuple[PlannedTrial, ...]]:
    """The unfinished blocks, with their unanswered trials."""
    blocks: dict[int, list[PlannedTrial]] = {}
    for trial in plan.trials:
        if trial.role != "practice" and trial.trial not in answered:
            blocks.setdefault(trial.block, []).append(trial)
    return {block: tuple(trials) for block, trials in blocks.items()}

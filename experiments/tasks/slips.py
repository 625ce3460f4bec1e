"""What simulated observers do where answers may be taken back, or must come in time."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from data.kinds.kind import Answer
from data.kinds.registry import find
from data.plan import Plan, PlannedTrial
from experiments.tasks.rated import in_one_step

SLIPS = 0.02  # share of trials in which a simulated observer presses the wrong key first, as hurried people do
_IN_TIME = 0.9  # of a time limit: when an image comes again, a simulated observer answers sooner


def slip_before(plan: Plan, seed: int, trial: PlannedTrial, answer: Answer) -> Answer | None:
    """The wrong answer that comes before an `answer`, if one does; the same observer slips at the same images."""
    if plan.flow.undo is None or _uniform(seed, plan.session, trial.stimulus_id) >= SLIPS:
        return None
    one, other = find(plan.kind).answers
    return in_one_step(replace(answer, response=other if answer.response == one else one), plan)


def with_slip(answer: Answer, slip: Answer) -> Answer:
    """An answer before whose confidence another one was taken back."""
    undone = {"response": slip.response, "response_time": slip.response_time, "time": slip.response_time}
    return replace(answer, more={**answer.more, "undone": [undone]})


def in_time(answer: Answer, limit_s: float | None, repeated: bool) -> Answer:
    """A simulated answer under a time limit: none if it took longer, but in time when the image comes again."""
    if limit_s is None or answer.response_time is None or answer.response_time <= limit_s:
        return answer
    if repeated:
        return replace(answer, response_time=_IN_TIME * limit_s)
    return Answer(None, None, None, None)


def _uniform(*parts: object) -> float:
    """A draw from 0 to 1 fixed by its name."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, ("slip", *parts))).encode()).digest()[:7], "big") / 2**56

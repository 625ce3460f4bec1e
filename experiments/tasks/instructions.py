"""What a participant reads on each screen, put together from phrases. Nothing here depends on which session it is."""

from __future__ import annotations

from data.kinds.keys import key_read
from data.kinds.registry import find
from data.plan import Plan
from data.texts.phrases import shared
from experiments.tasks.buttons import labels


def consent(plan: Plan) -> str:
    """The consent text and how to agree; empty if the task has none."""
    text = plan.text.consent
    return text and f"{text}\n\n{_say(plan, 'agree')}"


def instructions(plan: Plan, done: int = 0) -> str:
    """What to do, how to answer, and how many images of each kind to expect; `done` main trials are over."""
    kind = find(plan.kind)
    levels, practice = _levels(plan), len(plan.practice)
    opening = [plan.text.instructions] if plan.text.instructions else kind.opening(plan)
    return "\n\n".join(
        [
            *opening,
            *kind.always_told(plan),
            kind.how_to_answer(plan),
            *([_say(plan, "say_how_sure", levels=levels)] if levels else []),
            *([_say(plan, "practice_count", count=practice)] if practice and not done else []),
            *([_done(plan, done)] if done else []),
            *_exposure(plan),
            *_flow(plan),
            _say(plan, "begin"),
        ]
    )


def practice(plan: Plan) -> str:
    """What the confidence scale means, if there is one, before the first practice trial."""
    levels = _levels(plan)
    usual = "practice_rate" if plan.rating_levels else "practice_rated" if levels else "practice_unrated"
    told = plan.text.practice or _say(plan, usual)
    if plan.rating_levels:
        return "\n\n".join([told, find(plan.kind).how_to_answer(plan), _say(plan, "begin")])
    return "\n\n".join([told, *([_say(plan, "scale", levels=levels)] if levels else []), _say(plan, "begin")])


def practice_over(plan: Plan) -> str:
    return f"{_say(plan, 'practice_over')}\n\n{_say(plan, 'begin')}"


def pause(plan: Plan, done: int) -> str:
    """Between two blocks, with the keys once more; `done` trials, without practice, are over."""
    told = plan.text.pause or _say(plan, "break")
    return "\n\n".join([told, _done(plan, done), find(plan.kind).how_to_answer(plan), _say(plan, "continue")])


def repeat(plan: Plan) -> str:
    """Before images that were not answered in time come again."""
    return "\n\n".join([_say(plan, "repeat"), find(plan.kind).how_to_answer(plan), _say(plan, "continue")])


def thanks(plan: Plan) -> str:
    return f"{plan.text.thanks or _say(plan, 'thank_you')}\n\n{_say(plan, 'close')}"


def prompt(plan: Plan) -> str:
    """What is asked once images of a fixed exposure have gone: the question, and which key means what."""
    return find(plan.kind).how_to_answer(plan)


def stop_question(plan: Plan) -> str:
    return _say(plan, "stop_question")


def confidence_question(plan: Plan) -> str:
    """The question after each image, whose numbers are below it."""
    return _say(plan, "how_sure", levels=plan.confidence_levels)


def reminder(plan: Plan) -> str:
    """Which key means what, and below it which one takes the answer back, unless there is a button for that."""
    undo = plan.flow.undo if not plan.flow.touch else None
    hint = _say(plan, "undo_hint", key=key_read(plan.phrases, undo, short=True)) if undo else ""
    return "\n".join(filter(None, [find(plan.kind).reminder(plan), hint]))


def between_texts(plan: Plan) -> list[str]:
    """What is read besides the texts of a session's states: questions, footers and buttons."""
    scale = [confidence_question(plan)] if _levels(plan) else []
    repeated = [repeat(plan)] if plan.flow.missed == "repeat" else []
    return [*scale, *repeated, *labels(plan), stop_question(plan), page_footer(plan, 2, 3), reminder(plan)]


def page_footer(plan: Plan, page: int, pages: int) -> str:
    """Where in a text of several pages the reader is, and how to turn them; empty for a single page."""
    if pages == 1:
        return ""
    turns = [*(["next_page"] if page < pages else []), *(["previous_page"] if page > 1 else [])]
    return "     ".join([_say(plan, "page", page=page, pages=pages), *(_say(plan, turn) for turn in turns)])


def _exposure(plan: Plan) -> list[str]:
    """How long images stay, if that is fixed, and when to answer."""
    if plan.exposure_s is None:
        return []
    duration = _duration(plan, plan.exposure_s)
    if not find(plan.kind).answered_while_shown:
        return [_say(plan, "target_shown", duration=duration)]
    return [_say(plan, "image_shown" if find(plan.kind).beside == 1 else "pair_shown", duration=duration)]


def _flow(plan: Plan) -> list[str]:
    """What comes before each image, how to correct a slip, how much time there is, and how to stop."""
    flow = plan.flow
    told = [_say(plan, "look_at_mark")] if flow.fixation_s is not None else []
    told += [_say(plan, "may_undo", key=key_read(plan.phrases, flow.undo))] if flow.undo else []
    told += [_say(plan, "may_touch")] if flow.touch else []
    if flow.timeout_s is None:
        return [*told, _say(plan, "take_your_time")]
    limit = _say(
        plan,
        "time_limit_repeat" if flow.missed == "repeat" else "time_limit",
        duration=_duration(plan, flow.timeout_s),
    )
    return [*told, limit, _say(plan, "may_stop")]


def _levels(plan: Plan) -> int:
    """How many numbers there are to say how sure; none where a rating says so already."""
    return 0 if plan.rating_levels else plan.confidence_levels


def _duration(plan: Plan, seconds: float) -> str:
    number = f"{seconds:g}".replace(".", _say(plan, "decimal_sign"))
    return _say(plan, "one_second") if seconds == 1 else _say(plan, "seconds", seconds=number)


def _done(plan: Plan, done: int) -> str:
    return _say(plan, "done", done=done, trials=len(plan.trials) - len(plan.practice))


def _say(plan: Plan, phrase: str, **values: object) -> str:
    return shared(plan.phrases, phrase, **values)

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.kinds.registry import find, names
from data.plan import Plan, Text
from data.study import StudyFile
from data.texts.phrases import read_language
from experiments.session.design import draw_plan
from experiments.session.states import Step, route, words
from experiments.tasks import instructions as wording
from stimuli.sets import StimulusSet


@pytest.fixture
def plan(small_set: StimulusSet, make_study: Callable[..., StudyFile]) -> Plan:
    """4 practice trials, then 23 others in blocks of 12 and 11."""
    study = make_study(task={"blocks": 2}, trials=20, practice_trials=4, catch_trials=3)
    return draw_plan(small_set, study, "p1", 1, 0)


def numbers(steps: list[Step]) -> list[tuple[str, list[int]]]:
    return [(step.state, [trial.trial for trial in step.trials]) for step in steps]


def test_a_session_goes_through_practice_blocks_and_a_break(plan: Plan) -> None:
    steps = route(plan)
    assert numbers(steps) == [
        ("instructions", []),
        ("practice", [1, 2, 3, 4]),
        ("block", list(range(5, 17))),
        ("break", []),
        ("block", list(range(17, 28))),
        ("thanks", []),
    ]
    assert [step.block for step in steps] == [None, None, 1, None, 2, None]
    assert "12 of 23" in steps[3].text


def test_consent_comes_first_where_there_is_a_text_and_once(plan: Plan) -> None:
    asking = plan.model_copy(update={"text": Text(consent="We store your answers.")})
    first = route(asking)[0]
    assert first.state == "consent"
    assert "We store your answers." in first.text
    assert "SPACE if you agree" in first.text
    assert route(asking, frozenset({1}), resumed=True)[0].state == "consent"
    assert route(asking, frozenset({1}), resumed=True, agreed=True)[0].state == "instructions"


@pytest.mark.parametrize("done", range(27))
def test_what_was_answered_is_never_shown_again_and_the_rest_is_shown_once(plan: Plan, done: int) -> None:
    steps = route(plan, frozenset(range(1, done + 1)), resumed=True)
    counted = [trial.trial for step in steps if step.state != "warm-up" for trial in step.trials]
    assert counted == list(range(done + 1, 28))
    assert steps[0].state == "instructions"
    warm_up = [[trial.role for trial in step.trials] for step in steps if step.state == "warm-up"]
    assert warm_up == ([["practice", "practice"]] if done >= 4 else [])
    assert [step.state for step in steps].count("break") == (1 if done < 16 else 0)


def test_a_break_says_how_far_it_is_also_after_a_resume(plan: Plan) -> None:
    steps = route(plan, frozenset(range(1, 11)), resumed=True)
    assert ["12 of 23" in step.text for step in steps if step.state == "break"] == [True]


def test_without_practice_there_is_none_to_warm_up_with(plan: Plan) -> None:
    main = [trial.model_copy(update={"trial": n}) for n, trial in enumerate(plan.trials[4:], start=1)]
    bare = plan.model_copy(update={"trials": tuple(main)})
    assert [step.state for step in route(bare, frozenset({1}), resumed=True)] == [
        "instructions",
        "block",
        "break",
        "block",
        "thanks",
    ]
    assert route(bare)[1].text == ""


def test_a_tasks_own_words_are_shown_and_what_must_be_true_stays(plan: Plan) -> None:
    own = {"instructions": "Look well.", "practice": "Try it.", "pause": "Stretch.", "thanks": "Done."}
    spoken = plan.model_copy(update={"text": Text(**own)})
    texts = {step.state: step.text for step in route(spoken)}
    for state, said in (("instructions", "Look well."), ("practice", "Try it."), ("break", "Stretch.")):
        assert texts[state].startswith(said)
    assert texts["thanks"].startswith("Done.")
    for told in ("About 50%", "LEFT arrow", "RIGHT arrow", "1 (a guess) to 4 (certain)", "ESC"):
        assert told in texts["instructions"]
    assert "1 (a guess) to 4 (certain)" in texts["practice"]


def test_counterbalanced_keys_are_told_as_they_are(plan: Plan) -> None:
    turned = plan.model_copy(update={"keys": {"real": "right", "generated": "f"}})
    text = wording.instructions(turned)
    assert "Is the image real? Press the RIGHT arrow key." in text
    assert "Was it generated? Press the F key." in text


@pytest.mark.parametrize("kind", names())
@pytest.mark.parametrize("language", ["ja", "zh"])
def test_nothing_of_english_is_left_in_another_language(plan: Plan, kind: str, language: str) -> None:
    """In scripts other than ours a forgotten phrase shows: a word of two small letters or more."""
    known = {name: find(name).phrases for name in names()}
    _, phrases, _ = read_language(language, Path(), known)
    shown: dict[str, Any] = {"kind": kind, "phrases": phrases, "exposure_s": 0.5}
    if not find(kind).keys:
        shown["keys"] = {}
    else:
        shown["keys"] = dict(zip(find(kind).answers, ("left", "f"), strict=True))
    read = words(plan.model_copy(update=shown))
    assert not re.findall("[a-z]{2,}", read.replace("Enter", ""))  # as the Enter key is called in Japanese too


def test_a_language_may_have_a_decimal_comma(plan: Plan) -> None:
    _, phrases, _ = read_language("de", Path(), {name: find(name).phrases for name in names()})
    german = plan.model_copy(update={"phrases": phrases, "exposure_s": 0.5})
    assert "Jedes Bild ist 0,5 Sekunden lang zu sehen." in route(german)[0].text

"""Serial dependence of answers: tables by hand, simulated observers, nulls from re-drawn orders."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.special import expit

from analysis.firth import firth
from analysis.serial.effects import Effect, group_effect
from analysis.serial.serial import Serial, serial_dependence
from analysis.serial.tables import orders, sessions, tables, usable

R, G = "real", "generated"
Flags = npt.NDArray[np.bool_]
Refuses = Callable[[str], AbstractContextManager[Any]]


def test_pairs_across_gaps_and_without_answers_are_left_out() -> None:
    """Of ten trials the first, one after a break and one after a missing number follow none; two lack an answer."""
    frame = pd.DataFrame(
        {
            "participant": "p",
            "trial": [1, 2, 3, 4, 5, 7, 8, 9, 10, 11],
            "truth": [R, G] * 5,
            "response": [R, G, G, R, R, G, None, R, G, G],
            "after_gap": [False] * 3 + [True] + [False] * 6,
        }
    )
    (session,) = sessions(frame, confidence=False)
    shown = np.arange(10)[None]
    #                                 2     3     4      5     7      8      9      10    11
    assert usable(session, shown, 1)[0].tolist() == [True, True, False, True, False, False, False, True, True]
    assert usable(session, shown, -1)[0].tolist() == usable(session, shown, 1)[0].tolist()
    assert usable(session, shown, 2)[0].tolist() == [True, False, False, False, False, True, False, True]
    one = serial_dependence(frame, redraws=5).participants[0]
    assert (one.pairs, one.unlinked, one.unanswered) == (5, 3, 2)


def test_counts_are_those_of_the_pairs() -> None:
    """Every pair of a random session, written out; the design holds ±½ and the polynomial of its tenth."""
    frame = _group(1, trials=60, seed=1)
    (session,) = sessions(frame, confidence=True)
    design, counts = tables(session, np.arange(60)[None], 1, ["response", "truth", "confidence"], 2)
    generated, said = (frame[name].to_numpy() == G for name in ("truth", "response"))
    sure = frame["confidence"] - frame["confidence"].mean()
    expected = []
    for t in range(1, 60):
        before = said[t - 1] - 0.5
        u = (2 * (t // 6) + 1) / 10 - 1
        row = [1, before, generated[t - 1] - 0.5, before * sure[t - 1], generated[t] - 0.5, u, 1.5 * u**2 - 0.5]
        expected.append((*row, said[t]))
    rows = [
        (*row, answer)
        for row, pair in zip(design, counts[0], strict=True)
        for answer in (0, 1)
        for _ in range(int(pair[answer]))
    ]
    np.testing.assert_allclose(_sorted(rows), _sorted(expected), atol=1e-12)


def test_catch_trials_precede_but_are_not_explained() -> None:
    frame = _group(1, trials=20, seed=2).assign(role=["main", "catch", "main", "main"] * 5)
    one = serial_dependence(frame, redraws=5).participants[0]
    assert (one.pairs, one.unlinked) == (14, 1)


def test_order_of_rows_and_seed() -> None:
    frame = _group(3, seed=3)
    first = serial_dependence(frame, redraws=20, seed=4)
    assert serial_dependence(frame.sample(frac=1, random_state=1), redraws=20, seed=4) == first
    assert serial_dependence(frame, redraws=20, seed=5) != first
    assert list(first.by_participant()["participant"]) == ["p000", "p001", "p002"]
    assert first.to_frame()["previous_response_n"][0] == 3


def test_swapping_the_words_keeps_every_effect() -> None:
    """Attraction is attraction whichever answer is called "generated"."""
    frame = _group(2, seed=4, attraction=0.5)
    swapped = frame.replace({"truth": {R: G, G: R}, "response": {R: G, G: R}})
    for a, b in zip(*(serial_dependence(one, redraws=1).participants for one in (frame, swapped)), strict=True):
        assert b.previous_response.raw == pytest.approx(a.previous_response.raw, abs=1e-5)
        assert b.previous_truth.raw == pytest.approx(a.previous_truth.raw, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("attraction", [0.8, -0.8])
def test_a_known_dependence_is_recovered_with_its_sign(attraction: float) -> None:
    """60 participants x 200 trials; the mean's standard error is .04, the bias left .05 (it was .1 raw)."""
    result = serial_dependence(_group(60, trials=200, seed=5, attraction=attraction), redraws=60)
    assert result.previous_response.mean == pytest.approx(attraction, abs=0.15)
    assert result.previous_response.low < attraction + 0.1
    assert result.previous_response.high > attraction - 0.1
    assert result.previous_response.p == pytest.approx(2 / 61)
    assert abs(result.previous_truth.mean) < 0.15
    assert result.next_truth.p > 0.02
    # Died out five trials on.
    assert abs(result.earlier_response.mean) < 0.3


@pytest.mark.slow
def test_previous_truth_and_confidence_are_told_apart_from_the_response() -> None:
    result = serial_dependence(
        _group(60, trials=200, seed=6, truth_effect=0.8, by_confidence=0.4), redraws=60, confidence=True
    )
    assert result.confidence is not None
    assert result.previous_truth.mean == pytest.approx(0.8, abs=0.15)
    assert result.confidence.mean == pytest.approx(0.4, abs=0.12)
    assert abs(result.previous_response.mean) < 0.15
    # The next truth cannot have acted.
    assert abs(result.next_truth.mean) < 0.15


def test_the_next_response_is_no_control() -> None:
    """Under attraction, lag −1 with the next response finds the same as lag 1; the next truth alone finds nothing."""
    values = []
    for session in sessions(_group(30, trials=200, seed=15, attraction=1.0), confidence=False):
        shown = np.arange(200)[None]
        values.append([firth(*tables(session, shown, lag, ["response", "truth"], 3))[0][0, 1] for lag in (1, -1)])
    before, after = np.mean(values, axis=0)
    assert before > 0.7
    assert after == pytest.approx(before, abs=0.02)


@pytest.mark.slow
def test_capped_runs_need_the_plans_own_sampler() -> None:
    """A cap of 2 on runs, d′ about 1.2, no dependence; 80 participants x 39 orders (so p = .05 can be hit exactly).

    Answers repeat in fewer than half of the pairs, as truths do: bare repetition would read as repulsion.
    Under the plan's cap the effect is 0 and p keeps its level (standard error about .012). A plain
    shuffle gets the method's bias wrong by .04 log-odds: little, since truth is in the model.
    """
    frame = _group(80, seed=107, sampler=capped(2), sensitivity=2.0)
    said = frame["response"].to_numpy().reshape(80, 100)
    assert np.mean(said[:, 1:] == said[:, :-1]) < 0.47
    right, naive = (serial_dependence(frame, max_run, redraws=39) for max_run in (2, None))
    assert right.order != naive.order
    assert abs(right.previous_response.mean) < 0.15
    names = ("previous_response", "previous_truth", "next_truth", "earlier_response")
    p = right.by_participant()[[f"{name}_p" for name in names]].to_numpy()
    assert 0.015 < np.mean(p < 0.0501) < 0.09
    assert min(getattr(right, name).p for name in names) > 0.01
    expected = [one.by_participant()["previous_response_expected"].mean() for one in (right, naive)]
    assert expected[0] - expected[1] > 0.015


@pytest.mark.slow
def test_drift_alone_passes_for_attraction_only_where_it_is_not_modelled() -> None:
    """A criterion that moves by 2.4 over the session, nothing else; 60 participants.

    Without drift terms both the previous and the earlier response seem to attract (the control shows it);
    with them neither does.
    """
    frame = _group(60, seed=8, drift=2.4)
    blind, aware = (serial_dependence(frame, redraws=60, drift=degree) for degree in (0, 3))
    assert blind.previous_response.mean > 0.3
    assert blind.earlier_response.mean > 0.2
    assert blind.earlier_response.p < 0.05
    assert abs(aware.previous_response.mean) < 0.15
    assert abs(aware.earlier_response.mean) < 0.15
    assert aware.previous_response.p > 0.02


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"response": R}, "only one answer was given"),
        ({"response": None}, "no two neighbouring trials"),
        ({"trial": range(1, 200, 2)}, "no two neighbouring trials"),
        ({"truth": R}, "one truth only"),
        ({"truth": [R, G] * 50}, "truths always alternate"),
    ],
)
def test_nothing_to_tell_is_undefined(change: dict[str, object], reason: str) -> None:
    result = serial_dependence(_group(1, seed=10).assign(**change), redraws=5)
    one = result.participants[0]
    assert math.isnan(one.previous_response.raw)
    assert math.isnan(one.previous_response.p)
    assert reason in str(one.reason)
    assert (result.previous_response.n, result.previous_response.undefined) == (0, 1)
    assert result.previous_response.reason == "no participant has a value"


def test_few_or_constant_trials_and_single_participants() -> None:
    frame = _group(1, seed=11)
    assert "too few pairs" in str(serial_dependence(frame[:4], redraws=5).participants[0].reason)
    constant = serial_dependence(frame.assign(confidence=2), redraws=5, confidence=True).participants[0]
    assert "confidence never varies" in str(constant.reason)
    single = serial_dependence(frame, redraws=5).previous_response
    assert single.reason == "one participant: no interval"
    assert math.isnan(single.low)
    assert not math.isnan(single.mean)
    empty = serial_dependence(frame[:0], redraws=5)
    assert (empty.participants, empty.previous_response.n) == ((), 0)
    assert empty.by_participant().empty


def test_separated_answers_stay_finite() -> None:
    """One mistake in a hundred trials: maximum likelihood would be infinite. None at all: nothing to tell apart."""
    frame = _group(1, seed=12).sort_values("trial")
    right = frame["truth"].tolist()
    one = serial_dependence(frame.assign(response=[*right[:50], R if right[50] == G else G, *right[51:]]), redraws=20)
    effect = one.participants[0].previous_response
    assert np.isfinite([effect.raw, effect.se, effect.p]).all()
    none = serial_dependence(frame.assign(response=right), redraws=20).participants[0]
    assert math.isnan(none.previous_response.raw)
    assert "every answer was correct" in str(none.reason)


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"truth": [R, "fake", *[R] * 98]}, "unknown-word", "truth is neither 'real' nor 'generated' (row 3)"),
        ({"response": ["fake", *[R] * 99]}, "unknown-word", "response is neither 'real' nor 'generated' (row 2)"),
        ({"trial": [1, 1, *range(3, 101)]}, "repeated-trial", "(row 2, 3)"),
        ({"role": ["practice", *["main"] * 99]}, "not-a-main-trial", "(row 2)"),
        ({"after_gap": [None, *[False] * 99]}, "missing-value", "after_gap is missing (row 2)"),
        ({"participant": [None, *["p000"] * 99]}, "missing-value", "participant is missing (row 2)"),
        ({"trial": [None, *range(2, 101)]}, "missing-value", "trial is missing (row 2)"),
    ],
)
def test_wrong_rows_are_refused_by_number(refuses: Refuses, change: dict[str, Any], code: str, told: str) -> None:
    with refuses(code) as caught:
        serial_dependence(_group(1, seed=13).assign(**change))
    assert told in str(caught.value)


def test_wrong_settings_are_refused(refuses: Refuses) -> None:
    frame = _group(1, seed=13)
    with refuses("missing-column"):
        serial_dependence(frame.drop(columns="response"))
    with refuses("out-of-range"):
        serial_dependence(frame, redraws=0)
    with refuses("out-of-range"):
        serial_dependence(frame, max_run=0)


def test_orders_start_with_the_one_shown() -> None:
    (session,) = sessions(_group(1, seed=14), confidence=False, max_run=2)
    drawn = orders(session, 30, np.random.default_rng(1))
    assert drawn.shape == (31, 100)
    assert drawn[0].tolist() == list(range(100))
    runs = session.generated[drawn[1:]]
    assert not (runs[:, :-2] & runs[:, 1:-1] & runs[:, 2:]).any()
    assert (np.sort(drawn, axis=1) == np.arange(100)).all()


@pytest.mark.parametrize("max_run", [None, 3])
def test_redrawn_orders_start_with_a_catch_trial_only_where_the_one_shown_does(max_run: int | None) -> None:
    for role, expected in ((["main", "catch"] * 50, True), (["catch", "main"] * 50, False)):
        (session,) = sessions(_group(1, seed=14).assign(role=role), confidence=False, max_run=max_run)
        drawn = orders(session, 30, np.random.default_rng(1))[1:]
        assert session.main[drawn[:, 0]].all() == expected


def test_the_trials_say_how_runs_were_capped() -> None:
    frame = _group(3, seed=17)
    names = frame["participant"]
    same = serial_dependence(frame.assign(max_run=3), redraws=9)
    assert same == serial_dependence(frame, max_run=3, redraws=9)
    assert serial_dependence(frame.assign(max_run=2), max_run=3, redraws=9) == same
    assert serial_dependence(frame.assign(max_run=None), redraws=9) == serial_dependence(frame, redraws=9)
    each = frame.assign(max_run=pd.array(names.map({"p000": 3, "p001": 5}), dtype="Int64"))
    mixed = serial_dependence(each, redraws=9)
    assert mixed.order == (
        "re-drawn with runs of one truth of at most 3 or 5, or without a limit, as each session's plan was"
    )
    five, free = serial_dependence(frame, max_run=5, redraws=9), serial_dependence(frame, redraws=9)
    own = (same.participants[0], five.participants[1], free.participants[2])
    assert mixed.participants == own
    assert serial_dependence(each[names < "p002"], redraws=9).order.endswith(
        "of at most 3 or 5 as each session's plan was"
    )


def test_a_session_with_two_caps_is_refused(refuses: Refuses) -> None:
    with refuses("contradictory-facts"):
        serial_dependence(_group(1, seed=17).assign(max_run=[3] * 99 + [4]))


def test_trials_that_fit_no_capped_order_say_so_and_leave_the_others_alone() -> None:
    frame = _group(3, seed=16)
    few = (frame["participant"] != "p001") | (frame["truth"] == R) | (frame["trial"] < 8)
    found = serial_dependence(frame[few], max_run=3, redraws=5)
    assert found.order == "re-drawn with runs of one truth of at most 3"
    assert [one.redraws for one in found.participants] == [5, 0, 5]
    assert "no order of these trials" in str(found.participants[1].reason)
    assert (found.previous_response.n, found.previous_response.undefined) == (2, 1)


def capped(longest: int) -> Callable[[Flags, np.random.Generator], npt.NDArray[np.int64]]:
    """A sampler uniform over the orders in which no truth comes more than `longest` times in a row.

    Truths are drawn one by one in proportion to the number of ways to continue: an implementation independent of
    `data.trial_order`, which draws runs.
    """
    known: dict[tuple[int, int], npt.NDArray[np.float64]] = {}

    def ways(real: int, generated: int) -> npt.NDArray[np.float64]:
        if (real, generated) not in known:
            table = np.zeros((real + 1, generated + 1, 2, longest + 1))
            for i in range(real + 1):
                for j in range(generated + 1):
                    for last in (0, 1):
                        for run in range(1, longest + 1):
                            onwards = 1.0 if i == j == 0 else 0.0
                            if i and (last == 1 or run < longest):
                                onwards += table[i - 1, j, 0, run + 1 if last == 0 else 1]
                            if j and (last == 0 or run < longest):
                                onwards += table[i, j - 1, 1, run + 1 if last == 1 else 1]
                            table[i, j, last, run] = onwards
            known[real, generated] = table
        return known[real, generated]

    def redraw(generated: Flags, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        left = [int(np.sum(~generated)), int(np.sum(generated))]
        table, last, run = ways(*left), -1, 0
        truths = np.empty(generated.size, dtype=np.bool_)
        for place, u in enumerate(rng.random(generated.size)):
            weights = []
            for kind in (0, 1):
                after = run + 1 if kind == last else 1
                rest = (left[0] - 1, left[1]) if kind == 0 else (left[0], left[1] - 1)
                weights.append(float(table[(*rest, kind, after)]) if left[kind] and after <= longest else 0.0)
            new = int(u * sum(weights) >= weights[0])
            run, last = (run + 1 if new == last else 1), new
            left[new] -= 1
            truths[place] = bool(new)
        order = np.empty(generated.size, dtype=np.int64)
        for kind in (False, True):
            order[truths == kind] = rng.permutation(np.flatnonzero(generated == kind))
        return order

    return redraw


def _group(
    participants: int,
    *,
    trials: int = 100,
    seed: int,
    sampler: Callable[[Flags, np.random.Generator], npt.NDArray[np.int64]] | None = None,
    sensitivity: float = 1.0,
    attraction: float = 0.0,
    truth_effect: float = 0.0,
    by_confidence: float = 0.0,
    drift: float = 0.0,
) -> pd.DataFrame:
    """Simulated participants whose log-odds of "generated" depend on the trial before as stated."""
    rng = np.random.default_rng(seed)
    half = np.arange(trials) % 2 == 1
    order = [sampler(half, rng) if sampler else rng.permutation(trials) for _ in range(participants)]
    generated = half[np.array(order)]
    sure = rng.integers(1, 5, generated.shape)
    said = np.zeros(generated.shape, dtype=np.bool_)
    slope = drift * rng.choice([-1, 1], participants)
    for t in range(trials):
        odds = sensitivity * (generated[:, t] - 0.5) + slope * (t / trials - 0.5)
        if t:
            strength = attraction + by_confidence * (sure[:, t - 1] - 2.5)
            odds = odds + strength * (said[:, t - 1] - 0.5) + truth_effect * (generated[:, t - 1] - 0.5)
        said[:, t] = rng.random(participants) < expit(odds)
    return pd.DataFrame(
        {
            "participant": np.repeat([f"p{n:03d}" for n in range(participants)], trials),
            "trial": np.tile(np.arange(1, trials + 1), participants),
            "truth": np.where(generated, G, R).ravel(),
            "response": np.where(said, G, R).ravel(),
            "confidence": sure.ravel(),
        }
    )


def _sorted(rows: list[tuple[float, ...]]) -> npt.NDArray[np.float64]:
    table = np.round(np.array(rows, dtype=float), 9)
    return table[np.lexsort(table.T)]


@pytest.mark.parametrize("shift", [0.0, 0.08])
def test_few_redraws_of_many_participants_give_the_groups_p_of_many(shift: float) -> None:
    """120 participants with nulls of SD .45: 60 redraws each, combined at random, against 1,000 each."""
    rng = np.random.default_rng(21)
    nulls = rng.normal(0, 0.45, (120, 1000))
    raw = rng.normal(shift, 0.45, 120)

    def p_of(redraws: int) -> float:
        kept = [null[:redraws] for null in nulls]
        means = [float(null.mean()) for null in kept]
        effects = [Effect(x, 0.45, m, x - m, x - m - 0.9, x - m + 0.9, 0.5) for x, m in zip(raw, means, strict=True)]
        return group_effect(effects, kept, 0.95, np.random.default_rng(2)).p

    few, many = p_of(60), p_of(1000)
    assert few == pytest.approx(many, abs=0.08)
    assert few != pytest.approx(round(few * 61 / 2) * 2 / 61, abs=1e-9)  # finer than 60 redraws of the group would give


@pytest.mark.slow
def test_a_large_group_is_fitted_with_few_redraws() -> None:
    found: Serial = serial_dependence(_group(100, trials=40, seed=22), redraws=10)
    steps = found.previous_response.p * 1001 / 2
    assert steps == pytest.approx(round(steps))  # 1,000 groups, though each participant has 10 orders

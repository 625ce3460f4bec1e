"""The section of the two-alternative report on confidence: the ROC of one place against the other."""

from __future__ import annotations

import math

from analysis.group.pairs import PairGroup, PairSession
from analysis.mrmc.other_methods import MOST
from analysis.report.figures import plots
from analysis.report.number_text import interval, number, share
from analysis.report.page import Block, Picture, Section, Table
from data.external_tables.read import TrialTable

METHODS = (
    "**Confidence.** Answer and confidence were joined into one rating of how surely the generated image was in the "
    "first of the two places; the area under the ROC of trials with it there against the others has DeLong’s variance "
    "{delong1988} and an interval symmetric on the logit scale {pepe2003}. If the evidence of the two images is "
    "compared, that area is Φ(d′), so d′ is its z {macmillan2005}."
)


def sections(answers: TrialTable, sessions: list[PairSession], found: PairGroup) -> tuple[Section, ...]:
    """The section, where there is any confidence."""
    if found.by_confidence is None:
        return ()
    mean = found.by_confidence
    bounds = f" ({mean.reason})" if math.isnan(mean.low) else f" ({interval(mean.low, mean.high)})"
    first, second = answers.words or ("left", "right")
    blocks: list[Block] = [
        f"With confidence each answer becomes a rating, from surely {second} to surely {first}. The mean d′ of the "
        f"ROCs of session 1 is {number(mean.mean)}{bounds}, over {mean.n} of {mean.n + mean.undefined} participants "
        "who rated. It does not depend on a preference for one place, and uses more of each answer than d′ at the "
        "answer; with few levels of confidence it is a little too small."
    ]
    rated = [one for one in sessions if one.ratings is not None]
    if len({one.participant for one in rated}) <= MOST:
        curves = {
            one.participant: (one.ratings.false_alarm_rate, one.ratings.hit_rate)
            for one in rated
            if one.ratings is not None and one.session == 1
        }
        figure = plots.curves(
            curves, f"P(“{first}” | {second}), by confidence", f"P(“{first}” | {first}), by confidence"
        )
        caption = (
            "ROC of every participant in session 1: each point is a level of confidence. The dashed line is guessing."
        )
        blocks += [Picture("roc", figure, caption, "Rating ROC curve of every participant."), _table(rated)]
    return (Section("Confidence", tuple(blocks)),)


def _table(rated: list[PairSession]) -> Table:
    header = ("Participant", "Session", "Rated", "Area\n95% CI", "d′ = z(area)\n95% CI", "d′ at the answer\n95% CI")
    rows, reasons = [], []
    for one in rated:
        curve, answer = one.ratings, one.measure
        assert curve is not None  # they are those with ratings
        area = f"{share(curve.area)}\n{interval(curve.area_low, curve.area_high, share)}"
        by_rating = f"{number(curve.dprime)}\n{interval(curve.low, curve.high)}"
        by_answer = f"{number(answer[0])}\n{interval(answer[2], answer[3])}"
        rows.append((one.participant, str(one.session), str(curve.rated), area, by_rating, by_answer))
        if curve.reason:
            reasons.append(f"{one.participant}, session {one.session}: {curve.reason}.")
    return Table(header, tuple(rows), note=" ".join(reasons))

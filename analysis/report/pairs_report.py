"""The report of the tasks with two images side by side."""

from __future__ import annotations

import math

from scipy.special import ndtri

from analysis.group import pairs
from analysis.group.one_sample import Mean
from analysis.group.pairs import PairGroup, PairSession
from analysis.report import plots
from analysis.report.page import number, p_phrase
from analysis.report.short_report import Leaflet, Picture, Results, Table
from analysis.sdt.outcomes import Correction
from analysis.sdt.same_different import SameDifferent
from data.answers import Answers
from data.study import StudyFile

_MOST = 60  # participants one by one on the page
_TITLES = {
    "two_alternative": ("Which of two is generated?", "Two-alternative forced choice"),
    "same_different": ("Same or different?", "Pairs of images of one kind, or of two"),
}
_RATES = (
    "Only main trials of session 1 enter the group’s results; later sessions are measured each for itself. Unanswered "
    "trials are left out and counted. %s; the standard errors of z follow Gourevitch and Galanter {gourevitch1967}."
)
_CORRECTIONS: dict[Correction, str] = {
    "log-linear": "Rates are corrected log-linearly, (x + .5)/(n + 1) {hautus1995}",
    "replace": "Rates of 0 and 1 are replaced by 1/(2n) and 1 − 1/(2n) {macmillan1985}",
    "none": "Rates are not corrected: where one is 0 or 1 nothing is given",
}
_MEANS = (
    "The mean over participants carries a t interval. The Bayes factor is the JZS t test’s {rouder2009}; the SD of "
    "true values between observers is what exceeds their standard errors (restricted maximum likelihood), its bounds "
    "by the Q-profile method {viechtbauer2007}. All take the images as given: they speak of other observers, not of "
    "other images."
)
_EQUIVALENCE = "That the mean lies within the bounds was tested by two one-sided t tests at 5 % {schuirmann1987}."
_TASKS = {
    "two_alternative": (
        "With H the share of answers naming one place when the generated image was there, and F when it was not, "
        "d′ = [z(H) − z(F)]/√2 and the bias between the places is c = −[z(H) + z(F)]/2 {macmillan2005}; d′ is in the "
        "units of the yes/no task."
    ),
    "same_different": (
        "A hit is “different” said of a different pair. d′ is given under two models {macmillan2005}: independent "
        "observations, and differencing, with bounds by the profile likelihood {christensen2009}. Neither can be below "
        "0, so the group’s mean is taken of z(H) − z(F), which is 0 on average at chance."
    ),
}


def results(answers: Answers, study: StudyFile | None = None, correction: Correction = "log-linear") -> Results:
    """Tables, summary and page. The study's ±δ bounds the mean d′ of forced choice; for same/different it has none."""
    delta = study.study.endpoint.delta if study else None
    bounded = delta is not None and answers.kind == "two_alternative"
    bound = math.sqrt(2) * float(ndtri(0.5 + delta)) if bounded and delta is not None else None
    sittings = pairs.measure(answers, correction)
    found = pairs.group(answers, sittings, bound)
    table = pairs.sessions_table(sittings)
    return Results({"group": found.to_dict()}, {"participants": table}, _leaflet(answers, sittings, found, correction))


def _leaflet(answers: Answers, sittings: list[PairSession], found: PairGroup, correction: Correction) -> Leaflet:
    title, under = _TITLES[answers.kind]
    name = "d′" if found.measure == "dprime" else "z(H) − z(F)"
    tost = () if found.tost is None else (_EQUIVALENCE,)
    first = [one for one in sittings if one.session == 1]
    shown = sittings if len(first) <= _MOST else []
    rows = {one.participant: (one.measure[0], *one.measure[2:]) for one in (first if shown else [])}
    band = None if found.tost is None else (-found.tost.bound, found.tost.bound)
    mean = (found.value.mean, found.value.low, found.value.high)
    figure = plots.forest(rows, mean, band, f"{name}, with 95 % interval", 0)
    grey = "" if band is None else "; grey: the study’s bounds"
    return Leaflet(
        title=title,
        under=f"{under}: session 1 of {found.participants} participants.",
        verdict=found.verdict.capitalize(),
        words=found.words,
        remarks=_remarks(found, name),
        pictures=[Picture("forest", figure, f"{name} of every participant, and the mean with its t interval{grey}.")],
        tables=[_table(answers, shown)] if shown else [],
        methods=(_RATES % _CORRECTIONS[correction], _TASKS[answers.kind], _MEANS, *tost),
        files={},
    )


def _remarks(found: PairGroup, name: str) -> list[str]:
    remarks = [f"Share of correct answers: {_mean(found.accuracy)}."]
    if found.value.undefined:
        remarks.append(
            f"The mean {name} is that of {found.value.n} of {found.participants} participants: {found.value.undefined} "
            "without a value left out (see the table for why)."
        )
    if found.independent and found.differencing:
        remarks.append(
            f"Mean d′ if each image is judged by itself: {_mean(found.independent)}; if the two are compared: "
            f"{_mean(found.differencing)}. Neither can be below 0, so observers at chance have means above it"
            + (f"; {found.independent.undefined} without a value are left out." if found.independent.undefined else ".")
        )
    sd = found.between
    bounds = "" if math.isnan(sd.high) else f" ({number(sd.low)} to {number(sd.high)})"
    remarks.append(f"SD of {name} between observers, beyond finite trials: {number(sd.tau)}{bounds}.")
    if found.tost is not None:
        inside = "is" if found.tost.equivalent else "is not"
        remarks.append(
            f"The mean {inside} shown to lie within ± {found.tost.bound:.2f} ({p_phrase(found.tost.p)}). These "
            "tests take the images as given, so they claim equivalence too often."
        )
    if found.jzs.reason is None:
        remarks.append(f"Bayes factor for no effect over an effect, BF₀₁: {number(found.jzs.bf01)}.")
    return remarks


def _table(answers: Answers, sittings: list[PairSession]) -> Table:
    name = "d′" if answers.kind == "two_alternative" else "z(H) − z(F)"
    header = ["Participant", "Session", "Answered", "Correct", name, "95% interval", "c"]
    header += ["d′ ind.", "d′ diff."] if answers.kind == "same_different" else []
    rows, reasons = [], []
    for one in sittings:
        found, (value, _, low, high) = one.found, one.measure
        answered = found.hits + found.misses + found.false_alarms + found.correct_rejections
        row = [one.participant, str(one.session), f"{answered}/{answered + found.unanswered}"]
        row += [number(found.accuracy), number(value), _bounds(low, high), number(found.criterion)]
        if isinstance(found, SameDifferent):
            row += [number(found.independent.dprime), number(found.differencing.dprime)]
        rows.append(row)
        why = found.independent.reason if isinstance(found, SameDifferent) else found.reason
        if why:
            reasons.append(f"{one.participant}, session {one.session}: {why}.")
    lean = f"“{answers.words[1]}”" if answers.words else "the second answer"
    note = f"A c above 0 leans towards {lean}. "
    return Table("Participants", header, rows, note + " ".join(reasons))


def _mean(found: Mean) -> str:
    bounds = "" if math.isnan(found.low) else f" ({_bounds(found.low, found.high)})"
    return f"{number(found.mean)}{bounds}"


def _bounds(low: float, high: float) -> str:
    return "n/a" if math.isnan(low) else f"{number(low)} to {number(high)}"

"""The report of the tasks with two images side by side: two-alternative forced choice and same/different."""

from __future__ import annotations

import math
from dataclasses import replace

from analysis.group import pairs
from analysis.group.bayes_factors import BayesFactor
from analysis.group.one_sample import Mean
from analysis.group.pair_statistics import find_statistic
from analysis.group.pairs import PairGroup, PairSession
from analysis.mrmc.other_methods import MOST
from analysis.report import pairs_confidence
from analysis.report.figures import plots
from analysis.report.number_text import interval, number, p_phrase
from analysis.report.page import Block, Page, Picture, Section, Table, verdict_note
from analysis.report.results import Results, versions
from analysis.report.sequences import methods as sequence_methods
from analysis.report.sequences import pair_sequence, sequence_section
from analysis.sdt.outcomes import Correction
from data.external_tables.read import TrialTable
from data.study import StudyFile

_RATES = (
    "Only main trials of session 1 enter the group’s results; each later session is analysed separately. Unanswered "
    "trials are left out and counted. %s; the standard errors of z follow Gourevitch and Galanter {gourevitch1967}."
)
_CORRECTIONS: dict[Correction, str] = {
    "log-linear": "Rates are corrected log-linearly, (x + .5)/(n + 1) {hautus1995}",
    "replace": "Rates of 0 and 1 are replaced by 1/(2n) and 1 − 1/(2n) {macmillan1985}",
    "none": "Rates are not corrected: where one is 0 or 1, nothing is reported",
}
_MEANS = (
    "The mean over participants has a t interval. The Bayes factor is the JZS t test’s {rouder2009}; the SD of true "
    "values between observers is the variation beyond their standard errors (restricted maximum likelihood), with "
    "bounds by the Q-profile method {viechtbauer2007}. All take the images as given: they generalise to other "
    "observers, not to other images."
)
_EQUIVALENCE = (
    "Equivalence of the mean to 0 within the bounds was tested by two one-sided t tests at 5% {schuirmann1987}."
)


def results(answers: TrialTable, study: StudyFile | None = None, correction: Correction = "log-linear") -> Results:
    """Tables, summary and page. The study's ±δ bounds the mean where the statistic has a bound."""
    delta = study.study.endpoint.delta if study else None
    bound_of = find_statistic(answers.measure).bound
    bound = None if delta is None or bound_of is None else bound_of(delta)
    sessions = pairs.measure(answers, correction)
    found = pairs.group(answers, sessions, bound)
    page = _page(answers, sessions, found, correction)
    tables = {"participants": pairs.sessions_table(sessions)}
    if found.by_confidence is not None:
        tables["ratings"] = pairs.ratings_table(sessions)
    ordered = pair_sequence(answers.trials, answers.words)
    if ordered is None or answers.words is None:
        return Results({"group": found.to_dict()}, tables, page)
    section = sequence_section([("", ordered)], answers.words)
    tables["sequence"] = ordered.table()
    summary = {"group": found.to_dict(), "sequence": ordered.table().to_dict("records")}
    methods = (*page.methods, sequence_methods([ordered]))
    return Results(summary, tables, replace(page, sections=(*page.sections, section), methods=methods))


def _page(answers: TrialTable, sessions: list[PairSession], found: PairGroup, correction: Correction) -> Page:
    statistic = find_statistic(found.measure)
    name = statistic.symbol
    tost = () if found.tost is None else (_EQUIVALENCE,)
    first = [one for one in sessions if one.session == 1]
    few = len(first) <= MOST
    rows = {one.participant: (one.measure[0], *one.measure[2:]) for one in (first if few else [])}
    band = None if found.tost is None else (-found.tost.bound, found.tost.bound)
    mean = (found.value.mean, found.value.low, found.value.high)
    figure = plots.forest(rows, mean, band, f"{name}, with 95% interval", 0)
    grey = "" if band is None else "; grey: the study’s bounds"
    caption = f"{name} of every participant, and the mean with its t interval{grey}."
    blocks: tuple[Block, ...] = (
        verdict_note(found.verdict, (found.words,)),
        *_remarks(found, name),
        Picture("forest", figure, caption, f"{name} of every participant with its interval, and the mean of all."),
    )
    return Page(
        title=statistic.title,
        subtitle=f"{statistic.task}: session 1 of {found.participants} "
        f"participant{'s' if found.participants != 1 else ''}.",
        summary=blocks,
        sections=(
            *((Section("Participants", (_table(answers, sessions),)),) if few else ()),
            *pairs_confidence.sections(answers, sessions, found),
        ),
        methods=(
            _RATES % _CORRECTIONS[correction],
            statistic.methods,
            *(() if found.by_confidence is None else (pairs_confidence.METHODS,)),
            _MEANS,
            *tost,
        ),
        inputs={},
        versions=versions(),
    )


def _bayes(jzs: BayesFactor) -> str:
    """The Bayes factor of the likelier side: the other's would often be printed as 0.00."""
    if jzs.bf10 > 1:
        return f"Bayes factor for an effect over no effect, BF₁₀: {number(jzs.bf10)}."
    return f"Bayes factor for no effect over an effect, BF₀₁: {number(jzs.bf01)}."


def _remarks(found: PairGroup, name: str) -> list[str]:
    remarks = [f"Share of correct answers: {_mean(found.accuracy)}."]
    if found.value.undefined:
        remarks.append(
            f"The mean {name} is that of {found.value.n} of {found.participants} participants: {found.value.undefined} "
            "without a value left out (the table says why)."
        )
    if found.independent and found.differencing:
        undefined = found.independent.undefined
        remarks.append(
            f"Mean d′ if each image is judged independently: {_mean(found.independent)}; if the two are compared: "
            f"{_mean(found.differencing)}. Neither can be below 0, so observers at chance have means above it"
            + (f"; {undefined} without a value {'is' if undefined == 1 else 'are'} left out." if undefined else ".")
        )
    sd = found.between
    bounds = "" if math.isnan(sd.high) else f" ({interval(sd.low, sd.high)})"
    remarks.append(f"SD of {name} between observers, beyond sampling error: {number(sd.tau)}{bounds}.")
    if found.tost is not None:
        inside = "is" if found.tost.equivalent else "is not"
        remarks.append(
            f"The mean {inside} shown to lie within ± {found.tost.bound:.2f} ({p_phrase(found.tost.p)}). These "
            "tests take the images as given, so they claim equivalence too often."
        )
    if found.jzs.reason is None:
        remarks.append(_bayes(found.jzs))
    return remarks


def _table(answers: TrialTable, sessions: list[PairSession]) -> Table:
    statistic = find_statistic(answers.measure)
    header = ["Participant", "Session", "Answered", "Correct", f"{statistic.symbol}\n95% CI", "c"]
    header += [f"d′\n{model}" for model in statistic.models]
    rows, reasons = [], []
    for one in sessions:
        found, (value, _, low, high) = one.found, one.measure
        answered = found.hits + found.misses + found.false_alarms + found.correct_rejections
        row = [one.participant, str(one.session), f"{answered}/{answered + found.unanswered}"]
        row += [number(found.accuracy), f"{number(value)}\n{interval(low, high)}", number(found.criterion)]
        row += [number(dprime(found).dprime) for dprime in statistic.models.values()]
        rows.append(tuple(row))
        why = statistic.reason(found)
        if why:
            reasons.append(f"{one.participant}, session {one.session}: {why}.")
    bias = f"“{answers.words[1]}”" if answers.words else "the second answer"
    note = " ".join((f"A criterion c above 0 is a bias towards {bias}.", *reasons))
    return Table(tuple(header), tuple(rows), note=note)


def _mean(found: Mean) -> str:
    bounds = "" if math.isnan(found.low) else f" ({interval(found.low, found.high)})"
    return f"{number(found.mean)}{bounds}"

"""The report of thresholds: which known fakes could these readers have seen?"""

from __future__ import annotations

from analysis.report.number_text import interval, p_value, share
from analysis.report.page import Page, Picture, Section, Table, verdict_note
from analysis.report.results import Results, versions
from analysis.report.scaling.figures import detection_figure
from analysis.scaling.detection import DetectionThreshold, DetectionThresholds, detection_thresholds
from analysis.sdt.outcomes import Correction
from data.external_tables.read import TrialTable
from data.study import StudyFile

_METHODS = (
    "Only main trials of session 1 were analysed. Each showed a known fake beside a real image, and the participant "
    "chose the fake. The level of the fake was chosen by QUEST+ {watson2017}, whose model is a cumulative normal of "
    "the logarithm of the level, between 50% and 100% less lapses. The threshold is the level at which 75% of choices "
    "are correct, lapses apart; given are posterior means with credible intervals of equal tails, under flat priors of "
    "the logarithms of threshold and spread, and of lapses up to 6%. The mean of participants is geometric, with a t "
    "interval of the logarithms.",
    "Beside them the same function was fitted by maximum likelihood {wichmann2001}, lapses up to 10%, with "
    "bias-corrected percentiles of the parametric bootstrap {efron1987}.",
)


def results(answers: TrialTable, _study: StudyFile | None = None, _correction: Correction = "log-linear") -> Results:
    """Tables, summary and page."""
    trials = answers.trials[(answers.trials["session"] == 1) & (answers.trials["role"] == "main")]
    known = {float(level) for facts in answers.facts.values() for level in facts.get("Levels") or ()}
    found = detection_thresholds(trials, levels=sorted(known))
    verdict, words = _verdict(found)
    page = Page(
        title="Threshold",
        subtitle=f"Which known fakes could be seen? {_people(found)}.",
        summary=(
            verdict_note(verdict, (words,)),
            *(
                f"The threshold of {one.participant} is only a bound: {one.reason}."
                for one in found.participants
                if one.reason
            ),
            Picture(
                "thresholds",
                detection_figure(found),
                "Share of correct choices at each level with Wilson’s 95% interval, the function at the posterior "
                "means, and the threshold with its credible interval.",
                "Psychometric function of every participant; the numbers are in the table below.",
            ),
        ),
        sections=(_participants(found),),
        methods=_METHODS,
        inputs={},
        versions=versions(),
    )
    summary = {
        "threshold": found.mean.to_dict(),
        "sd_log10": found.sd_log10,
        "bounded": found.bounded,
        "participants": [one.to_dict() for one in found.participants],
        "level": found.level,
    }
    return Results(summary, {"participants": found.by_participant()}, page)


def _verdict(found: DetectionThresholds) -> tuple[str, str]:
    size = f"{_level(found.mean.value)} ({found.level:.0%} {'CrI' if found.n == 1 else 'CI'} "
    size += f"{interval(found.mean.low, found.mean.high, _level)})"
    if found.bounded == found.n:
        return "not decided", (
            f"The thresholds of all {found.n} participants lie outside the levels that were shown, so what they could "
            f"have seen is known only as a bound, about {size}."
        )
    who = "this study’s reader tells" if found.n == 1 else "this study’s readers tell"
    bounds = f" {found.bounded} of {found.n} thresholds are only bounds." if found.bounded else ""
    mean = "" if found.n == 1 else f", the geometric mean of {_people(found)}"
    return "threshold measured", (
        f"Side by side, {who} a known fake from a real image in 75% of trials at a level of {size}{mean}. Fakes as "
        f"visible as that could have been seen.{bounds}"
    )


def _people(found: DetectionThresholds) -> str:
    return f"{found.n} participant{'s' if found.n != 1 else ''}"


def _level(value: float) -> str:
    return f"{value:.3g}"


def _participants(found: DetectionThresholds) -> Section:
    header = (
        "Participant",
        "Answers",
        "Correct",
        f"Threshold\n{found.level:.0%} CrI",
        "Spread\n(log10)",
        "Lapses",
        f"Maximum likelihood\n{found.level:.0%} CI",
        "Fit\np",
    )
    reasons = [f"{one.participant} has no fit: {one.fit_reason}." for one in found.participants if one.fit_reason]
    note = (
        "Spread: SD of the cumulative normal, in log10 units of level. Lapses: share of errors where the fake is "
        "plain. A small p of fit says that the function does not describe the answers."
    )
    return Section(
        "Participants", (Table(header, tuple(map(_row, found.participants)), note=" ".join([note, *reasons])),)
    )


def _row(one: DetectionThreshold) -> tuple[str, ...]:
    def cell(value: float, low: float, high: float) -> str:
        return f"{_level(value)}\n{interval(low, high, _level)}"

    return (
        one.participant,
        str(one.trials),
        share(one.correct),
        cell(one.threshold.value, one.threshold.low, one.threshold.high),
        f"{one.spread.value:.2f}",
        f"{one.lapse.value:.1%}",
        "n/a" if one.fit_reason else cell(one.fitted.value, one.fitted.low, one.fitted.high),
        p_value(one.fit_deviance_p),
    )

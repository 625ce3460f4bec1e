"""The report of matches on a loop: are they attracted to the image matched before?"""

from __future__ import annotations

import math

from analysis.mrmc.other_methods import MOST
from analysis.report.figures.serial_curve import serial_curve
from analysis.report.number_text import interval, number, p_phrase, p_value
from analysis.report.page import Page, Picture, Section, Table, verdict_note
from analysis.report.results import Results, versions
from analysis.sdt.outcomes import Correction
from analysis.serial.loop import GroupCurve, LoopSerial, errors, loop_serial_dependence
from analysis.serial.loop_history import LoopHistory, loop_history
from data.external_tables.read import TrialTable
from data.study import StudyFile

_ALPHA = 0.05
_METHODS = (
    "Only main trials of session 1 were analysed. Error is response less target, positive in the direction of the "
    "loop’s frames; each participant’s circular mean error and position bias (least squares on sine and cosine of one "
    "and two times the target’s position) were removed first. The first trial, and those after a break or a missing "
    "trial, have no previous target.",
    "What is left was described as a function of previous less present target by a derivative of Gaussian "
    "{fischer2014}, fitted to all participants’ trials together by least squares over widths from 10° to 90°. A "
    "positive amplitude is attraction to the previous target. p is from shuffles of the differences within each "
    "participant, fitted alike; bounds are expanded percentiles {hesterberg2015} of resampled participants. The "
    "control puts the next target in place of the previous one: it cannot have had an effect.",
)


def results(answers: TrialTable, _study: StudyFile | None = None, _correction: Correction = "log-linear") -> Results:
    """Tables, summary and page."""
    trials = answers.trials[(answers.trials["session"] == 1) & (answers.trials["role"] == "main")]
    found = loop_serial_dependence(trials)
    pairs = errors(trials)
    history = loop_history(trials, found.previous.width_deg)
    summary = {
        "previous": found.previous.to_dict(),
        "next": found.next.to_dict(),
        "history": [one.to_dict() for one in history.effects],
        "harmonics": found.harmonics,
        "level": found.level,
    }
    caption = (
        "Error of the match, with its mean and position bias removed, against the position of the previous target "
        "relative to the present one. The curve is the fitted derivative of Gaussian; the dashed curve is the "
        "control’s."
    )
    alt = "Mean error of the match in bins of the difference of targets, with the fitted curve and the control’s."
    verdict, words = _verdict(found)
    few = len(found.participants) <= MOST
    page = Page(
        title="Matching on a loop",
        subtitle=f"Do matches depend on the previous image? {len(found.participants)} participants.",
        summary=(
            verdict_note(verdict, (words,)),
            *_remarks(found),
            Picture("serial", serial_curve(pairs, found.previous, found.next), caption, alt),
        ),
        sections=(_history(history), *((Section("Participants", (_table(found),)),) if few else ())),
        methods=_METHODS,
        inputs={},
        versions=versions(),
    )
    tables = {"participants": found.by_participant(), "pairs": pairs, "history": history.table()}
    return Results(summary, tables, page)


def _verdict(found: LoopSerial) -> tuple[str, str]:
    previous = found.previous
    if math.isnan(previous.p):
        return "not decided", f"There is no curve: {previous.reason}."
    size = f"amplitude {_curve(previous)}, {p_phrase(previous.p)}"
    if previous.p >= _ALPHA:
        return "no dependence shown", f"Matches are not shown to depend on the previous target: {size}."
    direction = "attracted to" if previous.amplitude_deg > 0 else "repelled from"
    if not found.next.p >= _ALPHA:
        return "not decided", (
            f"Matches seem {direction} the previous target ({size}), but so does the control with the next target, "
            f"which cannot have had an effect (amplitude {_curve(found.next)}, {p_phrase(found.next.p)}): something "
            "else makes successive trials similar."
        )
    return "serial dependence", f"Matches are {direction} the previous target: {size}."


def _remarks(found: LoopSerial) -> list[str]:
    remarks = [
        f"The control, the next target: amplitude {_curve(found.next)}, {p_phrase(found.next.p)}.",
        f"Trials without a preceding trial: {sum(one.unlinked for one in found.participants)}; without a "
        f"response: {sum(one.unanswered for one in found.participants)}.",
    ]
    return remarks + [f"Note: {one.reason}." for one in (found.previous,) if one.reason]


def _history(found: LoopHistory) -> Section:
    text = (
        "Is a match drawn to the image before, or to what the participant made of it? Both, and the target two trials "
        f"back, in one regression, each through a derivative of Gaussian that peaks at {number(found.width_deg, 0)}° "
        "(the curve fitted above). Responses are near their targets, so the first two are told apart only where "
        "matches were imprecise: their intervals are wide otherwise."
    )
    rows = tuple(
        (one.name, f"{number(one.amplitude_deg)}\n{interval(one.low, one.high)}", p_value(one.p), str(one.n))
        for one in found.effects
    )
    header = ("Effect", f"Amplitude (°)\n{found.level:.0%} CI", "p", "Participants")
    reasons = [f"{one.name}: {one.reason}." for one in found.effects if one.reason]
    note = "Positive is attraction; p of a t test over participants."
    return Section(
        "Previous target and previous response", (text, Table(header, rows, note=" ".join([note, *reasons])))
    )


def _table(found: LoopSerial) -> Table:
    header = ("Participant", "Trials", "Amplitude (°)", "Width (°)", "p", "Control (°)", "Mean error (°)", "SD (°)")
    rows = []
    for one in found.participants:
        previous = one.previous
        rows.append(
            (
                one.participant,
                str(previous.trials),
                number(previous.amplitude_deg),
                number(previous.width_deg, 0),
                p_value(previous.p),
                number(one.next.amplitude_deg),
                number(one.constant_deg),
                number(one.spread_deg),
            )
        )
    reasons = [f"{one.participant}: {one.previous.reason}." for one in found.participants if one.previous.reason]
    note = (
        "A positive amplitude is attraction. The mean error was removed before fitting; SD is that of the errors then "
        "left."
    )
    return Table(header, tuple(rows), note=" ".join((note, *reasons)))


def _curve(one: GroupCurve) -> str:
    bounds = "" if math.isnan(one.amplitude_low) else f" ({interval(one.amplitude_low, one.amplitude_high)})"
    return f"{number(one.amplitude_deg)}°{bounds} at {number(one.width_deg, 0)}°"

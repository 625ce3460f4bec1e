"""The report of matches on a loop: are they drawn to the image matched before?"""

from __future__ import annotations

import math

from analysis.report.loop_plot import serial_curve
from analysis.report.page import number, p_phrase
from analysis.report.short_report import Leaflet, Picture, Results, Table, p_value
from analysis.sdt.rates import Correction
from analysis.serial import loop as serial_loop
from analysis.serial.loop import GroupCurve, LoopSerial
from data.external_tables import TrialTable
from data.study import StudyFile

_MOST = 60  # participants one by one on the page
_ALPHA = 0.05
_METHODS = (
    "Only main trials of session 1 were analysed. Error is response less target, positive in the direction of the "
    "loop’s frames; each participant’s circular mean error, and errors that depend on the place on the loop (least "
    "squares on sine and cosine of one and two times the target’s place), were removed first. The first trial, and "
    "those after a break or a missing trial, have no previous target.",
    "What is left was described as a function of previous less present target by a derivative of Gaussian "
    "{fischer2014}, fitted to all participants’ trials together by least squares over widths from 10° to 90°. A "
    "positive amplitude is attraction to the previous target. p is from shuffles of each participant’s differences "
    "over his own trials, fitted alike; bounds are expanded percentiles {hesterberg2015} of resampled participants. "
    "The next target in place of the previous one is the control: it cannot have acted.",
)


def results(answers: TrialTable, study: StudyFile | None = None, correction: Correction = "log-linear") -> Results:  # noqa: ARG001
    """Tables, summary and page; neither a study's bounds nor rates bear on matches."""
    trials = answers.trials[(answers.trials["session"] == 1) & (answers.trials["role"] == "main")]
    found = serial_loop.from_matches(trials)
    pairs = serial_loop.errors(trials)
    summary = {
        "previous": found.previous.to_dict(),
        "next": found.next.to_dict(),
        "harmonics": found.harmonics,
        "level": found.level,
    }
    figure = serial_curve(pairs, found.previous, found.next)
    caption = (
        "Error of the match, its bias and its dependence on the place removed, against where the previous target was. "
        "The curve is the fitted derivative of Gaussian; the dashed one is the control’s."
    )
    verdict, words = _judge(found)
    leaflet = Leaflet(
        title="Matching on a loop",
        under=f"Do matches lean on the image before? {len(found.participants)} participants.",
        verdict=verdict,
        words=words,
        remarks=_remarks(found),
        pictures=[Picture("serial", figure, caption)],
        tables=[_table(found)] if len(found.participants) <= _MOST else [],
        methods=_METHODS,
        files={},
    )
    return Results(summary, {"participants": found.by_participant(), "pairs": pairs}, leaflet)


def _judge(found: LoopSerial) -> tuple[str, str]:
    previous = found.previous
    if math.isnan(previous.p):
        return "Not decided", f"There is no curve: {previous.reason}."
    size = f"amplitude {_curve(previous)}, {p_phrase(previous.p)}"
    if previous.p >= _ALPHA:
        return "No dependence shown", f"Matches are not shown to depend on the previous target: {size}."
    side = "drawn to" if previous.amplitude_deg > 0 else "pushed away from"
    if not found.next.p >= _ALPHA:
        return "Not decided", (
            f"Matches look {side} the previous target ({size}), but the control shows the like of the next one, which "
            f"cannot have acted (amplitude {_curve(found.next)}, {p_phrase(found.next.p)}): something else makes "
            "neighbours alike."
        )
    return "Serial dependence", f"Matches are {side} the previous target: {size}."


def _remarks(found: LoopSerial) -> list[str]:
    remarks = [
        f"The control, the next target: amplitude {_curve(found.next)}, {p_phrase(found.next.p)}.",
        f"Trials without a neighbour before them: {sum(one.unlinked for one in found.participants)}; without a "
        f"response: {sum(one.unanswered for one in found.participants)}.",
    ]
    return remarks + [f"Note: {one.reason}." for one in (found.previous,) if one.reason]


def _table(found: LoopSerial) -> Table:
    header = ("Participant", "Trials", "Amplitude (°)", "Width (°)", "p", "Control (°)", "Mean error (°)", "SD (°)")
    rows = []
    for one in found.participants:
        previous = one.previous
        row = [one.participant, str(previous.trials), number(previous.amplitude_deg), number(previous.width_deg, 0)]
        row += [p_value(previous.p), number(one.next.amplitude_deg)]
        rows.append([*row, number(one.constant_deg), number(one.spread_deg)])
    reasons = [f"{one.participant}: {one.previous.reason}." for one in found.participants if one.previous.reason]
    note = "A positive amplitude is attraction. Mean error is what was removed, SD that of what is left."
    return Table("Participants", header, rows, " ".join((note, *reasons)))


def _curve(one: GroupCurve) -> str:
    bounds = "" if math.isnan(one.amplitude_low) else f" ({number(one.amplitude_low)} to {number(one.amplitude_high)})"
    return f"{number(one.amplitude_deg)}°{bounds} at {number(one.width_deg, 0)}°"

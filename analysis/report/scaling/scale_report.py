"""The report of a perceptual scale: is a loop even to the eye, and how long is it?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import chi2

from analysis.report.figures.render import Format
from analysis.report.number_text import interval, number, p_phrase, p_value, share
from analysis.report.page import Block, Fact, Facts, Note, Page, Picture, Section, Small, Table
from analysis.report.results import Results, summarised, versions, write
from analysis.report.scaling.figures import scale_figure
from analysis.scaling.outcome import DifferenceScale, ParticipantScale
from data.files import refuse_occupied
from data.scales import FILE, LoopIdentity, Scale, scale_bytes

_ALPHA = 0.05
_SIMULATED = Note(
    "These are simulated observers, not people.",
    ("Their scale shows that the procedure works; it says nothing about how the images look.",),
    "warning",
)
_DISTANCES = {
    "arc": "the shorter way round the loop",
    "chord": "straight across, as if the loop were a circle",
    "path": "along the path",
}


def save_scale(
    found: DifferenceScale,
    out: Path,
    inputs: Mapping[str, str],
    loop: LoopIdentity | None = None,
    *,
    more: Mapping[str, bytes] | None = None,
    simulated: bool = False,
    formats: Sequence[Format] | None = None,
) -> dict[str, Any]:
    """Write a new folder: `steps.tsv`, `positions.tsv`, `participants.tsv`, `summary.json`, `scale.json` (from which a
    loop in even steps is made), the figure and `report.html`. Returns the summary.

    `inputs` maps files to their SHA-256, `more` names of further files to their content. Raises `LookalikeError` if
    `out` holds anything; nothing is written then.
    """
    refuse_occupied(out)
    results = scale_results(found, inputs, simulated=simulated)
    write(results, out, formats=formats, more={FILE: scale_bytes(scale_of(found, loop)), **(more or {})})
    return results.summary


def scale_of(found: DifferenceScale, loop: LoopIdentity | None = None) -> Scale:
    """The mean scale as it is stored."""
    where, steps = (tuple(float(one) for one in values) for values in (found.positions_deg, found.steps_jnd))
    return Scale(where, steps, found.closed, loop)


def scale_results(found: DifferenceScale, inputs: Mapping[str, str], *, simulated: bool = False) -> Results:
    """The results of `save_scale` in memory."""
    verdict, words = _verdict(found)
    thing = "loop" if found.closed else "path"
    blocks: list[Block] = [Note(f"{verdict}.", (words,), "verdict"), _facts(found)]
    blocks.append(_picture(found))
    page = Page(
        title=f"How a {thing} looks",
        subtitle=f"Perceptual scale of {found.positions_deg.size} images of a {thing}, from comparisons of "
        f"differences. {_people(found)}.",
        summary=tuple(blocks),
        sections=(_steps(found), _participants(found), _model(found)),
        methods=_methods(found),
        inputs=dict(inputs),
        versions=versions(),
        warnings=(_SIMULATED,) if simulated else (),
    )
    summary = summarised(
        {
            "verdict": verdict,
            "words": words,
            **{name: value for name, value in found.to_dict().items() if name != "participants"},
            "variation": _variation(found),
            "participants": [one.to_dict() for one in found.participants],
            "simulated": simulated,
            "versions": versions(),
            "files_sha256": dict(inputs),
        }
    )
    tables = {"steps": found.steps(), "positions": _positions(found), "participants": found.by_participant()}
    return Results(summary, tables, page)


def _people(found: DifferenceScale) -> str:
    return f"{found.n} participant{'s' if found.n != 1 else ''}"


def _positions(found: DifferenceScale) -> Any:
    import pandas as pd

    values = {"share": found.share, "low": found.share_low, "high": found.share_high}
    return pd.DataFrame({"position_deg": found.positions_deg, **values, "jnd": found.share * found.length_jnd.value})


def _variation(found: DifferenceScale) -> float:
    """Coefficient of variation of JNDs per degree."""
    per_degree = found.steps()["jnd_per_degree"].to_numpy()
    return float(per_degree.std(ddof=1) / per_degree.mean())


def _verdict(found: DifferenceScale) -> tuple[str, str]:
    even = found.evenness
    test = f"likelihood ratio {number(even.statistic, 1)} on {even.df} degrees of freedom, {p_phrase(even.p)}"
    table = found.steps()
    largest, smallest = (table.iloc[int(getattr(table["jnd_per_degree"], pick)())] for pick in ("argmax", "argmin"))
    if even.p < _ALPHA:
        return "Uneven", (
            f"The same number of degrees does not look the same everywhere ({test}). It looks largest "
            f"from {_stretch(largest)} JNDs per degree, and smallest from {_stretch(smallest)}."
        )
    guessing = _guessing(found)
    if not guessing < _ALPHA:
        return "Not decided", (
            f"These answers are compatible with guessing (likelihood ratio of even steps against it: "
            f"{p_phrase(guessing)}), so they say nothing about how far apart the images look."
        )
    return "Not shown to be uneven", (
        f"Steps may be the same for the same number of degrees ({test}). The intervals below say how uneven they "
        "may be."
    )


def _guessing(found: DifferenceScale) -> float:
    """p of the likelihood ratio of a scale in even steps against answers at random; one length per participant."""
    kept = [one for one in found.participants if one.reason is None]
    free = sum(2 * (one.log_likelihood + one.trials * math.log(2)) for one in kept)
    return float(chi2.sf(max(free - found.evenness.statistic, 0.0), len(kept)))


def _stretch(step: Any) -> str:
    return f"{step['from_deg']:.4g} to {step['to_deg']:.4g} degrees, by {number(step['jnd_per_degree'], 3)}"


def _facts(found: DifferenceScale) -> Facts:
    length, whole = found.length_jnd, "round the loop" if found.closed else "from end to end"
    bounds = "" if math.isnan(length.low) else f"{found.level:.0%} CI {interval(length.low, length.high, _tenths)}"
    turn = 360 if found.closed else float(np.ptp(found.positions_deg))
    return Facts(
        (
            Fact(f"JNDs {whole}", _tenths(length.value), bounds),
            Fact("Degrees for one JND", _tenths(turn / length.value), "on average"),
            Fact("Variation of steps", f"{_variation(found):.0%}", "coefficient of variation, noise included"),
        )
    )


def _tenths(value: float) -> str:
    return number(value, 1)


def _picture(found: DifferenceScale) -> Picture:
    who = (
        "bands are t intervals over participants, thin lines single participants"
        if found.n > 1
        else "bands are from the bootstrap"
    )
    caption = (
        f"Left: how far along the images lie to the eye; {who}. The curve between them is a monotone cubic. Right: "
        "JNDs per degree in every step, with intervals; the dashed line is an even scale."
    )
    return Picture("scale", scale_figure(found), caption, "Perceived position against position, and steps by degree.")


def _steps(found: DifferenceScale) -> Section:
    header = ("From (°)", "To (°)", f"JNDs\n{found.level:.0%} CI", "JNDs per degree")
    rows = tuple(
        (
            f"{row['from_deg']:.4g}",
            f"{row['to_deg']:.4g}",
            f"{number(row['jnd'])}\n{interval(row['low'], row['high'])}",
            number(row["jnd_per_degree"], 3),
        )
        for row in found.steps().to_dict("records")
    )
    note = (
        "A step of 0 is at its limit: these two images were not seen to differ." if (found.steps_jnd == 0).any() else ""
    )
    thing = "loop" if found.closed else "path"
    again = f"Scaled with `--loop`, this makes the {thing} again in even steps to the eye: `lookalike morph --scale`."
    return Section("Steps", (Table(header, rows, note=note), Small(again)))


def _participants(found: DifferenceScale) -> Section:
    length = f"JNDs\n{found.level:.0%} CI"
    header = ("Participant", "Answers", length, "Lapses", "Even?\np", "Fit: deviance\np", "Fit: runs\np", "Right")
    note = (
        "Lapses are estimated under a prior with a mean of 1%, unless they were given. A small p of fit says that the "
        "model does not describe the answers. Right: "
        "share of answers that named the right side, .5 without a preference."
    )
    rows = tuple(_participant(one) for one in found.participants)
    reasons = [f"{one.participant} has no scale: {one.reason}." for one in found.participants if one.reason]
    return Section("Participants", (Table(header, rows, note=" ".join([note, *reasons])),))


def _participant(one: ParticipantScale) -> tuple[str, ...]:
    length = one.length_jnd
    return (
        one.participant,
        str(one.trials),
        f"{_tenths(length.value)}\n{interval(length.low, length.high, _tenths)}",
        "n/a" if math.isnan(one.lapse) else f"{one.lapse:.1%}",
        p_value(one.evenness.p),
        p_value(one.goodness.deviance_p),
        p_value(one.goodness.runs_p),
        share(one.right),
    )


def _model(found: DifferenceScale) -> Section:
    text = f"Images were taken to look as far apart as {_DISTANCES[found.distance]}."
    if len(found.log_likelihoods) > 1:
        other = next(name for name in found.log_likelihoods if name != found.distance)
        by = found.log_likelihoods[found.distance] - found.log_likelihoods[other]
        weight = "hardly tells them apart, so all bounds include the other’s" if found.widened else "tells them apart"
        text += (
            f" The other model, {_DISTANCES[other]}, has as many parameters, and a log-likelihood that is "
            f"{number(by, 1)} lower, which {weight}."
        )
    return Section("Model", (text,))


def _methods(found: DifferenceScale) -> tuple[str, ...]:
    bands = (
        "Bounds are t intervals over participants of each image’s share of the way, and of the length"
        if found.n > 1
        else "Bounds are basic intervals of the parametric bootstrap {davison1997}"
    )
    where = (
        "A loop of n images has n steps, one of which leads back; its first position and its direction are arbitrary, "
        "and its length is determined because arcs of unequal numbers of steps were compared. "
        if found.closed
        else ""
    )
    return (
        "Perceptual scales were estimated by maximum-likelihood difference scaling {maloney2003} as a probit "
        f"regression {{knoblauch2008}}, with steps of 0 or more and lapses. {where}Images were taken to look "
        f"as far apart as {_DISTANCES[found.distance]}. One JND is a difference of d′ = 1, if the four "
        "readings of images in a decision have independent noise of equal variance {devinck2012}.",
        f"{bands}. Whether steps are even was tested by the likelihood ratio to a scale of one slope, summed over "
        "participants. Goodness of fit is from the parametric bootstrap: deviance from observed shares, and runs of "
        "residuals of one sign {wood2006}.",
    )

"""Sentences in APA style of comparisons of two studies, perceptual scales and psychometric functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.report.apa.numbers import bounds, degrees, in_words, missing, p_value, percent, plain, unit
from analysis.report.number_text import fine

Found = Mapping[str, Any]
_COMPARED = {
    "shown to differ": "so the two differed",
    "shown to be equivalent": "so the two were equivalent",
    "not decided": "so neither a difference nor equivalence was shown",
}
_LOOKS = {"arc": "the shorter way round", "chord": "straight across", "line": "along the path"}


def comparison_paragraph(found: Found) -> str:
    """What `lookalike compare` found."""
    d, (first, second) = found["difference"], found["names"]
    who = "judged by the same observers" if d["same_participants"] else "judged by two groups of observers"
    parts = []
    for name, auc in ((first, d["first"]), (second, d["second"])):
        if not missing(auc["auc"]):
            within = (
                f", {percent(auc['level'])} CI {bounds(auc['low'], auc['high'], unit)}"
                if not missing(auc["low"])
                else ""
            )
            parts.append(f"AUC = {unit(auc['auc'])}{within} with {name}")
    text = f"Two sets of readings were compared, {who}: {' and '.join(parts)}."
    if missing(d["difference"]) or missing(d["low"]):
        why = f": {d['reason']}" if d["reason"] else ""
        return f"{text} The difference has no interval{why}."
    text += (
        f" For {first} − {second}, ΔAUC = {unit(d['difference'])}, {percent(d['level'])} CI "
        f"{bounds(d['low'], d['high'], unit)}"
    )
    if not missing(d["se"]) and d["se"] > 0 and not missing(d["p"]):
        text += f", t({degrees(d['df'])}) = {plain(d['difference'] / d['se'])}, {p_value(d['p'])}"
    text += f", {_COMPARED[found['verdict']]}."
    if not missing(d["delta"]) and not missing(d["p_equivalence"]):
        text += f" Equivalence within ±{unit(d['delta'], 3)}, by two one-sided tests: {p_value(d['p_equivalence'])}."
    sampled = [what for what, how in (("observers", d["readers"]), ("images", d["images"])) if how == "random"]
    return f"{text} The interval generalises to other {' and other '.join(sampled)}." if sampled else text


def scale_paragraph(found: Found) -> str:
    """What `lookalike scale` found."""
    images, n, even = len(found["positions_deg"]), found["n"], found["evenness"]
    thing = "loop" if found["closed"] else "path"
    who = f"{in_words(n)} observer{'s' * (n != 1)}"
    text = f"{who} compared differences between {images} images of a {thing}."
    if missing(even["p"]):
        return f"{text} The scale is undefined: {found['reason']}."
    test = f"χ²({even['df']}) = {plain(even['statistic'])}, {p_value(even['p'])}"
    if found["verdict"] == "Not decided":
        return f"{text} The answers were compatible with guessing, so no scale is reported."
    length = found["length_jnd"]
    if not missing(length["value"]):
        within = (
            f", {percent(found['level'])} CI {bounds(length['low'], length['high'])}"
            if not missing(length["low"])
            else ""
        )
        along = f", distances {_LOOKS[found['distance']]}" if found["closed"] else ""
        text += (
            f" By maximum-likelihood difference scaling{along}, the {thing} was {plain(length['value'])} "
            f"just-noticeable differences long{within}."
        )
    uneven = found["verdict"] == "Uneven"
    verdict = "did not look equal" if uneven else "were not shown to look unequal"
    return f"{text} Equal steps in degrees {verdict}, likelihood ratio {test}."


def psychometric_paragraph(found: Found) -> str:
    """What `lookalike scale --psychometric` found."""
    thresholds = [one["threshold"]["value"] for one in found["participants"] if not one["reason"]]
    mean, n = found["mean_threshold"], len(thresholds)
    without = len(found["participants"]) - n
    left = f" {in_words(without)} observer{'s' * (without != 1)} had no threshold." if without else ""
    if not n:
        return f"Psychometric functions were fitted by maximum likelihood.{left}"
    level, within = percent(found["level"]), bounds(mean["low"], mean["high"], fine)
    if n == 1:
        head = f"The threshold of one observer was {fine(mean['value'])}, {level} CI {within}"
    else:
        spread = fine(float(np.std(thresholds, ddof=1)))
        head = f"Thresholds of {n} observers: M = {fine(mean['value'])}, SD = {spread}, {level} CI {within}"
    return f"Psychometric functions were fitted by maximum likelihood. {head}.{left}"

"""Sentences in APA style of what is each observer's own: serial dependence, effects of a sequence, error patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.report.apa.numbers import bounds, missing, p_value, percent, plain, unit

Found = Mapping[str, Any]


def serial_sentence(serial: Found | None) -> str:
    """Dependence on the previous trial, with its control; log-odds."""
    if not serial:
        return ""
    named = {"previous_response": "previous response", "previous_truth": "previous truth"}
    named |= {"next_truth": "next truth (a control)", "earlier_response": "response five trials back (a control)"}
    parts = [_effect(name, serial[key], serial["level"]) for key, name in named.items()]
    told = [part for part in parts if part]
    if not parts[0]:  # controls alone control nothing
        return ""
    return f"Serial dependence in log-odds (positive: repeated), p against re-drawn orders: {'; '.join(told)}."


def individuals_paragraph(found: Found) -> str:
    """Effects of the sequence, and whether errors are each observer's own."""
    return " ".join(filter(None, (_sequence(found.get("sequence", ())), _fingerprint(found.get("fingerprint")))))


def _sequence(effects: list[Found]) -> str:
    told = [part for one in effects if (part := _effect(one["effect"], one, 0.95))]
    if not told:
        return ""
    return f"Effects of the sequence in log-odds, p against re-drawn orders and not adjusted: {'; '.join(told)}."


def _effect(name: str, one: Found, level: float) -> str:
    if missing(one["mean"]) or missing(one["p"]):
        return ""
    within = f", {percent(level)} CI {bounds(one['low'], one['high'])}" if not missing(one["low"]) else ""
    return f"{name}, {'M = ' if one['n'] > 1 else ''}{plain(one['mean'])}{within}, {p_value(one['p'])}"


def _fingerprint(own: Found | None) -> str:
    if not own or missing(own["p"]):
        return ""
    within = f", {percent(own['level'])} CI {bounds(own['low'], own['high'], unit)}" if not missing(own["low"]) else ""
    verdict = "were an observer’s own" if own["p"] < 0.05 else "were not shown to be an observer’s own"
    kind = "exact" if own["exact"] else "Monte Carlo"
    return (
        f"Errors correlated with those of an observer’s own retest by r = {unit(own['own'])} and with those of other "
        f"observers’ retests by r = {unit(own['others'])}, a difference of {unit(own['difference'])}{within}, "
        f"{p_value(own['p'])} ({kind} permutation test, one-sided): errors {verdict}."
    )

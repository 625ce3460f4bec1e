"""Results as sentences to paste into a paper, in the style of the APA (7th edition).

Exact p, two decimals, intervals in brackets, and no zero before the point of what cannot exceed 1. Plain text: italics
(*M*, *SD*, *t*, *p*, *d′*) are for the journal's template. What the results leave undefined is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from data.errors import LookalikeError

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WHO = {"human": "participant", "simulated": "simulated observer", "scripted": "scripted observer"}
_EVIDENCE = {
    "shown to differ": "so the images were discriminated",
    "shown to be near chance": "so performance was equivalent to chance",
    "not decided": "so neither a difference from chance nor equivalence to it was shown",
}
_MEASURES = {"dprime": "d′", "criterion": "c", "auc": "AUC"}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
Found = Mapping[str, Any]


def apa_sentences(summary: Found) -> list[str]:
    """The main results of a `summary.json` as sentences, a paragraph for each kind of observer.

    Parameters
    ----------
    summary : mapping
        What `analyze` or `analyze_task` returns, or their `summary.json` read back; those of earlier versions too.

    Returns
    -------
    list of str
        Paragraphs of plain text.

    Raises
    ------
    LookalikeError
        If this is no summary of an analysis.

    References
    ----------
    American Psychological Association (2020). Publication manual (7th ed.), sections 6.36–6.48.

    Examples
    --------
    >>> from analysis import apa_sentences
    >>> apa_sentences({"verdict": "shown to differ", "words": "d′ is 1.0."})
    ['Verdict: shown to differ. d′ is 1.0.']
    """
    if "groups" in summary and "headline" in summary:
        again = _retests(summary)
        return [" ".join(filter(None, _group(one, again, summary))) for one in summary["groups"]]
    if "verdict" in summary and "words" in summary:
        return [f"Verdict: {summary['verdict'][:1].lower()}{summary['verdict'][1:]}. {summary['words']}"]
    raise LookalikeError(
        "not-a-summary",
        "this summary.json has neither groups nor a verdict; give the folder that lookalike analyze wrote",
    )


def _retests(summary: Found) -> int:
    return sum(1 for one in summary.get("participants", ()) if one.get("retests"))


def _group(group: Found, retested: int, summary: Found) -> list[str]:
    main, auc = group["primary"], group["primary"]["auc"]
    compared = next((one for one in summary.get("conditions") or () if one["observer"] == group["observer"]), None)
    return [
        _design(group["observer"], auc, retested),
        *(_conditions(compared) if compared else ()),
        _primary(main, auc, pooled=compared is not None),
        _equivalence(main, auc),
        _catch(main),
        _prevalence(main.get("prevalence"), group["observer"]),
        _dprime(group),
        _bayes(group),
        _metacognition(group),
        _retest(group),
        _agreement(group),
        *(_covariates(one) for one in (summary.get("covariates") or {}).get(group["observer"], ())),
    ]


def _design(observer: str, auc: Found, retested: int) -> str:
    count, kind = auc["participants"], _WHO.get(observer, "observer")
    again = f" {_in_words(retested)} judged the images again in a later session." if retested else ""
    who = f"{_in_words(count)} {kind}{'s' if count != 1 else ''}"
    return f"{who} judged {auc['generated']} generated and {auc['real']} real images.{again}"


def _in_words(count: int) -> str:
    """A number at the beginning of a sentence."""
    return _NUMBERS[count].capitalize() if count < len(_NUMBERS) else str(count)


def _conditions(compared: Found) -> list[str]:
    """The AUC of each condition, their equality where they are three or more, and each difference."""
    return [
        *(_condition(one) for one in compared["each"]),
        _equality(compared),
        *(_difference(one, len(compared["differences"])) for one in compared["differences"]),
    ]


def _condition(one: Found) -> str:
    main, auc = one["primary"], one["primary"]["auc"]
    if _none(auc["auc"]):
        return ""
    text = f"In the condition {one['name']}, the mean area under the ROC curve (AUC) was {_unit(auc['auc'])}"
    if not _none(auc["low"]):
        text += f", {_level(auc['level'])} CI {_bounds(auc['low'], auc['high'], _unit)}"
    if not _none(one["p_adjusted"]):
        by = " by a permutation test of the images’ labels" if main.get("exact") else ""
        text += f", {_p(one['p_adjusted'])} against .50{by} (Holm-adjusted)"
    return text + "."


def _equality(compared: Found) -> str:
    test = compared.get("equality")
    if len(compared["names"]) < 3 or not test or _none(test["p"]) or _none(test["f"]):
        return ""
    degrees = f"{_degrees(test['df1'])}, {_degrees(test['df2'])}"
    return f"Equality of the AUCs of all conditions: F({degrees}) = {_plain(test['f'])}, {_p(test['p'])}."


def _difference(one: Found, pairs: int) -> str:
    auc, d = one["auc"], one["dprime"]
    names = f"{one['first']} − {one['second']}"
    if _none(auc["difference"]) or _none(auc["low"]) or _none(one["p_adjusted"]):
        return ""
    text = (
        f"The difference of AUC, {names}, was {_unit(auc['difference'])}, {_level(auc['level'])} CI "
        f"{_bounds(auc['low'], auc['high'], _unit)}, {_p(one['p_adjusted'])}{' (Holm-adjusted)' if pairs > 1 else ''}"
    )
    if not _none(d["difference"]) and not _none(d["low"]):
        bounds = _bounds(d["low"], d["high"])
        text += f"; that of d′ was {_plain(d['difference'])}, {_level(d['level'])} CI {bounds}"
    return text + "."


def _covariates(model: Found) -> str:
    """The effects of one measure's mixed model, each with as many decimals as its standard error has meaning."""
    effects = [_effect(one, model["level"]) for one in model["effects"] if not _none(one["p"])]
    if not effects:
        return ""
    left_out = f", {model['left_out']} left out for want of a value" if model["left_out"] else ""
    count = f"{model['participants']} participants{left_out}"
    kind = model["method"].split(",")[0]
    return f"Covariates of {_MEASURES[model['measure']]} ({kind}; {count}): {'; '.join(effects)}."


def _effect(one: Found, level: float) -> str:
    what = f"{one['name']} ({one['level_of_it']} against {one['reference']})" if one["reference"] else one["name"]
    digits = max(2, 1 - math.floor(math.log10(one["se"]))) if one["se"] > 0 else 2

    def form(value: float) -> str:
        return _plain(value, digits)

    t = f"t({_degrees(one['df'])}) = {_plain(one['change'] / one['se'])}, " if one["se"] > 0 else ""
    bounds = f"{_level(level)} CI {_bounds(one['low'], one['high'], form)}"
    return f"{what}, b = {form(one['change'])}, {bounds}, {t}{_p(one['p'])}"


def _primary(main: Found, auc: Found, *, pooled: bool) -> str:
    if _none(auc["auc"]):
        return f"The area under the ROC curve (AUC) is undefined: {auc['reason']}."
    start = "Over all conditions, the mean AUC" if pooled else "The mean area under the ROC curve (AUC)"
    text = f"{start} was {_unit(auc['auc'])}"
    sampled = main["generalises_to"]
    if not _none(auc["low"]):
        text += f", {_level(auc['level'])} CI {_bounds(auc['low'], auc['high'], _unit)}"
    if main.get("exact"):
        text += f", {_p(main['p'])} by a permutation test of the images’ labels"
    elif not _none(auc["p_chance"]) and not _none(auc["se"]):
        t = (auc["auc"] - 0.5) / auc["se"]
        text += f", t({_degrees(auc['df'])}) = {_plain(t)}, {_p(auc['p_chance'])} against .50"
    where = f" The interval generalises to {sampled}." if not _none(auc["low"]) else ""
    return f"{text}, {_EVIDENCE[main['verdict']]}.{where}"


def _equivalence(main: Found, auc: Found) -> str:
    if _none(main["delta"]) or _none(auc["p_equivalence"]):
        return ""
    bound = f"±{_unit(main['delta'], 3)}"
    return f"Equivalence to .50 within {bound}, by two one-sided tests: {_p(auc['p_equivalence'])}."


def _catch(main: Found) -> str:
    seen = main.get("catch")
    if not seen or _none(seen["auc"]):
        return ""
    bounds = (
        f", {_level(seen['level'])} CI {_bounds(seen['low'], seen['high'], _unit)}" if not _none(seen["low"]) else ""
    )
    return f"Known fakes were discriminated from real images with AUC = {_unit(seen['auc'])}{bounds}."


def _prevalence(able: Found | None, observer: str) -> str:
    if not able or _none(able["either"]["value"]) or able["participants"] < 2:
        return ""
    one, whom = able["either"], "the population" if observer == "human" else "such observers"
    return (
        f"Tested alone (permutation tests, α = {_unit(one['alpha'])}), {one['significant']} of {able['participants']} "
        f"discriminated the images; Bayesian prevalence in {whom} {_unit(one['value'])}, {_level(able['level'])} HDI "
        f"{_bounds(one['low'], one['high'], _unit)}."
    )


def _dprime(group: Found) -> str:
    d, between, effect = group["dprime"], group["between"], group.get("effect")
    if _none(d["mean"]):
        return ""
    text = f"Sensitivity with these images was d′ = {_plain(d['mean'])} on average"
    if not _none(d["sd"]):
        text = f"Sensitivity with these images: M(d′) = {_plain(d['mean'])}, SD = {_plain(d['sd'])}"
    if not _none(d["low"]):
        text += f", {_level(d['level'])} CI {_bounds(d['low'], d['high'])}"
    if effect and not _none(effect["g"]):
        text += f", Hedges’ g = {_plain(effect['g'])}"
        text += f" {_bounds(effect['low'], effect['high'])}" if not _none(effect["low"]) else ""
    if not _none(between["tau"]):
        text += f"; the SD of true d′ between observers was {_plain(between['tau'])}"
        text += f" {_bounds(between['low'], between['high'])}" if not _none(between["low"]) else ""
    return text + "."


def _bayes(group: Found) -> str:
    jzs = group["jzs"]
    if _none(jzs["bf10"]):
        return ""
    name, value = ("BF10", jzs["bf10"]) if jzs["bf10"] >= 1 else ("BF01", jzs["bf01"])
    shown = _large(value) if value >= 1000 else _plain(value)
    return f"The JZS Bayes factor of the mean d′ was {name} = {shown}, t({jzs['n'] - 1}) = {_plain(jzs['t'])}."


def _metacognition(group: Found) -> str:
    meta, ratio = group["meta_dprime"], group.get("m_ratio")
    parts = []
    if not _none(meta["mean"]):
        bounds = f", {_level(meta['level'])} CI {_bounds(meta['low'], meta['high'])}" if not _none(meta["low"]) else ""
        parts.append(f"Metacognitive sensitivity was meta-d′ = {_plain(meta['mean'])}{bounds}.")
    if ratio and not _none(ratio["m_ratio"]["value"]):
        one = ratio["m_ratio"]
        parts.append(
            f"The group’s M-ratio was {_plain(one['value'])}, {_level(ratio['level'])} credible interval "
            f"{_bounds(one['low'], one['high'])}."
        )
    return " ".join(parts)


def _retest(group: Found) -> str:
    again = group["similarity"]
    if _none(again["mean"]):
        return ""
    bounds = (
        f", {_level(again['level'])} CI {_bounds(again['low'], again['high'], _unit)}"
        if not _none(again["low"])
        else ""
    )
    spread = f", SD = {_unit(again['sd'])}" if not _none(again["sd"]) else ""
    return f"Answers agreed with those of the retest (Sokal–Michener): M = {_unit(again['mean'])}{spread}{bounds}."


def _agreement(group: Found) -> str:
    parts = []
    alpha = next((one["alpha"] for one in group["agreement"] if one["of"] == "all"), None)
    if alpha and not _none(alpha["value"]):
        bounds = f", 95% CI {_bounds(alpha['low'], alpha['high'], _unit)}" if not _none(alpha["low"]) else ""
        parts.append(f"Observers’ answers agreed with Krippendorff’s α = {_unit(alpha['value'])}{bounds}.")
    for one in group.get("reliability", ()):
        icc = one["found"]["icc_2_1"]
        if one["of"] == "all" and not _none(icc["value"]) and not _none(icc["low"]):
            parts.append(
                f"The reliability of one observer’s {'answers' if one['answers_alone'] else 'ratings'} was ICC(2,1) = "
                f"{_unit(icc['value'])}, {_level(one['found']['level'])} CI {_bounds(icc['low'], icc['high'], _unit)}."
            )
    return " ".join(parts)


def _none(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: float, digits: int = 2) -> str:
    """`0.85`, `−1.20`: with a zero, for what can exceed 1."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def _large(value: float) -> str:
    """`1.53 × 10⁴`."""
    digits, power = f"{value:.2e}".split("e")
    return f"{digits} × 10{str(int(power)).translate(_RAISED)}"


def _unit(value: float, digits: int = 2) -> str:
    """`.73`, `−.12`, `1.00`: without a zero, for what cannot exceed 1."""
    text = _plain(value, digits)
    return text.replace("0.", ".", 1) if text.lstrip("−").startswith("0.") else text


def _bounds(low: float | None, high: float | None, form: Callable[[float], str] = _plain) -> str:
    return f"[{'n/a' if low is None else form(low)}, {'n/a' if high is None else form(high)}]"


def _level(level: float) -> str:
    return f"{100 * level:.3g}%"


def _degrees(df: float) -> str:
    return f"{df:.0f}" if df == round(df) else f"{df:.2f}"


def _p(value: float) -> str:
    """`p = .023`, exact to three decimals, or `p < .001`."""
    return "p < .001" if value < 0.001 else f"p = {_unit(value, 3)}"

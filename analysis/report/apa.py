"""Results as sentences to paste into a paper, in the style of the APA (7th edition).

Exact p, two decimals, intervals in brackets, and no zero before the point of what cannot exceed 1. Plain text: italics
(*M*, *SD*, *t*, *p*, *d′*) are for the journal's template. What the results leave undefined is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from scipy.stats import t as student

from data.errors import LookalikeError

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WHO = {"human": "participant", "simulated": "simulated observer", "scripted": "scripted observer"}
_EVIDENCE = {
    "shown to differ": "so the images were discriminated",
    "shown to be near chance": "so performance was equivalent to chance",
    "not decided": "so neither a difference from chance nor equivalence to it was shown",
}
_PAIRS = {"dprime": "d′", "z_difference": "z(H) − z(F)"}  # by the name of the measure
_STATUS = {"discriminated": "discriminated", "near chance": "equivalent to chance", "not decided": "not decided"}
_CROSSING = {
    "crossed": "all judged by the same {}s",
    "nested": "each judged by {}s of its own",
    "partly crossed": "judged in part by the same {}s",
}
_MEASURES = {"dprime": "d′", "criterion": "c", "auc": "AUC"}
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
        compared = [_conditions(one) for one in summary.get("conditions", ())]
        groups = [" ".join(filter(None, _group(one, again))) for one in summary["groups"]]
        together = "All conditions together: " if compared else ""
        covariates = [_covariates(models) for models in summary.get("covariates", {}).values()]
        return [*compared, *(together + one for one in groups), *filter(None, covariates)]
    if summary.get("group", {}).get("measure") in _PAIRS and "accuracy" in summary["group"]:
        return [_pairs(summary["group"])]
    if "verdict" in summary and "words" in summary:
        return [f"Verdict: {summary['verdict'][:1].lower()}{summary['verdict'][1:]}. {summary['words']}"]
    raise LookalikeError(
        "not-a-summary",
        "this summary.json has neither groups nor a verdict; give the folder that lookalike analyze wrote",
    )


def _retests(summary: Found) -> int:
    return sum(1 for one in summary.get("participants", ()) if one.get("retests"))


def _group(group: Found, retested: int) -> list[str]:
    main, auc = group["primary"], group["primary"]["auc"]
    return [
        _design(group["observer"], auc, retested),
        _primary(main, auc),
        _equivalence(main, auc),
        _catch(main),
        _prevalence(main.get("prevalence"), group["observer"]),
        _dprime(group),
        _bayes(group),
        _metacognition(group),
        _retest(group),
        _agreement(group),
    ]


def _design(observer: str, auc: Found, retested: int) -> str:
    count, kind = auc["participants"], _WHO.get(observer, "observer")
    again = f" {_in_words(retested)} judged the images again in a later session." if retested else ""
    who = f"{_in_words(count)} {kind}{'s' if count != 1 else ''}"
    return f"{who} judged {auc['generated']} generated and {auc['real']} real images.{again}"


def _in_words(count: int) -> str:
    """A number at the beginning of a sentence, which APA never begins with figures."""
    if count >= 100:
        return f"A total of {count}"
    tens, ones = divmod(count, 10)
    name = _NUMBERS[count] if count < len(_NUMBERS) else _TENS[tens - 2] + (f"-{_NUMBERS[ones]}" if ones else "")
    return name.capitalize()


def _primary(main: Found, auc: Found) -> str:
    if _none(auc["auc"]):
        return f"The area under the ROC curve (AUC) is undefined: {auc['reason']}."
    alone = auc["participants"] == 1
    text = f"The {'' if alone else 'mean '}area under the ROC curve (AUC) was {_unit(auc['auc'])}"
    sampled = main["generalises_to"]
    if not _none(auc["low"]):
        text += f", {_level(auc['level'])} CI {_bounds(auc['low'], auc['high'], _unit)}"
    if main.get("exact"):
        text += f", {_p(main['p'])} by a permutation test of the images’ labels"
    elif not _none(auc["p_chance"]) and not _none(auc["se"]):
        t = (auc["auc"] - 0.5) / auc["se"]
        text += f", t({_degrees(auc['df'])}) = {_plain(t)}, {_p(auc['p_chance'])} against .50"
    where = f" The interval generalises to {sampled}." if not _none(auc["low"]) else ""
    if alone:
        return f"{text}. One observer’s result says nothing about other observers.{where}"
    wrong = " in the wrong direction" if main["verdict"] == "shown to differ" and auc["auc"] < 0.5 else ""
    return f"{text}, {_EVIDENCE[main['verdict']]}{wrong}.{where}"


def _equivalence(main: Found, auc: Found) -> str:
    if _none(main["delta"]) or _none(auc["p_equivalence"]):
        return ""
    bound = f"±{_unit(main['delta'], 3)}"
    text = f"Equivalence to .50 within {bound}, by two one-sided tests: {_p(auc['p_equivalence'])}"
    if main["verdict"] == "not decided" and auc["p_equivalence"] < (1 - auc["level"]) / 2 and main.get("withheld"):
        text += f", but it is not claimed: {'; '.join(main['withheld'])}"
    return f"{text}."


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
    text = f"Sensitivity with these images was d′ = {_plain(d['mean'])}{' on average' if d['n'] > 1 else ''}"
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


def _bayes(group: Found, of: str = "d′") -> str:
    jzs = group["jzs"]
    if _none(jzs["bf10"]):
        return ""
    name, value = ("BF10", jzs["bf10"]) if jzs["bf10"] >= 1 else ("BF01", jzs["bf01"])
    t = f"t({jzs['n'] - 1}) = {_plain(jzs['t'])}"
    return f"The JZS Bayes factor of the mean {of} was {name} = {_large(value)}, {t}."


def _conditions(found: Found) -> str:
    """Each condition, the test of all, and the differences of pairs."""
    whose = _WHO.get(found["observer"], "observer")
    parts = [f"Conditions were compared, {_CROSSING[found['participants']].format(whose)}."]
    for one in found["each"]:
        main, auc = one["primary"], one["primary"]["auc"]
        if _none(auc["auc"]):
            continue
        text = f"With {one['name']}, AUC = {_unit(auc['auc'])}"
        if not _none(auc["low"]):
            text += f", {_level(auc['level'])} CI {_bounds(auc['low'], auc['high'], _unit)}"
        if not _none(one["p_adjusted"]):
            text += f", {_p(one['p_adjusted'])}{' by a permutation test' if main.get('exact') else ' against .50'}"
        wrong = ", in the wrong direction" if one["status"] == "discriminated" and auc["auc"] < 0.5 else ""
        able = main.get("prevalence")
        alone = (
            f"; by themselves, {able['either']['significant']} of {able['participants']} discriminated" if able else ""
        )
        parts.append(f"{text} ({_STATUS[one['status']]}{wrong}{alone}).")
    all_of, several = found["equality"], len(found["each"]) > 2
    if several and not _none(all_of["p"]):
        degrees = f"{_degrees(all_of['df1'])}, {_degrees(all_of['df2'])}"
        parts.append(f"All AUCs together: F({degrees}) = {_plain(all_of['f'])}, {_p(all_of['p'])}.")
    for pair in found["differences"]:
        d = pair["auc"]
        if not _none(d["low"]):
            parts.append(
                f"For {pair['first']} − {pair['second']}, ΔAUC = {_unit(d['difference'])}, {_level(d['level'])} CI "
                f"{_bounds(d['low'], d['high'], _unit)}, t({_degrees(d['df'])}) = {_plain(d['difference'] / d['se'])}, "
                f"{_p(pair['p_adjusted'])}."
            )
    adjusted = (
        "p of conditions and of pairs are adjusted by Holm’s method."
        if several
        else "p of conditions are adjusted by Holm’s method."
    )
    return " ".join([*parts, f"Intervals generalise to {found['generalises_to']}; {adjusted}"])


def _covariates(models: list[Found]) -> str:
    parts = []
    for model in models:
        for one in model["effects"]:
            against = f" ({one['level_of_it']} against {one['reference']})" if one["level_of_it"] else ""
            form = _unit if model["measure"] == "auc" else _plain
            digits = 3 if model["measure"] == "auc" else 2
            b, low, high = (form(one[name], digits) for name in ("change", "low", "high"))
            t = f"t({_degrees(one['df'])}) = {_plain(one['change'] / one['se'])}, {_p(one['p'])}"
            parts.append(
                f"{_MEASURES[model['measure']]}, {one['name']}{against}: b = {b}, {_level(model['level'])} CI "
                f"[{low}, {high}], {t}"
            )
    if not parts:
        return ""
    method = models[0]["method"]
    return f"Covariates ({method}; images taken as given): {'; '.join(parts)}."


def _pairs(group: Found) -> str:
    """Two-alternative and same/different tasks."""
    name, d, right = _PAIRS[group["measure"]], group["value"], group["accuracy"]
    parts = [f"{_in_words(group['participants'])} observer{'s' * (group['participants'] != 1)} judged pairs of images."]
    if not _none(d["mean"]):
        text = f"Sensitivity was {name} = {_plain(d['mean'])}"
        if not _none(d["sd"]):
            text = f"Sensitivity with these images: M({name}) = {_plain(d['mean'])}, SD = {_plain(d['sd'])}"
        if not _none(d["low"]):
            t = group["jzs"]["t"]
            p = 2 * float(student.sf(abs(t), d["n"] - 1))
            text += f", {_level(d['level'])} CI {_bounds(d['low'], d['high'])}, t({d['n'] - 1}) = {_plain(t)}, {_p(p)}"
        parts.append(f"{text}.")
    if not _none(right["mean"]):
        bounds = (
            f", {_level(right['level'])} CI {_bounds(right['low'], right['high'], _unit)}"
            if not _none(right["low"])
            else ""
        )
        parts.append(f"The proportion of correct answers was {_unit(right['mean'])}{bounds}.")
    exact = group.get("p_exact")
    if exact is not None and not _none(exact) and _none(d["low"]):
        parts.append(f"An exact conditional test within participants gave {_p(exact)}.")
    parts += [_bayes(group, name)] if not _none(d["low"]) else []
    return " ".join(filter(None, [*parts, _pairs_verdict(group)]))


def _pairs_verdict(group: Found) -> str:
    d = group["value"]
    words = "Neither discrimination of the images nor its absence was shown"
    if group["verdict"] == "shown to differ":
        words = f"The images were discriminated{' in the wrong direction' if d['mean'] < 0 else ''}"
    whom = "these observers and these images" if _none(d["low"]) else "other observers judging these images"
    return f"{words}; this speaks of {whom}."


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
    """`19.26`, or `7.25 × 10³` from 1,000 up."""
    if value < 1000:
        return _plain(value)
    digits, power = f"{value:.2e}".split("e")
    return f"{digits} × 10{str(int(power)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


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

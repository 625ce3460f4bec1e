"""Results as sentences to paste into a paper, in the style of the APA (7th edition).

Exact p, two decimals, intervals in brackets, and no zero before the point of what cannot exceed 1. Plain text: italics
(*M*, *SD*, *t*, *p*, *d′*) are for the journal's template. What the results leave undefined is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scipy.stats import t as student

from analysis.report.apa.individuals import individuals_paragraph, serial_sentence
from analysis.report.apa.numbers import (
    bounds,
    degrees,
    in_words,
    large,
    missing,
    p_value,
    percent,
    plain,
    unit,
    without_zero,
)
from analysis.report.apa.others import comparison_paragraph, psychometric_paragraph, scale_paragraph
from analysis.report.number_text import fine
from data.errors import LookalikeError

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
    """The main results of an analysis as sentences: a paragraph for each kind of observer, comparison or scale.

    Parameters
    ----------
    summary : mapping
        What `analyze`, `analyze_task`, `compare_studies`, `save_scale` or `save_psychometric` returns, or their JSON
        file read back; those of earlier versions too.

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
        individuals = [individuals_paragraph(one) for one in summary.get("individuals", ())]
        return [*compared, *(together + one for one in groups), *filter(None, [*covariates, *individuals])]
    if "difference" in summary and "names" in summary:
        return [comparison_paragraph(summary)]
    if "length_jnd" in summary:
        return [scale_paragraph(summary)]
    if "mean_threshold" in summary:
        return [psychometric_paragraph(summary)]
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
        serial_sentence(group.get("serial")),
    ]


def _design(observer: str, auc: Found, retested: int) -> str:
    count, kind = auc["participants"], _WHO.get(observer, "observer")
    again = f" {in_words(retested)} judged the images again in a later session." if retested else ""
    who = f"{in_words(count)} {kind}{'s' if count != 1 else ''}"
    return f"{who} judged {auc['generated']} generated and {auc['real']} real images.{again}"


def _primary(main: Found, auc: Found) -> str:
    if missing(auc["auc"]):
        return f"The area under the ROC curve (AUC) is undefined: {auc['reason']}."
    alone = auc["participants"] == 1
    text = f"The {'' if alone else 'mean '}area under the ROC curve (AUC) was {unit(auc['auc'])}"
    sampled = main["generalises_to"]
    if not missing(auc["low"]):
        text += f", {percent(auc['level'])} CI {bounds(auc['low'], auc['high'], unit)}"
    if main.get("exact"):
        text += f", {p_value(main['p'])} by a permutation test of the images’ labels"
    elif not missing(auc["p_chance"]) and not missing(auc["se"]):
        t = (auc["auc"] - 0.5) / auc["se"]
        text += f", t({degrees(auc['df'])}) = {plain(t)}, {p_value(auc['p_chance'])} against .50"
    where = f" The interval generalises to {sampled}." if not missing(auc["low"]) else ""
    if alone:
        return f"{text}. One observer’s result says nothing about other observers.{where}"
    wrong = " in the wrong direction" if main["verdict"] == "shown to differ" and auc["auc"] < 0.5 else ""
    return f"{text}, {_EVIDENCE[main['verdict']]}{wrong}.{where}"


def _equivalence(main: Found, auc: Found) -> str:
    if missing(main["delta"]) or missing(auc["p_equivalence"]):
        return ""
    bound = f"±{unit(main['delta'], 3)}"
    text = f"Equivalence to .50 within {bound}, by two one-sided tests: {p_value(auc['p_equivalence'])}"
    if main["verdict"] == "not decided" and auc["p_equivalence"] < (1 - auc["level"]) / 2 and main.get("withheld"):
        text += f", but it is not claimed: {'; '.join(main['withheld'])}"
    return f"{text}."


def _catch(main: Found) -> str:
    seen = main.get("catch")
    if not seen or missing(seen["auc"]):
        return ""
    within = (
        f", {percent(seen['level'])} CI {bounds(seen['low'], seen['high'], unit)}" if not missing(seen["low"]) else ""
    )
    return f"Known fakes were discriminated from real images with AUC = {unit(seen['auc'])}{within}."


def _prevalence(able: Found | None, observer: str) -> str:
    if not able or missing(able["either"]["value"]) or able["participants"] < 2:
        return ""
    one, whom = able["either"], "the population" if observer == "human" else "such observers"
    below = able["below"]["significant"]
    wrong = f" ({below} in the wrong direction)" if below else ""
    return (
        f"Tested alone (permutation tests, α = {unit(one['alpha'])}), {one['significant']} of {able['participants']} "
        f"discriminated the images{wrong}; Bayesian prevalence in {whom} {unit(one['value'])}, "
        f"{percent(able['level'])} HDI {bounds(one['low'], one['high'], unit)}."
    )


def _dprime(group: Found) -> str:
    d, between, effect = group["dprime"], group["between"], group.get("effect")
    if missing(d["mean"]):
        return ""
    if d["n"] > 1 and missing(d["low"]):
        # Their spread is no one's: the correction's, or none.
        return (
            f"Sensitivity with these images: M(d′) = {plain(d['mean'])}, without an interval ({d['reason']})"
            f"{_others(group.get('own_dprime'))}."
        )
    text = f"Sensitivity with these images was d′ = {plain(d['mean'])}{' on average' if d['n'] > 1 else ''}"
    if not missing(d["sd"]):
        text = f"Sensitivity with these images: M(d′) = {plain(d['mean'])}, SD = {plain(d['sd'])}"
    if not missing(d["low"]):
        text += f", {percent(d['level'])} CI {bounds(d['low'], d['high'])}"
    if effect and not missing(effect["g"]):
        text += f", Hedges’ g = {plain(effect['g'])}"
        text += f" {bounds(effect['low'], effect['high'])}" if not missing(effect["low"]) else ""
    if not missing(between["tau"]):
        text += f"; the SD of true d′ between observers was {plain(between['tau'])}"
        text += f" {bounds(between['low'], between['high'])}" if not missing(between["low"]) else ""
    return text + "."


def _others(own: Found | None) -> str:
    """The mean d′ of those whose d′ is not a correction's."""
    if own is None or missing(own["low"]):
        return ""
    within = f"{percent(own['level'])} CI {bounds(own['low'], own['high'])}"
    return f"; of the other {own['n']}, M(d′) = {plain(own['mean'])}, SD = {plain(own['sd'])}, {within}"


def _bayes(group: Found, of: str = "d′") -> str:
    jzs = group["jzs"]
    if missing(jzs["bf10"]):
        return ""
    name, value = ("BF10", jzs["bf10"]) if jzs["bf10"] >= 1 else ("BF01", jzs["bf01"])
    t = f"t({jzs['n'] - 1}) = {plain(jzs['t'])}"
    return f"The JZS Bayes factor of the mean {of} was {name} = {large(value)}, {t}."


def _conditions(found: Found) -> str:
    """Each condition, the test of all, and the differences of pairs."""
    whose = _WHO.get(found["observer"], "observer")
    parts = [f"Conditions were compared, {_CROSSING[found['participants']].format(whose)}."]
    for one in found["each"]:
        main, auc = one["primary"], one["primary"]["auc"]
        if missing(auc["auc"]):
            continue
        text = f"With {one['name']}, AUC = {unit(auc['auc'])}"
        if not missing(auc["low"]):
            text += f", {percent(auc['level'])} CI {bounds(auc['low'], auc['high'], unit)}"
        if not missing(one["p_adjusted"]):
            text += f", {p_value(one['p_adjusted'])}{' by a permutation test' if main.get('exact') else ' against .50'}"
        wrong = ", in the wrong direction" if one["status"] == "discriminated" and auc["auc"] < 0.5 else ""
        able = main.get("prevalence")
        alone = (
            f"; by themselves, {able['either']['significant']} of {able['participants']} discriminated" if able else ""
        )
        parts.append(f"{text} ({_STATUS[one['status']]}{wrong}{alone}).")
    all_of, several = found["equality"], len(found["each"]) > 2
    if several and not missing(all_of["p"]):
        of = f"{degrees(all_of['df1'])}, {degrees(all_of['df2'])}"
        parts.append(f"All AUCs together: F({of}) = {plain(all_of['f'])}, {p_value(all_of['p'])}.")
    for pair in found["differences"]:
        d = pair["auc"]
        if not missing(d["low"]):
            parts.append(
                f"For {pair['first']} − {pair['second']}, ΔAUC = {unit(d['difference'])}, {percent(d['level'])} CI "
                f"{bounds(d['low'], d['high'], unit)}, t({degrees(d['df'])}) = {plain(d['difference'] / d['se'])}, "
                f"{p_value(pair['p_adjusted'])}."
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
            area = model["measure"] == "auc"
            shown = [fine(one[name], 3 if area else 2) for name in ("change", "low", "high")]
            b, low, high = map(without_zero, shown) if area else shown
            t = f"t({degrees(one['df'])}) = {plain(one['change'] / one['se'])}, {p_value(one['p'])}"
            parts.append(
                f"{_MEASURES[model['measure']]}, {one['name']}{against}: b = {b}, {percent(model['level'])} CI "
                f"[{low}, {high}], {t}"
            )
    if not parts:
        return ""
    method = models[0]["method"]
    return f"Covariates ({method}; images taken as given): {'; '.join(parts)}."


def _pairs(group: Found) -> str:
    """Two-alternative and same/different tasks."""
    name, d, right = _PAIRS[group["measure"]], group["value"], group["accuracy"]
    parts = [f"{in_words(group['participants'])} observer{'s' * (group['participants'] != 1)} judged pairs of images."]
    if not missing(d["mean"]):
        text = f"Sensitivity was {name} = {plain(d['mean'])}"
        if not missing(d["sd"]):
            text = f"Sensitivity with these images: M({name}) = {plain(d['mean'])}, SD = {plain(d['sd'])}"
        if not missing(d["low"]):
            t = group["jzs"]["t"]
            p = 2 * float(student.sf(abs(t), d["n"] - 1))
            text += (
                f", {percent(d['level'])} CI {bounds(d['low'], d['high'])}, t({d['n'] - 1}) = {plain(t)}, {p_value(p)}"
            )
        parts.append(f"{text}.")
    if not missing(right["mean"]):
        within = (
            f", {percent(right['level'])} CI {bounds(right['low'], right['high'], unit)}"
            if not missing(right["low"])
            else ""
        )
        parts.append(f"The proportion of correct answers was {unit(right['mean'])}{within}.")
    exact = group.get("p_exact")
    if exact is not None and not missing(exact) and missing(d["low"]):
        parts.append(f"An exact conditional test within participants gave {p_value(exact)}.")
    parts += [_bayes(group, name)] if not missing(d["low"]) else []
    return " ".join(filter(None, [*parts, _pairs_verdict(group)]))


def _pairs_verdict(group: Found) -> str:
    d = group["value"]
    words = "Neither discrimination of the images nor its absence was shown"
    if group["verdict"] == "shown to differ":
        words = f"The images were discriminated{' in the wrong direction' if d['mean'] < 0 else ''}"
    whom = "these observers and these images" if missing(d["low"]) else "other observers judging these images"
    return f"{words}; this speaks of {whom}."


def _metacognition(group: Found) -> str:
    meta, ratio = group["meta_dprime"], group.get("m_ratio")
    parts = []
    if not missing(meta["mean"]):
        within = (
            f", {percent(meta['level'])} CI {bounds(meta['low'], meta['high'])}" if not missing(meta["low"]) else ""
        )
        parts.append(f"Metacognitive sensitivity was meta-d′ = {plain(meta['mean'])}{within}.")
    if ratio and not missing(ratio["m_ratio"]["value"]):
        one = ratio["m_ratio"]
        parts.append(
            f"The group’s M-ratio was {plain(one['value'])}, {percent(ratio['level'])} credible interval "
            f"{bounds(one['low'], one['high'])}."
        )
    return " ".join(parts)


def _retest(group: Found) -> str:
    again = group["similarity"]
    if missing(again["mean"]):
        return ""
    within = (
        f", {percent(again['level'])} CI {bounds(again['low'], again['high'], unit)}"
        if not missing(again["low"])
        else ""
    )
    spread = f", SD = {unit(again['sd'])}" if not missing(again["sd"]) else ""
    return f"Answers agreed with those of the retest (Sokal–Michener): M = {unit(again['mean'])}{spread}{within}."


def _agreement(group: Found) -> str:
    parts = []
    alpha = next((one["alpha"] for one in group["agreement"] if one["of"] == "all"), None)
    if alpha and not missing(alpha["value"]):
        within = f", 95% CI {bounds(alpha['low'], alpha['high'], unit)}" if not missing(alpha["low"]) else ""
        parts.append(f"Observers’ answers agreed with Krippendorff’s α = {unit(alpha['value'])}{within}.")
    for one in group.get("reliability", ()):
        icc = one["found"]["icc_2_1"]
        if one["of"] == "all" and not missing(icc["value"]) and not missing(icc["low"]):
            parts.append(
                f"The reliability of one observer’s {'answers' if one['answers_alone'] else 'ratings'} was ICC(2,1) = "
                f"{unit(icc['value'])}, {percent(one['found']['level'])} CI {bounds(icc['low'], icc['high'], unit)}."
            )
    return " ".join(parts)

"""What the real/generated page says of conditions, of the measures of every session, and of covariates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.designs.condition_results import Conditions
from analysis.designs.covariates import CovariateModel, Effect
from analysis.designs.sessions import SessionChange
from analysis.group.one_sample import mean
from analysis.mrmc.answers import AnswerDifference, AnswerMean
from analysis.report.figures import plots
from analysis.report.number_text import fine, interval, number, p_phrase, p_value, share
from analysis.report.page import Block, Heading, Picture, Section, Small, Table, verdict_note
from analysis.report.realfake.findings import Findings
from data.results.result import frame_of

_NAMES = {"dprime": "d′", "criterion": "c", "auc": "AUC"}
_ANSWERS = ("dprime", "criterion", "sensitivity", "specificity")
_PAIRED = {
    "crossed": "The same participants judged every condition and are compared with themselves",
    "nested": "Each condition has participants of its own, so groups are compared",
    "partly crossed": "Some participants judged several conditions but not all; two conditions are compared in those "
    "who judged both, if there are any",
}
_IMAGES = {
    "all": "all conditions show the same images",
    "some": "conditions share some of their images",
    "none": "no two conditions share an image",
}
_CONDITIONS = (
    "**Conditions.** Every condition was evaluated like the primary result, with p adjusted for the number of "
    "conditions by Holm’s method {holm1979}. Differences of areas count participants and images as samples, with "
    "covariances from the images that conditions share {gallas2006+gallas2008}; their p are adjusted for the number of "
    "pairs. The test of all conditions together is Obuchowski and Rockette’s F {obuchowski1995} in its form for "
    "crossed, nested and partly nested designs {hillis2014}, with unbiased covariances. Sensitivity, specificity, d′ "
    "and c at the answer are analysed in the same way {chen2014}; d′ and c take their variances by the delta method "
    "from rates corrected log-linearly {gourevitch1967+hautus1995}."
)
_CHANGES = (
    "**Measures of every session.** The mean change from session 1 has a paired t interval. Reliability of single "
    "participants’ values is the ICC for absolute agreement {mcgraw1996}; its ceiling is the share of their variance "
    "that sampling error of so many trials leaves. Both take the images as given."
)
_COVARIATES = (
    "**Covariates.** The measures of every session and condition were regressed on covariates, condition and session "
    "by a linear mixed model with a random intercept for participants {laird1982}, fitted by restricted maximum "
    "likelihood (ordinary least squares where each participant has one value); t intervals have the degrees of freedom "
    "between participants, or within them for condition and session {pinheiro2000}. They speak of other participants "
    "judging these images."
)


def verdicts(found: Findings) -> tuple[Block, ...]:
    """The comparison of conditions in words, first on the page."""
    blocks: list[Block] = []
    for one in found.conditions:
        if len(found.conditions) > 1:
            blocks.append(Heading(one.observer.capitalize()))
        last = f"These results generalise to {one.generalises_to}."
        blocks.append(verdict_note(one.verdict, (one.words, last)))
    return tuple(blocks)


def conditions_section(found: Findings) -> Section | None:
    """Every condition, their differences, and the measures at the answer."""
    if not found.conditions:
        return None
    blocks: list[Block] = []
    for one in found.conditions:
        if len(found.conditions) > 1:
            blocks.append(Heading(one.observer.capitalize()))
        level = one.each[0].primary.auc.level
        # Nothing is paired where all but one condition are empty.
        lead = [f"{_PAIRED[one.participants]}; {_IMAGES[one.same_images]}."] if one.differences else []
        blocks += [" ".join((*lead, *one.remarks)), _conditions_table(one)]
        name = _figure_name(one, found.conditions)
        if name in found.figures:
            caption = f"Mean area under the ROC of every condition, with its {level:.0%} interval."
            alt = "Areas of the conditions with their intervals; the numbers are in the table above."
            blocks.append(Picture(name, found.figures[name], caption, alt))
        blocks += [_equality(one)] if len(one.each) > 2 else []  # of two it is the test of their difference
        blocks += [_differences_table(one), _answers_table(one)]
        blocks += _sessions_of(one.observer, found.condition_sessions)
    return Section("Conditions", tuple(blocks))


def measures_section(found: Findings) -> Section | None:
    """Change and reliability of d′, c and AUC from session to session."""
    if not found.changes:
        return None
    rows = tuple(
        _change_row(one, kind if len(found.changes) > 1 else "")
        for kind, changes in found.changes.items()
        for one in changes
    )
    header = (
        "Measure",
        "Session",
        "Participants",
        "Session 1",
        "Later",
        "Change\n95% CI",
        "p",
        "ICC\n95% CI",
        "Ceiling",
    )
    lead = (
        "Did performance change, and how far do single participants keep theirs? The ceiling is the ICC that observers "
        "who do not change at all would reach with so many trials. Every session’s d′, c and AUC is in "
        "`session_measures.tsv`."
    )
    reasons = dict.fromkeys(one.reason for changes in found.changes.values() for one in changes if one.reason)
    note = f"Undefined: {'; '.join(reasons)}." if reasons else ""
    return Section("d′, c and AUC from session to session", (lead, Table(header, rows, words=(0,), note=note)))


def covariates_section(found: Findings) -> Section | None:
    """The models of measures on covariates."""
    if not found.covariates:
        return None
    blocks: list[Block] = [
        "Do d′, c and the area go with what participants bring along? Each effect is the change of the measure per "
        "unit, or against the reference, with the others held constant."
    ]
    for kind, models in found.covariates.items():
        if len(found.covariates) > 1:
            blocks.append(Heading(kind.capitalize()))
        rows = tuple(_effect_row(model, effect) for model in models for effect in model.effects)
        if rows:
            header = ("Measure", "Covariate", "Change\n95% CI", "t\ndf", "p")
            blocks.append(Table(header, rows, words=(0, 1), note=" ".join(map(_spread, models))))
        blocks += [Small(f"{_NAMES[one.measure]}: not fitted, {one.reason}.") for one in models if one.reason]
    return Section("Covariates of participants", tuple(blocks))


def methods(found: Findings) -> tuple[str, ...]:
    """The paragraphs that cover these sections."""
    texts = ((found.conditions, _CONDITIONS), (found.changes, _CHANGES), (found.covariates, _COVARIATES))
    return tuple(text for there, text in texts if there)


def summary(found: Findings) -> dict[str, Any]:
    """The keys of `summary.json`: only those for which there are data."""
    parts = {
        "conditions": [one.to_dict() for one in found.conditions],
        "session_changes": {kind: [one.to_dict() for one in all_] for kind, all_ in found.changes.items()},
        "covariates": {kind: [one.to_dict() for one in all_] for kind, all_ in found.covariates.items()},
    }
    return {name: part for name, part in parts.items() if part}


def tables(found: Findings) -> dict[str, pd.DataFrame]:
    """`session_measures`; `conditions` and `condition_differences`, and `covariates`, where there are any."""
    made = {} if found.measures is None else {"session_measures": found.measures}
    if found.conditions:
        made["conditions"] = pd.DataFrame(
            [{"observer": one.observer, **_condition_row(each)} for one in found.conditions for each in one.each]
        )
        made["condition_differences"] = pd.DataFrame(
            [{"observer": one.observer, **_pair_row(pair)} for one in found.conditions for pair in one.differences]
        )
    if found.condition_sessions is not None:
        made["condition_sessions"] = found.condition_sessions
    if found.covariates:
        made["covariates"] = pd.concat(
            [
                frame_of(model.effects).assign(measure=model.measure, observer=kind)
                for kind, models in found.covariates.items()
                for model in models
                if model.effects
            ]
            or [pd.DataFrame(columns=["measure", "observer"])],
            ignore_index=True,
        )
    return made


def condition_figures(conditions: Sequence[Conditions], draw: bool = True) -> dict[str, Figure]:
    """The figure `conditions` of each kind of observer; empty if not to `draw`."""
    return {_figure_name(one, conditions): _figure(one) if draw else Figure() for one in conditions}


def _figure_name(one: Conditions, conditions: Sequence[Conditions]) -> str:
    return "conditions" if len(conditions) == 1 else f"conditions_{one.observer.replace(' ', '_')}"


def _figure(one: Conditions) -> Figure:
    rows = {each.name: (each.primary.auc.auc, each.primary.auc.low, each.primary.auc.high) for each in one.each}
    delta = one.each[0].primary.delta
    band = None if delta != delta else (0.5 - delta, 0.5 + delta)
    return plots.forest(rows, None, band, "area under the ROC", 0.5)


def _conditions_table(one: Conditions) -> Table:
    level = one.each[0].primary.auc.level
    header = (
        "Condition",
        "Verdict",
        "Participants",
        "Images",
        f"AUC\n{level:.0%} interval",
        "p",
        "Tested\none by one",
    )
    three = partial(share, digits=3)
    rows = []
    for each in one.each:
        auc, able = each.primary.auc, each.primary.prevalence
        can = "" if able is None or able.reason else f"{able.either.significant} of {able.participants}"
        images = f"{auc.generated} generated, {auc.real} real"
        area = f"{three(auc.auc)}\n{interval(auc.low, auc.high, three)}"
        rows.append((each.name, each.status, str(auc.participants), images, area, p_value(each.p_adjusted), can))
    note = "p of a difference from .5, adjusted for the number of conditions (Holm)."
    if any(each.primary.withheld for each in one.each):
        reasons = dict.fromkeys(why for each in one.each for why in each.primary.withheld)
        note += f" Why “near chance” cannot be claimed: {'; '.join(reasons)}."
    return Table(header, tuple(rows), words=(1, 3), note=note)


def _equality(one: Conditions) -> str:
    parts = []
    for name, test in (("areas", one.equality), ("d′", one.equality_dprime)):
        text = f"no test ({test.reason})"
        if test.reason is None:
            text = f"F({test.df1:.0f}, {test.df2:.1f}) = {number(test.f)}, {p_phrase(test.p)}"
        parts.append(f"{name}: {text}")
    return f"Are all conditions alike? {'; '.join(parts)}."


def _sessions_of(observer: str, table: pd.DataFrame | None) -> list[Block]:
    """Every condition in session 1 and in later sessions, side by side."""
    if table is None:
        return []
    own = table[(table["observer"] == observer) & table["auc"].notna()]
    if own["session"].nunique() < 2:
        return []
    rows = []
    for (name, session), part in own.groupby(["condition", "session"]):
        by_rates = mean(part["dprime"].tolist(), corrected=part["corrected"].tolist())
        area = mean(part["auc"].tolist(), bounds=(0, 1))
        cells = (
            f"{number(by_rates.mean)}\n{interval(by_rates.low, by_rates.high)}",
            f"{share(area.mean)}\n{interval(area.low, area.high, share)}",
        )
        rows.append((str(name), str(session), str(len(part)), *cells))
    note = (
        "Means with t intervals over participants: these images only. All that is said of conditions above is of "
        "session 1; in a later session the images were seen before. Every participant’s values are in "
        "`condition_sessions.tsv`."
    )
    header = ("Condition", "Session", "Participants", "d′\n95% CI", "AUC\n95% CI")
    return [Heading("Conditions in later sessions"), Table(header, tuple(rows), words=(0,), note=note)]


def _differences_table(one: Conditions) -> Table:
    level = f"{one.differences[0].auc.level:.0%} interval" if one.differences else "interval"
    header = ("Difference", f"AUC\n{level}", "p", "d′", "c", "Sensitivity", "Specificity")
    three = partial(number, digits=3)
    rows = []
    for pair in one.differences:
        cells = [f"{three(pair.auc.difference)}\n{interval(pair.auc.low, pair.auc.high, three)}"]
        cells += [p_value(pair.p_adjusted)]
        cells += [_difference_cell(getattr(pair, name)) for name in _ANSWERS]
        rows.append((f"{pair.first} − {pair.second}", *cells))
    note = "p of the areas, adjusted for the number of pairs (Holm). A c above 0 leans towards “real”."
    return Table(header, tuple(rows), note=note)


def _answers_table(one: Conditions) -> Table:
    header = ("At the answer", "d′\n95% CI", "c\n95% CI", "Sensitivity\n95% CI", "Specificity\n95% CI")
    rows = [(each.name, *(_mean_cell(getattr(each, name)) for name in _ANSWERS)) for each in one.each]
    reasons = dict.fromkeys(f"{each.name}: {each.dprime.reason}" for each in one.each if each.dprime.reason is not None)
    note = f"Means over participants, for {one.generalises_to}."
    return Table(header, tuple(rows), note=" ".join((note, *(f"No interval of d′ and c, {why}." for why in reasons))))


def _difference_cell(found: AnswerDifference) -> str:
    # Conditions with the same real images share every answer to them.
    same = found.reason is not None and found.difference == 0
    return f"{number(found.difference)}\n{'same answers' if same else interval(found.low, found.high)}"


def _mean_cell(found: AnswerMean) -> str:
    form = number if found.measure in ("dprime", "criterion") else share
    return f"{form(found.value)}\n{interval(found.low, found.high, form)}"


def _condition_row(each: Any) -> dict[str, Any]:
    auc = each.primary.auc
    row = {
        "condition": each.name,
        "status": each.status,
        "participants": auc.participants,
        "generated": auc.generated,
        "real": auc.real,
        **{name: getattr(auc, name) for name in ("auc", "se", "df", "low", "high", "level", "p_chance")},
        "p_adjusted": each.p_adjusted,
        "reason": auc.reason,
    }
    for name in _ANSWERS:
        found = getattr(each, name)
        row |= {name: found.value, f"{name}_se": found.se, f"{name}_low": found.low, f"{name}_high": found.high}
    return row


def _pair_row(pair: Any) -> dict[str, Any]:
    row = {"first": pair.first, "second": pair.second}
    for name in ("auc", *_ANSWERS):
        found = getattr(pair, name)
        row |= {f"{name}_{part}": getattr(found, part) for part in ("difference", "se", "df", "low", "high", "p")}
    return row | {"auc_p_adjusted": pair.p_adjusted, "reason": pair.auc.reason}


def _change_row(one: SessionChange, kind: str) -> tuple[str, ...]:
    form = share if one.measure == "auc" else number
    return (
        _NAMES[one.measure] + (f" ({kind})" if kind else ""),
        str(one.session),
        str(one.participants),
        form(one.first_mean),
        form(one.later_mean),
        f"{number(one.change.mean)}\n{interval(one.change.low, one.change.high)}",
        p_value(one.p),
        f"{number(one.icc)}\n{interval(one.icc_low, one.icc_high)}",
        share(one.ceiling),
    )


def _effect_row(model: CovariateModel, effect: Effect) -> tuple[str, ...]:
    what = (
        f"{effect.name}, per unit"
        if not effect.reference
        else (f"{effect.name}: {effect.level_of_it} against {effect.reference}")
    )
    t = effect.change / effect.se if effect.se > 0 else float("nan")
    # An effect per case read is small.
    cells = (f"{fine(effect.change)}\n{interval(effect.low, effect.high, fine)}", f"{number(t)}\n{effect.df:.0f}")
    return _NAMES[model.measure], what, *cells, p_value(effect.p)


def _spread(model: CovariateModel) -> str:
    if model.reason is not None:
        return ""
    out = f", {model.left_out} left out for want of a value" if model.left_out else ""
    between = (
        ""
        if model.participant_sd != model.participant_sd
        else (f"SD between participants beyond the effects {number(model.participant_sd)}, ")
    )
    return (
        f"{_NAMES[model.measure]}: {model.participants} participants{out}, {model.observations} values; {between}"
        f"residual SD {number(model.residual_sd)}."
    )

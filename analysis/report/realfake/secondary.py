"""The secondary results of a real/generated study: what takes the images as given, or assumes more."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.group.group import Group
from analysis.mrmc.other_methods import MethodResult
from analysis.report.number_text import interval, number, p_phrase, p_value, share
from analysis.report.page import Block, Heading, Section, Table
from analysis.report.realfake.findings import Findings
from analysis.report.realfake.sections import labelled


def secondary_section(found: Findings) -> Section:
    """What has no part in the verdict: means over participants, a model of every answer, other methods."""
    blocks: list[Block] = [
        "These take the images as given, or assume more. They have no part in the verdict.",
        Table((), tuple(row for group in found.groups for row in _secondary(group, found.groups)), words=(1,)),
        Heading("The same area by other methods"),
        "The primary result should not depend on the method. These are secondary, and differ in what they count as a "
        "sample.",
        _other_methods(found.groups),
    ]
    return Section("Secondary results", tuple(blocks))


def _secondary(group: Group, groups: Sequence[Group]) -> list[tuple[str, str]]:
    def named(what: str) -> str:
        return labelled(what, group, groups)

    rows = []
    if group.tost:
        why = f" ({group.tost.reason})" if group.tost.reason else ""
        rows.append(
            (
                named(f"Mean d′ inside ± {number(group.bound)}?"),
                f"Two one-sided t tests on participants’ d′: {p_phrase(group.tost.p)}{why}. They ignore that other "
                "images would have given other values, so they claim equivalence too often.",
            )
        )
    rows += [
        (named("Bayes factor of the mean d′"), _bayes_factor(group)),
        (named("Informed Bayes factor"), _informed(group)),
        (named("Model of every answer"), _probit(group)),
    ]
    if group.effect is not None and group.effect.reason is None:
        g = group.effect
        rows.append(
            (
                named("Size beside differences between observers"),
                f"Hedges’ g of the mean d′ {number(g.g)} ({interval(g.low, g.high)}), in SDs between observers.",
            )
        )
    sd = group.between
    spread = f"n/a ({sd.reason})" if sd.tau != sd.tau else f"{number(sd.tau)} ({interval(sd.low, sd.high)})"
    rows.append(
        (
            named("Between observers"),
            f"SD of the true d′ {spread}; sampling error alone would give d′ an "
            f"SD of {number(sd.sampling_sd)}. Observers at +.8 and −.8 average to 0.",
        )
    )
    return rows


def _bayes_factor(group: Group) -> str:
    jzs = group.jzs
    text = f"n/a: {jzs.reason}."
    if not jzs.reason:
        text = (
            f"BF₁₀ {number(jzs.bf10)}, BF₀₁ {number(jzs.bf01)} ({jzs.prior}); with {jzs.n} participants BF₀₁ cannot "
            f"exceed {number(jzs.largest_bf01)}. For a d′ above 0 alone BF₁₀ {number(group.jzs_greater.bf10)}, below 0 "
            f"alone {number(group.jzs_less.bf10)}."
        )
    if group.interval and not group.interval.reason:
        text += f" “Inside the bounds” against “outside”: {number(group.interval.bf_inside)} ({group.interval.prior})."
    return text


def _informed(group: Group) -> str:
    one = group.informed
    if one.reason:
        return f"n/a: {one.reason}."
    size = "the bounds" if group.primary.delta == group.primary.delta else "d′ = .5"
    return (
        f"If there is an effect, one about as large as {size}: BF₁₀ {number(one.bf10)}, BF₀₁ {number(one.bf01)} "
        f"({one.prior}). Where it and the factor above disagree, the prior decides, not the data."
    )


def _probit(group: Group) -> str:
    one = group.probit
    if one.dprime.value != one.dprime.value:
        return f"n/a: {one.reason}."
    mean, why = one.marginal_dprime, f"; {one.reason}" if one.reason else ""
    return (
        f"Probit with random participants and images: d′ {number(mean.value)} ({interval(mean.low, mean.high)}) for an "
        f"average participant over many images; SD of d′ between participants {number(one.dprime_sd)}, of images "
        f"{number(one.real_image_sd)} (real) and {number(one.generated_image_sd)} (generated){why}."
    )


def _other_methods(groups: Sequence[Group]) -> Table:
    level = f"{groups[0].primary.auc.level:.0%} interval"
    return Table(
        ("Method", "Sample", f"AUC\n{level}", "p (chance)", ""),
        tuple(_method_row(one, labelled(one.method, group, groups)) for group in groups for one in group.methods),
        words=(1, 4),
        note="A t interval over participants takes the images as given and is too narrow for other images; permuting "
        "labels tests chance for these participants; the bootstrap of both is known to be wide.",
    )


def _method_row(one: MethodResult, name: str) -> tuple[str, ...]:
    bounds = f"\n{share(one.low, 3)} to {share(one.high, 3)}" if one.low == one.low else ""
    return name, one.sample, f"{share(one.value, 3)}{bounds}", p_value(one.p), one.reason or ""

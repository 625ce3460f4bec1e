"""The page of real/generated judgements: the summary, the primary result, and the sections in their order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from analysis.group.group import Group
from analysis.group.one_sample import Mean
from analysis.group.primary import Primary, no_interval, population
from analysis.report.number_text import interval, number, p_phrase, share
from analysis.report.page import (
    Block,
    Fact,
    Facts,
    Heading,
    Note,
    Page,
    Section,
    Small,
    Table,
    doubts_of,
    verdict_note,
)
from analysis.report.realfake import curves, data_checks, designs, individuals, sections
from analysis.report.realfake.findings import Findings
from analysis.report.realfake.methods import methods
from analysis.report.realfake.secondary import secondary_section
from analysis.report.realfake.sections import people
from analysis.report.results import versions
from analysis.report.sequences import sequence_section

_NOT_CHANCE = Note(
    "A curve near the diagonal, or a mean d′ near 0, is not by itself evidence of chance performance.",
    (
        "Few observers or few images often give such a result, even where the images can be discriminated a little; "
        "and observers above and below 0 average to 0.",
        "Evidence for chance needs bounds fixed before the first trial, an interval that lies inside them with "
        "participants and images both counted as samples, participants who differ by less than the bounds, and known "
        "fakes that were noticed. The verdict above asks for all of these.",
    ),
)

_IMAGES_GIVEN = Small(
    "Below, apart from the primary result: intervals that take the images as given. They speak of other observers "
    "judging these same images, and are too narrow for other images."
)


def page(found: Findings) -> Page:
    """The page of a real/generated study."""
    who = ", ".join(people(group.participants, group.observer) for group in found.groups)
    again = f"; {len(found.retested)} judged the images again" if found.retested else ""
    parts = (
        designs.conditions_section(found),
        _primary(found),
        designs.covariates_section(found),
        sections.participants_section(found),
        sections.roc_curves(found),
        sections.areas_section(found),
        curves.models_section(found, found.rates),
        sections.confidence(found),
        sections.retest(found),
        individuals.fingerprint_section(found.individuals),
        designs.measures_section(found),
        sections.images(found),
        sections.detectability_section(found),
        sections.serial_section(found),
        sequence_section([(one.observer, one.sequence) for one in found.individuals]),
        secondary_section(found),
        data_checks.findings_section(found),
        data_checks.sessions_section(found),
    )
    return Page(
        title=found.study.study.name if found.study else "Real or generated?",
        subtitle=f"Can observers discriminate generated images from real ones? Session 1: {who}{again}.",
        warnings=(*_warnings([group.observer for group in found.groups]), *doubts_of(found.trials.doubts)),
        summary=_summary(found),
        sections=tuple(part for part in parts if part is not None),
        methods=(*methods(found), *designs.methods(found)),
        inputs=found.inputs,
        versions=versions(),
    )


def _warnings(kinds: list[str]) -> tuple[Note, ...]:
    warnings = []
    made = [kind for kind in kinds if kind in ("simulated", "scripted")]
    if made:
        lead = (
            f"These are {made[0]} observers, not people."
            if made == kinds and len(made) == 1
            else ("Some of these are simulated or scripted observers, not people.")
        )
        text = "Their results show that the procedure works; they say nothing about what anyone can see in the images."
        text += " Each kind of observer is averaged separately." if len(kinds) > 1 else ""
        warnings.append(Note(lead, (text,), "warning"))
    if "not stated" in kinds:
        text = "Some records do not state what kind of observer answered."
        warnings.append(Note("These may not be people.", (text,), "warning"))
    return tuple(warnings)


def _summary(found: Findings) -> tuple[Block, ...]:
    blocks: list[Block] = [*designs.verdicts(found)]
    if found.conditions:
        blocks.append(Heading("All conditions together"))
    for group in found.groups:
        if len(found.groups) > 1:
            blocks.append(Heading(group.observer.capitalize()))
        blocks += [_verdict(group), _facts(group), _IMAGES_GIVEN, _given(group), _in_words(group, found)]
    if any(group.primary.verdict == "not decided" for group in found.groups):
        blocks.append(_NOT_CHANCE)
    if found.retested:
        blocks.append(
            "Retest similarity is the share of images that got the same answer twice. Compare it with the similarity "
            "expected by chance, from how often each session’s answer was “generated”: only the excess is agreement "
            "about the images. Even that is not yet accuracy: an observer can be consistently wrong, or remember."
        )
    return tuple(blocks)


def _verdict(group: Group) -> Note:
    main = group.primary
    paragraphs = [main.words]
    if main.withheld and main.verdict == "shown to differ":
        paragraphs.append(f"“Near chance” could not have been claimed in any case: {'; '.join(main.withheld)}.")
    return verdict_note(main.verdict, tuple(paragraphs))


def _facts(group: Group) -> Facts:
    """The primary result, with what it generalises to."""
    main, able = group.primary, group.primary.prevalence
    auc = main.auc
    facts = [
        Fact(
            "Area under the ROC",
            share(auc.auc, 3),
            f"{_ci(auc.low, auc.high, partial(share, digits=3), auc.level)}; {main.generalises_to}",
        ),
        Fact("d′ of that area", number(main.dprime), _ci(main.dprime_low, main.dprime_high, number, auc.level)),
    ]
    if able is not None and able.reason is None:
        one, below = able.either, able.below.significant
        of_all = (
            f"{able.by_chance:.2g} would by chance; most probably {one.value:.0%} of {population(group.observer)} "
            f"({able.level:.0%} interval {one.low:.0%} to {one.high:.0%})"
        )
        if able.participants < 2:
            of_all = "one participant’s result says nothing of others"
        of_all = f"{below} in the wrong direction; {of_all}" if below else of_all
        facts.append(Fact("Discriminate, tested one by one", f"{one.significant} of {able.participants}", of_all))
    if auc.between_sd == auc.between_sd:
        bounds = f"the bounds are ± {share(main.delta, 3)}" if main.delta == main.delta else "beyond sampling error"
        facts.append(Fact("SD of true areas between observers", share(auc.between_sd, 3), bounds))
    return Facts(tuple(facts))


def _given(group: Group) -> Facts:
    """What takes the images as given."""
    d, auc, sd, again = group.dprime, group.auc, group.between, group.similarity
    of = f", {d.n} of {group.participants}" if d.undefined else ""
    own, one = "", group.own_dprime
    if one is not None and one.low == one.low:
        own = f"; of the other {one.n} {number(one.mean)}, {_ci(one.low, one.high)}"
    areas = f", {auc.n} of {group.participants}" if auc.undefined else ""
    spread = "no interval" if sd.low != sd.low else f"{interval(sd.low, sd.high)}, beyond sampling error"
    facts = [
        Fact("Mean d′", number(d.mean), _ci(d.low, d.high) + of + own),
        Fact("Mean area", share(auc.mean), _ci(auc.low, auc.high, share) + areas),
        Fact("SD of d′ between observers", number(sd.tau), spread),
    ]
    if again.n:
        facts.append(Fact("Mean retest similarity", share(again.mean), f"{again.n} of {group.participants} retested"))
    return Facts(tuple(facts))


def _ci(low: float, high: float, form: Callable[[float], str] = number, level: float = 0.95) -> str:
    return (f"{level:.0%} CI " if low == low else "") + interval(low, high, form)


def _in_words(group: Group, found: Findings) -> str:
    d, by, rated = group.dprime, found.by, found.raters(group.observer)
    confidence = " and rated their confidence" if rated else ""
    if 0 < rated < group.participants:
        confidence = f"; {rated} of them rated their confidence"
    words = [
        f"{people(group.participants, group.observer)} judged each image as real or generated{confidence}. A d′ of 0 "
        "means that real images were called “generated” as often as generated images were; an area of .50 means the "
        f"same{' of the ratings' if rated else ''}."
    ]
    if d.undefined and d.n:
        verb = "is" if d.undefined == 1 else "are"
        why = (
            ", for whom a rate is 0 or 1 and no correction was applied: often the most sensitive, so the mean may be "
            "too near 0"
        )
        words.append(
            f"The mean d′, its Bayes factors and the SD between observers are those of {d.n} of {group.participants}: "
            f"{d.undefined} without a d′ {verb} left out{why if by.correction == 'none' else ''}."
        )
    words.append(_mean_in_words(d, group.own_dprime, group.primary, rated > 0))
    return " ".join(words)


def _mean_in_words(d: Mean, own: Mean | None, main: Primary, rated: bool) -> str:
    """What the mean d′ says beside the verdict, and nothing that contradicts it."""
    verdict, able = main.verdict, main.prevalence
    start = f"With these images the mean d′ is {number(d.mean)}"
    others = " That others would, or with other images, is not decided." if verdict == "not decided" else ""
    if d.low != d.low:
        text = f"{start}, without an interval ({d.reason}), so its precision is unknown."
        if own is None or own.low != own.low:
            return text
        return (
            f"{text} That of the other {own.n} is {number(own.mean)} ({own.level:.0%} interval "
            f"{interval(own.low, own.high)}); participants are left out by their answers, so it does not speak of all."
        )
    if d.low > 0:
        above = "on average, these observers discriminated them better than chance"
        return f"{start} and its interval lies above 0: {above}.{others}"
    if d.high < 0:
        return (
            f"{start} and its interval lies below 0: on average, real images were called “generated” more often than "
            f"generated ones. Check that truth and answers are coded as intended.{others}"
        )
    start += f"; its interval, {interval(d.low, d.high)}, includes 0"
    if verdict == "shown to differ":
        return f"{start}. The verdict rests on the area{', which counts confidence too' if rated else ''}."
    if verdict == "shown to be near chance":
        return f"{start}."
    if able is not None and able.either.low > 0:
        return (
            f"{start}. Yet {able.either.significant} of {able.participants} participants discriminated the images, "
            f"tested one by one, where {able.by_chance:.2g} would by chance: the mean may not stand for them."
        )
    return (
        f"{start}. These data do not show that the observers can discriminate the images. Nor do they show that they "
        f"cannot: a mean d′ as far from 0 as {number(max(d.low, d.high, key=abs))} is compatible with them too."
    )


def _primary(found: Findings) -> Section:
    blocks: list[Block] = []
    for group in found.groups:
        if len(found.groups) > 1:
            blocks.append(Heading(group.observer.capitalize()))
        blocks += _endpoint(group)
    return Section("Primary result", tuple(blocks))


def _endpoint(group: Group) -> list[Block]:
    main, auc = group.primary, group.primary.auc
    precise = (
        f", {auc.level:.0%} interval {share(auc.low, 3)} to {share(auc.high, 3)}"
        if auc.low == auc.low
        else (f", without an interval ({no_interval(auc) if main.exact else auc.reason})")
    )
    bounded = main.delta == main.delta
    tests = f"There are no bounds fixed in advance. Difference from .5: {p_phrase(auc.p_chance)}."
    if bounded:
        tests = (
            f"The study file fixes the bounds .5 ± {share(main.delta, 3)} (d′ ± {number(group.bound)}). Equivalence: "
            f"{p_phrase(auc.p_equivalence)}; difference from .5: {p_phrase(auc.p_chance)}."
        )
    images = f"{auc.generated} generated and {auc.real} real image{'' if auc.real == 1 else 's'}"
    unrated = f", {auc.unrated} trials without a rating" if auc.unrated else ""
    without = group.participants - auc.participants
    left_out = f" ({without} of {group.participants} left out, without an area)" if without else ""
    blocks: list[Block] = [
        "The endpoint is the area under the rating ROC of session 1, averaged over participants, with participants and "
        f"images both counted as samples: {share(auc.auc, 3)}{precise}. An equal-variance observer with that area has "
        f"a d′ of {number(main.dprime)}. {tests} Design: {auc.design}, {people(auc.participants, group.observer)}"
        f"{left_out}, {images}{unrated}. Standard error: {auc.method or 'n/a'}."
    ]
    if main.catch:
        blocks.append(
            "Known fakes among the images (catch trials) were discriminated from the real images with an area of "
            f"{share(main.catch.auc)} ({interval(main.catch.low, main.catch.high, share)})."
        )
    if main.withheld and main.verdict != "shown to be near chance":
        blocks.append(Small(f"Why “near chance” cannot be claimed: {'; '.join(main.withheld)}."))
    if main.needed:
        blocks.append(_needed(group, bounded))
    return blocks


def _needed(group: Group, bounded: bool) -> Table:
    header = ["Images per participant", "Participants to show chance", "Participants to show this difference"]
    rows = [
        [str(one.images), str(one.near_chance or "none"), str(one.difference or "none")] for one in group.primary.needed
    ]
    note = "If true, with a power of .8, from the variances found here (rough in a small study). "
    note += (
        "“None”: even unlimited participants would not suffice; show more images."
        if bounded
        else "How many would show chance cannot be said without bounds."
    )
    if group.primary.auc.between_sd > group.primary.delta:
        note += " Of participants who differ by more than the bounds, no number shows chance."
    if not bounded:
        header, rows = [header[0], header[2]], [[row[0], row[2]] for row in rows]
    return Table(tuple(header), tuple(tuple(row) for row in rows), note=note)

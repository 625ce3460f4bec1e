"""The sections of the real/generated page below the primary result; each is None where there are no data for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.agreement.items import extremes
from analysis.agreement.rater_reliability import RaterReliability
from analysis.group.group import Group
from analysis.group.participants import Participant
from analysis.group.primary import population, wrong_direction
from analysis.mrmc.other_methods import MOST
from analysis.report.number_text import interval, listed, number, p_phrase, p_value, share
from analysis.report.page import Block, Picture, Section, Small, Table
from analysis.report.realfake.findings import Findings
from analysis.report.realfake.tables import records

if TYPE_CHECKING:
    from analysis.image_cues.detectability import Detectability

_ALT = {
    "figure5": "Rating ROC curve of every participant; the numbers are in the table below.",
    "forest": "d′ of every participant with its interval, and the mean of all.",
    "ratings": "How often every participant gave each rating to real and to generated images.",
    "calibration": "Share of correct answers at each confidence.",
    "retest": "First answers against the answers of the retest, for real and for generated images.",
    "serial": "Effects of the previous trial on an answer, averaged over participants.",
    "items": "The images most often called generated, and least often.",
}
_CORRECTED = {
    "log-linear": "the log-linear correction",
    "replace": "rates of 0 and 1 replaced",
    "none": "uncorrected rates",
}
_KINDS = {"human": "participant", "simulated": "simulated observer", "scripted": "scripted observer"}


def people(n: int, observer: str) -> str:
    """`6 simulated observers`."""
    if observer not in _KINDS:
        return f"{n} observer{'s' if n != 1 else ''} (kind not stated)"
    return f"{n} {_KINDS[observer]}{'s' if n != 1 else ''}"


def labelled(what: str, group: Group, groups: Sequence[Group]) -> str:
    """`what`, with the kind of observer where there are several."""
    return f"{what} ({group.observer})" if len(groups) > 1 else what


def picture(found: Findings, name: str, caption: str) -> Picture:
    """The figure of that name."""
    return Picture(name, found.figures[name], caption, _ALT[name])


def roc_curves(found: Findings) -> Section:
    """Figure 5."""
    caption = (
        "Rating ROC of session 1, as Figure 5 of Ren, Yu & Whitney (Controllable Medical Image Generation via "
        "Generative Adversarial Networks). Lines join the operating points of the confidence levels; the filled marker "
        "is the yes/no answer, at which d′ is measured. In parentheses: area under the curve (AUC), d′, and the "
        "Sokal–Michener similarity (SMC) of the first retest."
    )
    return Section("ROC of every participant", (picture(found, "figure5", caption),))


def participants_section(found: Findings) -> Section:
    """One row per participant."""
    yes_no = ("Answered", "Hit\nrate", "False-alarm\nrate", "d′\n95% CI", "c")
    header = ("Participant", *yes_no, "AUC\n95% CI", "SMC\n95% CI", "SMC\nby chance", "κ")
    note = (
        "Generated images are the signal: a hit is a generated image called “generated”. A criterion c above 0 is a "
        "bias "
        f"towards “real”. Rates are uncorrected; d′ and c use {_CORRECTED[found.by.correction]}. SMC, its value "
        "expected by chance and κ are of the first retest."
    )
    blocks: list[Block] = [_who_can_tell(group, found.groups) for group in found.groups]
    if "forest" in found.figures:
        grey = "; grey: the bounds that the study file fixed" if any(group.tost for group in found.groups) else ""
        caption = f"d′ of every participant with its 95% interval, and the mean with its t interval{grey}."
        blocks.append(picture(found, "forest", caption))
    blocks.append(Table(header, tuple(_participant_row(one) for one in found.participants), note=note))
    undefined = [
        f"{one.name}: {reason}"
        for one in found.participants
        for reason in (one.yesno.reason, one.roc.reason, one.retest.reason if one.retest else None)
        if reason
    ]
    if undefined:
        blocks.append(Small(f"Undefined values: {listed(undefined)}"))
    return Section("Who can tell", tuple(blocks))


def _who_can_tell(group: Group, groups: Sequence[Group]) -> str:
    """How many discriminate by themselves, and the share that this stands for."""
    able = group.primary.prevalence
    if able is None or able.reason:
        return f"{labelled('Who can tell', group, groups)}: nobody could be tested alone."
    one, who = able.either, people(able.participants, group.observer)
    share_of_all = (
        f" The most probable share of {population(group.observer)} who can tell in a session of this length is "
        f"{one.value:.0%} ({able.level:.0%} interval {one.low:.0%} to {one.high:.0%})."
    )
    if able.participants < 2:
        share_of_all = " One participant’s result says nothing of others."
    others = f" {able.untested} rated too few images to be tested." if able.untested else ""
    return (
        f"Each was tested alone, by permuting the labels of the images: {one.significant} of {who} discriminated them "
        f"at {one.alpha:.0%}{wrong_direction(able)}; {able.by_chance:.2g} would by chance.{share_of_all}{others}"
    )


def _participant_row(one: Participant) -> tuple[str, ...]:
    yesno, roc, retest = one.yesno, one.roc, one.retest
    row = (
        one.name if one.observer == "human" else f"{one.name}\n{one.observer}",
        f"{one.trials - yesno.unanswered}/{one.trials}",
        share(yesno.hit_rate),
        share(yesno.false_alarm_rate),
        f"{number(yesno.dprime)}\n{interval(yesno.low, yesno.high)}",
        number(yesno.criterion),
        f"{share(roc.auc)}\n{interval(roc.low, roc.high, share)}",
    )
    if retest is None:
        return *row, "no retest", "", ""
    bounds = interval(retest.low, retest.high, share)
    return *row, f"{share(retest.similarity)}\n{bounds}", share(retest.expected), number(retest.kappa)


def areas_section(found: Findings) -> Section | None:
    """Every participant's area by every method, where there are not too many participants to look at singly."""
    rows = records(found.areas)
    if len(rows) > MOST:
        return None
    areas = ("AUC\nDeLong", "Bootstrap\nBCa", "p (chance)", "Partial AUC\nfalse alarms 0–.2")
    header = ("Participant", *areas, "A_z", "d_a", "Fit\np of X²", "σ = 1\np")
    note = (
        "Intervals are at 95%. The partial area is standardised: .5 is chance, 1 is perfect. A small p of X² says that "
        "the binormal curve does not fit these ratings; a small p of σ = 1, that the evidence varies more (or less) "
        "for generated images than for real ones."
    )
    if any("*" in _exactness(row) for row in rows):
        note += " * From random permutations."
    if any(row["remark"] for row in rows):
        note += (
            " † The fitted curve crosses the chance line within the data, as noise can make it do for an observer at "
            "chance; `areas.tsv` has the whole remark."
        )
    reasons = [f"{row['participant']}: {row['reason']}" for row in rows if row["reason"]]
    if reasons:
        note += f" Undefined: {listed(reasons)}"
    lead = (
        "Each observer alone, with these images: the area with two intervals, a permutation test, the area at low "
        "false-alarm rates, and whether the binormal model fits."
    )
    return Section("Areas under the ROC, by participant", (lead, Table(header, tuple(map(_area_row, rows)), note=note)))


def _area_row(row: dict[str, Any]) -> tuple[str, ...]:
    def bounds(name: str) -> str:
        low, high = row[f"{name}low"], row[f"{name}high"]
        return "no interval" if low is None else interval(low, high, share)

    return (
        row["participant"],
        f"{share(row['auc'], 3)}\n{bounds('')}",
        bounds("bca_"),
        (p_value(row["p"]) or "n/a") + _exactness(row),
        f"{share(row['partial'])}\n{bounds('partial_')}",
        share(row["a_z"]),
        share(row["d_a"]),
        (p_value(row["goodness_p"]) or "n/a") + ("†" if row["remark"] else ""),
        p_value(row["equal_variance_p"]) or "n/a",
    )


def _exactness(row: dict[str, Any]) -> str:
    """A star on p that random permutations gave."""
    return "*" if row["p_exact"] is False and p_value(row["p"]) else ""


def confidence(found: Findings) -> Section | None:
    """meta-d′, calibration and the histograms of ratings."""
    if "calibration" not in found.figures:
        return None
    means = []
    for group in found.groups:
        meta, diff = group.meta_dprime, group.m_diff
        means.append(
            f"{labelled('Mean meta-d′', group, found.groups)}: {number(meta.mean)} ({interval(meta.low, meta.high)}); "
            f"meta-d′ − d′: {number(diff.mean)} ({interval(diff.low, diff.high)}).{_group_ratio(group)}"
        )
    text = (
        "Is confidence higher when an answer is correct? meta-d′ puts that in the units of d′: an observer whose "
        f"confidence uses all the evidence behind the answer has meta-d′ = d′. {' '.join(means)} The ratio of the two "
        "is withheld where the interval of d′ includes 0."
    )
    caption = (
        "Share of correct answers at each confidence: every participant in grey, all answers together in black with "
        "Wilson’s 95% interval. The dashed line is guessing."
    )
    blocks: list[Block] = [text, picture(found, "calibration", caption)]
    if "ratings" in found.figures:
        caption = "How often each rating was given: generated images upwards, real images downwards."
        blocks.append(picture(found, "ratings", caption))
    return Section("Confidence", tuple(blocks))


def _group_ratio(group: Group) -> str:
    found = group.m_ratio
    if found is None or found.reason:
        return f" The group’s M-ratio is withheld: {found.reason}." if found else ""
    ratio, spread = found.m_ratio, found.spread
    return (
        f" The M-ratio of the typical observer is {number(ratio.value)} ({interval(ratio.low, ratio.high)}; 1 uses all "
        f"the evidence); between observers its logarithm has an SD of {number(spread.value)} "
        f"({interval(spread.low, spread.high)})."
    )


def retest(found: Findings) -> Section | None:
    """Agreement of the first retest with session 1."""
    if "retest" not in found.figures:
        return None
    agreement = ("Shared", "SMC", "By chance", "p", "AC1", "Weighted κ", "ICC of ratings")
    header = ("Participant", *agreement, "Internal noise\n95% CI", "Change of d′\n95% CI")
    note = (
        "SMC by chance is expected from the two sessions’ shares of “generated”; p is exact, for at least this much "
        "agreement if the retest’s answers were assigned to the images at random. Internal noise is the SD of what "
        "changes from one viewing to the next over the SD of what stays (Burgess & Colborne 1988). Remembering the "
        "images makes answers agree, too."
    )
    rows = []
    for one in found.retested:
        c = one.comparison
        assert c is not None  # they were retested
        rows.append(
            (
                one.name,
                str(c.shared),
                share(c.answers.similarity),
                share(c.answers.expected),
                p_value(c.answers.p),
                number(c.answers.ac1),
                number(c.quadratic.kappa) if c.quadratic else "n/a",
                number(c.ratings.icc),
                f"{number(c.noise.ratio)}\n{interval(c.noise.ratio_low, c.noise.ratio_high)}",
                f"{number(c.change.dprime_change)}\n{interval(c.change.dprime_low, c.change.dprime_high)}",
            )
        )
    caption = "First answers against those of the retest, all participants together."
    return Section("Retest", (Table(header, tuple(rows), note=note), picture(found, "retest", caption)))


def images(found: Findings) -> Section | None:
    """Agreement about images, and the images at both ends."""
    if len(found.groups) != 1:
        return None
    text = []
    agreement = found.groups[0].agreement
    for place, one in enumerate(agreement):
        if one.of == "all" or place == 0:
            text.append(
                f"Two observers gave the same answer to {share(one.pairwise.value)} of the images that both judged; "
                f"beyond chance, Krippendorff’s α is {number(one.alpha.value)} "
                f"({interval(one.alpha.low, one.alpha.high)})."
            )
    text += [_reliability(one) for one in found.groups[0].reliability if one.of == "all"]
    text.append(
        "Below are the images at both extremes; with few observers the extremes are partly luck. All are in "
        "`items.tsv`."
    )
    if "items" in found.figures:
        caption = (
            "The most and the least convincing images, first generated, then real: id and share of observers who "
            "called it generated."
        )
        return Section("Images", (" ".join(text), picture(found, "items", caption)))
    rows = tuple(
        (
            row["stimulus_id"],
            row["truth"],
            f"{row['convincing']} convincing",
            f"{row['said_generated']}/{row['judged']}",
            "" if row["mean_rating"] is None else number(row["mean_rating"]),
        )
        for row in records(extremes(found.items, 5))
    )
    return Section(
        "Images",
        (" ".join(text), Table(("Image", "Truth", "", "Called generated", "Mean rating"), rows, words=(1, 2))),
    )


def _reliability(one: RaterReliability) -> str:
    icc, what = one.found, "answers" if one.answers_alone else "ratings"
    if icc.reason and icc.icc_2_1.value != icc.icc_2_1.value:
        return f"The {what} have no intraclass correlation: {icc.reason}."
    single, average = icc.icc_2_1, icc.icc_2_k
    return (
        f"Of {icc.images} images with all {what}, ICC(2,1), the reliability of one observer’s {what}, is "
        f"{number(single.value)} ({interval(single.low, single.high)}), and ICC(2,k), that of the mean of all "
        f"{icc.raters}, {number(average.value)} ({interval(average.low, average.high)}); all six are in "
        "`reliability.tsv`."
    )


def detectability_section(found: Findings) -> Section | None:
    """What cues and model observers detect in the images."""
    measured = found.detectability
    if measured is None:
        return None
    table, note = detectability_table(measured)
    blocks: list[Block] = [
        "Measured on the images alone: simple cues, and model observers that see only a few channels. An area far "
        "from .5 says that the images differ in that way, whether or not anyone notices; cross-validation keeps a "
        "patient’s images together.",
        table,
    ]
    noisy = measured.as_people(found.groups[0].dprime.mean) if len(found.groups) == 1 else []
    if noisy:
        each = [
            f"{one.observer}, "
            + (
                f"{number(one.noise_sd)} SDs of noise in the decision variable"
                if one.noise_sd == one.noise_sd
                else f"n/a ({one.reason})"
            )
            for one in noisy
        ]
        blocks.append(
            "Unlike people, these observers have no internal noise. To match the mean d′ found here they would need: "
            f"{listed(each)} Fitted to these data, this predicts the d′ of such observers on other images only."
        )
    if found.relations is not None and found.relations["p_holm"].notna().any():
        blocks.append(_related(found))
    blocks.append(Small(note))
    return Section("Detectability by image cues and model observers", tuple(blocks))


def detectability_table(measured: Detectability) -> tuple[Table, str]:
    """A row for every cue and model observer, and the small print below them."""
    single = [(one.cue.replace("_", " "), one, one.p_holm) for one in measured.cues.cues]
    combined = measured.cues.combined
    observers = [(one.observer, one.found, one.found.p if one.found else None) for one in measured.observers]
    rows = [_auc_row(*row) for row in (*single, ("all cues, classifier", combined, combined.p), *observers)]
    note = "p of single cues is adjusted for their number (Holm)."
    note += "".join(f" {one.observer}: {one.reason or one.meaning}" for one in measured.observers)
    return Table(("Cue or observer", "AUC\n95% CI", "p", "Smallest detectable"), tuple(rows)), note


def _auc_row(name: str, one: Any, p: float | None) -> tuple[str, ...]:
    if one is None:
        return name, "n/a", "", ""
    bounds = interval(one.low, one.high, share)
    return name, f"{share(one.auc)}\n{bounds}", p_value(p), share(one.smallest_detectable)


def _related(found: Findings) -> str:
    assert found.relations is not None
    tested = int(found.relations["p_holm"].notna().sum())
    each = [
        f"{row['cue'].replace('_', ' ')} ({row['truth']}): Spearman {number(row['spearman'])} "
        f"({number(row['low'])} to {number(row['high'])}), {p_phrase(row['p_holm'])}"
        for row in records(found.relations[found.relations["p_holm"] < 0.05])
    ]
    none = f"None of {tested} correlations remains after Holm’s adjustment."
    return (
        "Do answers vary with a cue, among images of one truth? "
        f"{listed(each) if each else none} All are in `item_cues.tsv`."
    )


def serial_section(found: Findings) -> Section | None:
    """Dependence on the trial before."""
    blocks: list[Block] = []
    for group in found.groups:
        s = group.serial
        if not s.previous_response.n:
            why = "; ".join(dict.fromkeys(str(one.reason) for one in s.participants if one.reason))
            of = labelled("Serial dependence", group, found.groups)
            blocks.append(f"{of} is not measured{f' ({why})' if why else ''}.")
            continue
        blocks.append(
            "Does an answer depend on the previous one? Positive is a tendency to repeat it. Previous answer: "
            f"{number(s.previous_response.mean)} log-odds "
            f"({interval(s.previous_response.low, s.previous_response.high)}), {p_phrase(s.previous_response.p)}; "
            f"previous image’s truth: {number(s.previous_truth.mean)}, {p_phrase(s.previous_truth.p)}. Under the null "
            f"hypothesis trial orders are drawn again ({s.order}). The next image’s truth cannot have an effect, and "
            f"an "
            "answer five trials back should not: if these controls differ from 0, the effects may be artefacts of the "
            "same kind."
        )
    if "serial" in found.figures:
        blocks.append(picture(found, "serial", "Mean over participants, with 95% intervals from resampling them."))
    return Section("Serial dependence", tuple(blocks))

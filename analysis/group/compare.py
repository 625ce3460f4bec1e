"""Do two studies' AUCs differ? The same participants under two conditions, or two groups: the data show which.

Each side is a set of session-1 trials as `analyze` takes it. Participants who judged in both are compared with
themselves; if nobody did, two groups are compared. Either way participants and images both count as samples
(`analysis.mrmc.mrmc.mrmc_difference`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from analysis.conditions import conditions_of
from analysis.mrmc import mrmc
from analysis.mrmc.mrmc import Difference
from analysis.mrmc.other_methods import MethodResult, difference_by_method
from analysis.mrmc.variance import FEW_READERS
from analysis.readings import Readings, from_trials
from analysis.roc import comparison as roc_comparison
from analysis.roc import roc
from analysis.trials import Trials, with_ratings
from data.errors import LookalikeError
from data.results.result import Result

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

Verdict = Literal["shown to differ", "shown to be equivalent", "not decided"]
Whose = Literal["same", "different"]
Images = Literal["same", "different", "hashes"]

SIDES = ("first", "second")  # in the order of their names, which is how modalities are ordered
_ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class ParticipantComparison(Result):
    """A participant's two AUCs, first less second, and how they were compared. These speak of other images only."""

    participant: str
    method: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    reason: str | None


@dataclass(frozen=True, eq=False)
class Compared(Result):
    """Two studies' AUCs. `difference` is first less second; `methods` say what other methods find.

    `participants` are those who judged in both (empty for two groups). `remarks` say how participants and images
    were matched, and what else to know.
    """

    names: tuple[str, str]
    verdict: Verdict
    words: str
    remarks: tuple[str, ...]
    difference: Difference
    methods: tuple[MethodResult, ...]
    participants: tuple[ParticipantComparison, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per participant who judged in both."""
        rows = [one.to_frame() for one in self.participants]
        return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["participant"])


def compare(
    first: Trials,
    second: Trials,
    names: tuple[str, str],
    *,
    delta: float | None = None,
    images: Images | None = None,
    participants: Whose = "same",
    level: float = 0.95,
) -> Compared:
    """Compare the main trials of session 1 of two studies.

    Images with one id are the same image if both sides name the same stimulus sets, or one names none; otherwise
    they are different images; `images` overrules that, and "hashes" says that ids are the images' own hashes
    (`by_hash`), so that an id is an image whatever the sets. Participants with one code are the same person unless
    `participants` is "different". `delta` bounds a difference that would not matter (two one-sided tests at 5%).
    Where one side has no confidences, the answers alone are compared on both.

    Raises `LookalikeError` if a side mixes kinds of observers, if an image is real on one side and generated on the
    other, or for a delta that is not positive.
    """
    kinds = [_kind(side, name) for side, name in zip((first, second), names, strict=True)]
    tables, remarks = _comparable(first.measure, second.measure)
    if kinds[0] != kinds[1]:
        remarks.append(f"{names[0]}: observers are {kinds[0]}; {names[1]}: {kinds[1]}.")
    same, why = _same_images(first, second, images)
    both = pd.concat(
        [with_ratings(table).assign(modality=side) for table, side in zip(tables, SIDES, strict=True)],
        ignore_index=True,
    )
    if same:
        _refuse_contradictions(both)
    else:
        both["stimulus_id"] = both["modality"] + ":" + both["stimulus_id"].astype(str)
    if participants == "different":
        both["participant"] = both["participant"].astype(str) + " (" + both["modality"] + ")"
    study = from_trials(both)
    _refuse_empty(study, names)
    alone = _sampled(study) < 2
    found = mrmc.mrmc_difference(study, SIDES, delta=delta, level=level, readers="fixed" if alone else "random")
    verdict, words = _verdict(found, names, delta)
    return Compared(
        names=names,
        verdict=verdict,
        words=words,
        remarks=(_who(found, study, names), why, *remarks, *_pooled(first, second, names), *_few(study)),
        difference=found,
        methods=difference_by_method(study, level),
        participants=_each(study, both, level) if found.same_participants else (),
    )


def by_hash(side: Trials, stimuli: StimulusSet) -> Trials:
    """The trials with the SHA-256 of each image's file for its id, as the stimulus set that was shown gives it."""
    known = dict(zip(stimuli.table["stimulus_id"], stimuli.table["sha256"], strict=True))
    return replace(side, measure=side.measure.assign(stimulus_id=side.measure["stimulus_id"].map(known)))


def _kind(side: Trials, name: str) -> str:
    used = side.sessions[(side.sessions["session"] == 1) & (side.sessions["status"] != "excluded")]
    kinds = sorted(set(used["observer"]))
    if len(kinds) > 1:
        raise LookalikeError(
            "mixed-observers",
            f"{name}: holds {' and '.join(kinds)} observers, who are never averaged; keep them in separate folders",
        )
    if not kinds:
        raise LookalikeError("nothing-to-analyse", f"{name}: no session 1 is left to compare")
    return str(kinds[0])


def _comparable(first: pd.DataFrame, second: pd.DataFrame) -> tuple[list[pd.DataFrame], list[str]]:
    """The two tables, both with confidences or both without."""
    sure = [table["confidence"].notna().any() for table in (first, second)]
    if sure[0] == sure[1]:
        return [first, second], []
    remark = "One side has no confidences, so the answers alone were compared, as ratings of two steps, on both."
    return [table.assign(confidence=np.nan) for table in (first, second)], [remark]


def _same_images(first: Trials, second: Trials, images: Images | None) -> tuple[bool, str]:
    if images == "hashes":
        return True, "Images were matched by their hashes in the two stimulus sets."
    if images is not None:
        return images == "same", f"Images with the same id were taken as {images} ones, as asked."
    sets = [set(side.sessions["stimulus_set_sha256"].dropna()) for side in (first, second)]
    if all(sets) and sets[0] != sets[1]:
        return False, "The two sides name different stimulus sets, so their images were taken as different ones."
    if all(sets):
        return True, "Both sides name the same stimulus set, so an id is the same image on both."
    return True, "Not every side names its stimulus set; an id was taken as the same image on both."


def _refuse_contradictions(both: pd.DataFrame) -> None:
    truths = both.groupby("stimulus_id")["truth"].nunique()
    wrong = truths.index[truths > 1]
    if len(wrong):
        raise LookalikeError(
            "contradictory-truth",
            f"{len(wrong)} images, first {wrong[0]}, are real on one side and generated on the other; if ids were "
            "reused for other images, compare with --images different",
        )


def _refuse_empty(study: Readings, names: tuple[str, str]) -> None:
    for side, name in zip(SIDES, names, strict=True):
        if not study.where([side]).readings:
            raise LookalikeError(
                "no-auc", f"{name}: nobody rated both real and generated images, so there is no AUC to compare"
            )


def _sampled(study: Readings) -> int:
    """The participants of the smaller sample: of those in both, or of the smaller group."""
    seen = [set(study.where([side]).participants) for side in SIDES]
    both = seen[0] & seen[1]
    return len(both) if both else min(map(len, seen))


def _who(found: Difference, study: Readings, names: tuple[str, str]) -> str:
    shared = {"all": "the same images", "some": "partly the same images", "none": "different images"}[found.same_images]
    if found.same_participants:
        aside = f"; {len(found.set_aside)} judged in one only and are excluded" if found.set_aside else ""
        return f"{_sampled(study)} participants judged in both and were compared with themselves, on {shared}{aside}."
    return (
        f"Nobody judged in both, so two groups were compared, on {shared}: {found.first.participants} participants "
        f"({names[0]}) and {found.second.participants} ({names[1]})."
    )


def _pooled(first: Trials, second: Trials, names: tuple[str, str]) -> tuple[str, ...]:
    """Conditions within a side are not told apart here."""
    several = [
        f"{name} ({', '.join(conditions_of(side.measure))})"
        for name, side in zip(names, (first, second), strict=True)
        if conditions_of(side.measure)
    ]
    if not several:
        return ()
    return (f"Conditions were taken together: {'; '.join(several)}. To compare them, give one table to analyze.",)


def _few(study: Readings) -> tuple[str, ...]:
    n = _sampled(study)
    if n < 2:
        return ("With one participant the interval generalises to other images, not to other participants.",)
    if n >= FEW_READERS:
        return ()
    return (f"With only {n} participants how much participants differ is hardly known, so the interval is wide.",)


def _verdict(found: Difference, names: tuple[str, str], delta: float | None) -> tuple[Verdict, str]:
    if found.reason is not None:
        return "not decided", f"The difference has no interval: {found.reason}."
    sizes = f"AUC {found.first.auc:.3f} ({names[0]}) and {found.second.auc:.3f} ({names[1]})"
    interval = f"difference {signed(found.difference)}, {found.level:.0%} interval {signed(found.low)} to "
    interval += f"{signed(found.high)}, p = {found.p:.2g}" if found.p >= 0.001 else f"{signed(found.high)}, p < .001"
    differs = found.p < _ALPHA
    alike = delta is not None and found.p_equivalence < _ALPHA
    if differs:
        larger = names[0] if found.difference > 0 else names[1]
        small = f" It is also shown to be smaller than {delta:g}." if alike else ""
        return (
            "shown to differ",
            f"The area under the ROC is larger with {larger}: {sizes}; {interval}.{small}",
        )
    if alike:
        return "shown to be equivalent", (
            f"The two differ by less than {delta:g}: {sizes}; {interval}. This counts if the bound was fixed before "
            "the data were seen."
        )
    reach = max(abs(found.low), abs(found.high))
    bound = "" if delta is None else f", and not within ± {delta:g}"
    return "not decided", (
        f"No difference is shown{bound}: {sizes}; {interval}. This does not show that there is none: one of "
        f"{reach:.3f} is compatible with these data."
    )


def _each(study: Readings, both: pd.DataFrame, level: float) -> tuple[ParticipantComparison, ...]:
    seen = [set(study.where([side]).participants) for side in SIDES]
    kept = both[both["participant"].astype(str).isin(seen[0] & seen[1])]
    return tuple(_one(str(name), table, level) for name, table in kept.groupby("participant"))


def _one(name: str, table: pd.DataFrame, level: float) -> ParticipantComparison:
    a, b = (table[table["modality"] == side].set_index("stimulus_id") for side in SIDES)
    shared = a.index.intersection(b.index)
    if not len(shared):
        rocs = [roc.roc_auc(side["truth"], side["rating"]) for side in (a, b)]
        return _row(name, "DeLong, unpaired", roc_comparison.compare_independent_aucs(rocs[0], rocs[1], level))
    if len(shared) == len(a) == len(b):
        ratings = (a.loc[shared, "rating"], b.loc[shared, "rating"])
        return _row(name, "DeLong, paired", roc_comparison.compare_aucs(a.loc[shared, "truth"], *ratings, level=level))
    found = mrmc.mrmc_difference(from_trials(table), SIDES, level=level, readers="fixed")
    values = (found.first.auc, found.second.auc, found.difference, found.low, found.high, found.p)
    return ParticipantComparison(name, "U-statistics, partly paired", *values, found.reason)


def _row(name: str, method: str, found: roc_comparison.AucComparison) -> ParticipantComparison:
    values = (found.first, found.second, found.difference, found.low, found.high, found.p)
    return ParticipantComparison(name, method, *values, found.reason)


def signed(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:+.3f}".replace("-", "−")

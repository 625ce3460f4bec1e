"""What is a participant's own: the error fingerprint, and what the sequence of images does to their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.agreement.fingerprint import Fingerprint, fingerprint
from analysis.group.participants import Participant
from analysis.report.number_text import interval, number, p_phrase
from analysis.report.page import Block, Heading, Section, Table
from analysis.serial.effects import MANY
from analysis.serial.sequence import ImageSimilarity, SequenceEffects, sequence_effects
from analysis.trials import Trials

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

METHODS = (
    "**Error fingerprint.** A participant’s pattern is their rating of (or answer to) each image, less their mean for "
    "images of the same truth. Patterns of session 1 were correlated with everyone’s patterns in the first retest "
    "{wang2022}; p is one-sided, from assignments of retests to participants, and the share identified is of those "
    "whose own retest is the most similar one {finn2015}. Bounds resample participants."
)
_REDRAWS, _ALL_REDRAWS, _FEWEST_REDRAWS = 500, 10_000, 40
_SHOWN = 40  # participants to look at singly


@dataclass(frozen=True, eq=False)
class Individuals:
    """Of the participants of one kind of observer; `own` is None without a retest."""

    observer: str
    own: Fingerprint | None
    sequence: SequenceEffects

    def to_dict(self) -> dict[str, Any]:
        """For the summary."""
        own = None if self.own is None else self.own.to_dict()
        if own is not None:
            own.pop("correlations")
        return {"observer": self.observer, "fingerprint": own, "sequence": self.sequence.table().to_dict("records")}


def individuals_of(
    trials: Trials, participants: Sequence[Participant], stimuli: StimulusSet | None
) -> tuple[Individuals, ...]:
    """One for each kind of observer, by name of the kind; similarities need the images of `stimuli`."""
    similarities: tuple[ImageSimilarity, ...] = ()
    if stimuli is not None:
        # Imported here: most analyses read no images.
        from analysis.serial.similarity import similarities_of_set

        similarities = similarities_of_set(stimuli)
    found = []
    for kind in sorted({one.observer for one in participants}):
        names = [one.name for one in participants if one.observer == kind]
        first, again, catch = (
            table[table["participant"].isin(names)] for table in (trials.measure, trials.retests, trials.catch)
        )
        again = again[again["session"] == again.groupby("participant")["session"].transform("min")]
        redraws = _REDRAWS if len(names) < MANY else max(_FEWEST_REDRAWS, _ALL_REDRAWS // len(names))
        own = None if again.empty else fingerprint(first, again)
        shown = pd.concat([first, catch])
        found.append(Individuals(kind, own, sequence_effects(shown, similarities, redraws=redraws)))
    return tuple(found)


def tables_of(found: Sequence[Individuals]) -> dict[str, pd.DataFrame]:
    """`sequence`, and with a retest `fingerprint` and everyone's `fingerprint_correlations`."""
    tables = {"sequence": pd.concat([one.sequence.table().assign(observer=one.observer) for one in found])}
    own = [(one.observer, one.own) for one in found if one.own is not None and one.own.participants]
    if own:
        tables["fingerprint"] = pd.concat([one.by_participant().assign(observer=kind) for kind, one in own])
        tables["fingerprint_correlations"] = pd.concat([_pairs(one).assign(observer=kind) for kind, one in own])
    return tables


def fingerprint_section(found: Sequence[Individuals]) -> Section | None:
    """Do errors agree with one's own retest more than with others'?"""
    own = [(one.observer, one.own) for one in found if one.own is not None]
    if not own:
        return None
    blocks: list[Block] = [
        "Are errors a participant’s own? Each participant’s pattern (what they made of each image, less their mean for "
        "images of the same truth, so that criterion and sensitivity do not count) is correlated with their own "
        "retest, and with everyone else’s. What misleads everybody raises both; what is a participant’s own raises "
        "only the first. Memory of the images would, too."
    ]
    for observer, one in own:
        if len(own) > 1:
            blocks.append(Heading(observer.capitalize()))
        blocks.append(_own_in_words(one))
        if 2 <= one.n <= _SHOWN:
            blocks.append(_own_table(one))
    return Section("Error fingerprint", tuple(blocks))


def _own_in_words(one: Fingerprint) -> str:
    left = f" {one.left_out} had no pattern in one of the sessions." if one.left_out else ""
    if one.n < 2:
        return f"Not measured: {one.reason}.{left}"
    how = "all assignments of retests to participants" if one.exact else "random assignments of retests to participants"
    verdict = (
        "their errors are partly their own" if one.p < 0.05 else "this does not show that their errors are their own"
    )
    return (
        f"Of {one.n} participants, {one.of} correlate {number(one.own)} with their own retest and "
        f"{number(one.others)} with others’: a difference of {number(one.difference)} "
        f"({interval(one.low, one.high)}), {p_phrase(one.p)} by {how}; {verdict}. {one.identified:.0%} have their own "
        f"retest as the most similar one (by chance {1 / one.n:.0%}).{left}"
    )


def _own_table(one: Fingerprint) -> Table:
    header = ("Participant", "Images", "Own retest", "Others’", "Place of their own")
    rows = tuple(
        (each.participant, str(each.images), number(each.own), number(each.others), f"{each.place} of {one.n}")
        for each in one.participants
    )
    return Table(header, rows, note="Correlations of patterns. Place 1: no retest is more similar than their own.")


def _pairs(one: Fingerprint) -> pd.DataFrame:
    names = [each.participant for each in one.participants]
    rows = [
        {"first": first, "retest": again, "correlation": float(one.correlations[row, column])}
        for row, first in enumerate(names)
        for column, again in enumerate(names)
    ]
    return pd.DataFrame(rows)

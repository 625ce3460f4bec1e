"""What a sequence of trials does to answers, as a section of any task with two answers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.report.number_text import interval, number, p_value
from analysis.report.page import Block, Heading, Section, Table
from analysis.serial.sequence import SequenceEffects, sequence_effects

_REAL_FAKE = ("generated", "real")


def sequence_section(found: Sequence[tuple[str, SequenceEffects]], words: tuple[str, str] = _REAL_FAKE) -> Section:
    """Two trials back, similar images, time on task: effects by kind of observer.

    `words` are the answer (and truth) that is modelled, and the other.
    """
    signal, other = words
    alike = any("similarity" in one.name for _, effects in found for one in effects.effects)
    blocks: list[Block] = [
        f"Log-odds of answering “{signal}”, means over participants. History: previous response and previous truth in "
        "one regression, one and two trials back; positive is a tendency to repeat."
        + (
            " Similarity: does dependence on the previous trial grow from the least to the most similar third of "
            "consecutive images?"
            if alike
            else ""
        )
        + " Over time: change from the first to the last trial of the session (and of each batch between breaks). A "
        f"positive criterion is more “{signal}” at the end, a positive sensitivity a clearer difference of “{signal}” "
        f"and “{other}”. p is from orders drawn again, as a plan’s are; among so many effects, a p below "
        ".05 may be chance."
    ]
    for observer, effects in found:
        if len(found) > 1:
            blocks.append(Heading(observer.capitalize()))
        blocks.append(_table(effects))
    return Section("Sequence and time on task", tuple(blocks))


def methods(found: Sequence[SequenceEffects]) -> str:
    """How the effects were measured, as a paragraph of the methods."""
    alike = any("similarity" in one.name for effects in found for one in effects.effects)
    tuned = "in another, on these one trial back times the similarity of the two images, in thirds {manassi2021}; "
    return (
        "Each participant’s answers were regressed (logistic, Firth’s penalised likelihood {firth1993}) on present "
        "truth and, in one model, on previous response and previous truth {moon2022} one and two trials back with a "
        "slow drift; "
        f"{tuned if alike else ''}and in the last, on the place in the session, alone and times truth. Effects were "
        "averaged over participants; their p compares them with the same regressions of orders drawn again."
    )


def pair_sequence(trials: pd.DataFrame, words: tuple[str, str] | None) -> SequenceEffects | None:
    """Effects in session 1 of a task with two answers, which are called generated and real for the occasion.

    None where trials have no order, or there are not two answers.
    """
    first = trials[(trials["session"] == 1) & (trials["role"] == "main")]
    numbered = "trial" in first.columns and not first.duplicated(["participant", "trial"]).any()
    if words is None or not numbered or first["trial"].isna().any():
        return None
    renamed = first.drop(columns=["role", "stimulus_id", "max_run"], errors="ignore")
    to_ours = dict(zip(words, _REAL_FAKE, strict=True))
    return sequence_effects(renamed.assign(truth=first["truth"].map(to_ours), response=first["response"].map(to_ours)))


def _table(found: SequenceEffects) -> Table:
    header = ("Effect", f"Log-odds\n{found.level:.0%} CI", "p", "Participants")
    rows = tuple(
        (
            one.name.replace(" x ", " × "),
            f"{number(one.group.mean)}\n{interval(one.group.low, one.group.high)}",
            p_value(one.group.p),
            str(one.group.n),
        )
        for one in found.effects
    )
    return Table(header, rows, note=f"Undefined: {found.reason}." if found.reason else "")

"""Conditions of one study side by side: which were discriminated, and by how much they differ.

Every condition is evaluated as a whole study is (`analysis.group.primary`), with participants and images both counted
as samples. Differences are those of the same participants where they judged both conditions, and of groups otherwise
(`analysis.mrmc.mrmc`); images may be the same in all conditions, partly (two generators beside the same real images)
or not at all. One test of equality stands before them where there are three conditions and more. All p values of one
kind are adjusted for their number by Holm's method.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.conditions import by_condition, conditions_of
from analysis.designs.condition_results import Condition, ConditionDifference, Conditions, Status
from analysis.designs.condition_words import sampled, sentences
from analysis.group.decision import error_rate
from analysis.group.prevalence import Prevalence, p_alone, prevalence
from analysis.group.primary import Primary, primary
from analysis.mrmc.answers import mrmc_answers, mrmc_answers_difference
from analysis.mrmc.equality import Equality, mrmc_equality
from analysis.mrmc.mrmc import mrmc_difference
from analysis.mrmc.other_methods import MOST
from analysis.mrmc.variance import Sampled
from analysis.multiplicity import holm
from analysis.readings import Readings, from_trials
from analysis.roc.permutation import permutation_test_of
from analysis.trials import Trials, with_ratings
from data.errors import LookalikeError
from data.study import StudyFile

LEVEL = 0.95  # of differences
_SEED, _PERMUTATIONS, _QUICK_COST = 0, 999, 1e5


def compare_conditions(
    trials: Trials, study: StudyFile | None = None, observer: str | None = None, level: float = LEVEL
) -> Conditions:
    """Evaluate the conditions of a study, and compare them.

    Parameters
    ----------
    trials : analysis.trials.Trials
        From `load_trials`; its `measure` has a column `condition` (`analysis.conditions`).
    study : data.study.StudyFile, optional
        Study file: its bounds and confidence apply to every condition.
    observer : str, optional
        The kind of observer; by default the only one.
    level : float, optional
        Level of the intervals of differences, in (0, 1).

    Returns
    -------
    Conditions
        Every condition's primary result, their equality, and the difference of every pair.

    Raises
    ------
    LookalikeError
        If there are no two conditions, or several kinds of observer and none was chosen.

    References
    ----------
    Obuchowski & Rockette 1995, Commun. Stat. Simul. Comput. 24:285; Hillis 2014, Stat. Med. 33:330; Gallas & Brown
    2008, Neural Netw. 21:387; Holm 1979, Scand. J. Stat. 6:65.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis import compare_conditions, load_trials
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame({"participant": np.repeat([*"abcdef"], 60), "stimulus_id": [*range(60)] * 6})
    >>> kind = np.array(["real", "early", "late"])[table["stimulus_id"] % 3]
    >>> table["truth"] = np.where(kind == "real", "real", "generated")
    >>> table["condition"] = np.where(kind == "real", "", kind)
    >>> table["response"] = np.where(rng.normal(2.5 * (kind == "early")) > 0.8, "generated", "real")
    >>> table.to_csv("trials.csv", index=False)
    >>> found = compare_conditions(load_trials("trials.csv"))
    >>> [(one.name, one.status) for one in found.each]
    [('early', 'discriminated'), ('late', 'not decided')]
    >>> found.verdict
    'conditions differ'
    """
    observer = _only_kind(trials) if observer is None else observer
    sessions = trials.sessions[(trials.sessions["session"] == 1) & (trials.sessions["observer"] == observer)]
    measure, catch = (
        table[table["participant"].isin(sessions["participant"])] for table in (trials.measure, trials.catch)
    )
    names = conditions_of(measure)
    if len(names) < 2:
        raise LookalikeError("not-two-modalities", f"conditions {', '.join(names) or 'none'}: a comparison needs two")
    table, remarks = _comparable(by_condition(measure))
    rated = from_trials(with_ratings(table))
    said = from_trials(table.assign(rating=np.sign(with_ratings(table.assign(confidence=np.nan))["rating"])))
    readings = {name: len(rated.where([name]).participants) for name in names}
    few = min((count for count in readings.values() if count), default=0) < 2
    readers: Sampled = "fixed" if few else "random"
    each = _each(table, rated, said, catch, sessions, study, observer, readers)
    pairs = [pair for pair in combinations(names, 2) if all(rated.where([name]).readings for name in pair)]
    differences = _differences(rated, said, pairs, level, readers)
    compared = [name for name in names if readings[name]]
    compared = compared if len(compared) > 1 else list(names)
    equality = mrmc_equality(rated.where(compared), readers=readers)
    alpha = 1 - level
    differs = any(one.p_adjusted < alpha for one in differences)
    return Conditions(
        observer=observer,
        names=names,
        verdict="conditions differ" if differs else "not decided",
        words=sentences(each, equality, differences, level),
        generalises_to=sampled(equality, readers, compared=bool(pairs)),
        participants=equality.participants,
        same_images=equality.same_images,
        each=each,
        equality=equality,
        equality_dprime=mrmc_equality(said.where(compared), "dprime", readers=readers),
        differences=differences,
        remarks=(*remarks, *_unanswered(readings), *_remarks(measure, equality)),
    )


def _only_kind(trials: Trials) -> str:
    kinds = sorted(
        set(trials.sessions.loc[trials.sessions["participant"].isin(trials.measure["participant"]), "observer"])
    )
    if len(kinds) != 1:
        raise LookalikeError(
            "mixed-observers",
            f"trials are of {' and '.join(kinds) or 'no'} observers, who are never averaged; say whose",
        )
    return str(kinds[0])


def _comparable(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table with confidences in every condition, or in none."""
    sure = table.groupby("modality")["confidence"].apply(lambda column: column.notna().any())
    if sure.all() or not sure.any():
        return table, []
    without = ", ".join(sure.index[~sure])
    remark = f"There are no confidences with {without}, so the answers alone were compared, as ratings of two steps."
    return table.assign(confidence=np.nan), [remark]


def _each(
    table: pd.DataFrame,
    rated: Readings,
    said: Readings,
    catch: pd.DataFrame,
    sessions: pd.DataFrame,
    study: StudyFile | None,
    observer: str,
    readers: Sampled,
) -> tuple[Condition, ...]:
    names = rated.modalities
    found = [
        primary(
            observer,
            table[table["modality"] == name].drop(columns="modality"),
            catch,
            sessions,
            study,
            prevalence=_who_can_tell(rated.where([name])),
        )
        for name in names
    ]
    adjusted = holm([one.p for one in found])
    return tuple(
        Condition(
            name,
            _status(one, p),
            one,
            float(p),
            **{
                measure: mrmc_answers(said.where([name]), measure, readers=readers)
                for measure in ("dprime", "criterion", "sensitivity", "specificity")
            },
        )
        for name, one, p in zip(names, found, adjusted, strict=True)
    )


def _status(found: Primary, p: float) -> Status:
    if found.verdict == "shown to be near chance":
        return "near chance"
    return "discriminated" if p < error_rate(found.auc.level) else "not decided"


def _who_can_tell(study: Readings) -> Prevalence | None:
    """From permutation tests of every participant; of many participants it is not asked."""
    if not 1 < len(study.participants) <= MOST:
        return None
    alone = []
    for name in study.participants:
        own = study.where(study.modalities, [name])
        test = permutation_test_of(own, _SEED, resamples=_PERMUTATIONS, exact_cost=_QUICK_COST)
        alone.append(p_alone(test.p_above, test.p_below, own.generated, own.real))
    return prevalence(*zip(*alone, strict=True))


def _differences(
    rated: Readings, said: Readings, pairs: Sequence[tuple[str, str]], level: float, readers: Sampled
) -> tuple[ConditionDifference, ...]:
    found = []
    for pair in pairs:
        one = mrmc_difference(rated, pair, level=level, readers=readers)
        # The larger first, so that sentences need no negative differences.
        found.append(one if one.difference >= 0 else mrmc_difference(rated, pair[::-1], level=level, readers=readers))
    adjusted = holm([one.p for one in found])
    return tuple(
        ConditionDifference(
            one.first_modality,
            one.second_modality,
            one,
            float(p),
            **{
                measure: mrmc_answers_difference(
                    said, measure, (one.first_modality, one.second_modality), level=level, readers=readers
                )
                for measure in ("dprime", "criterion", "sensitivity", "specificity")
            },
        )
        for one, p in zip(found, adjusted, strict=True)
    )


def _unanswered(readings: dict[str, int]) -> list[str]:
    empty = [name for name, count in readings.items() if not count]
    return [f"Nothing was answered with {', '.join(empty)}, so nothing is compared with it."] if empty else []


def _remarks(measure: pd.DataFrame, equality: Equality) -> tuple[str, ...]:
    remarks = []
    shared = measure.loc[measure["condition"].isna(), "stimulus_id"].nunique()
    if shared:
        remarks.append(f"{shared} real images stand beside the generated images of every condition.")
    if "image" in measure:
        remarks.append(
            "Some images were judged in several conditions by one participant. Here they count as the same image; in "
            "the results of all conditions together they count as different ones, so intervals there are too narrow."
        )
    if equality.participants == "partly crossed" and equality.reason is None:
        remarks.append(
            f"{equality.compared} participants judged every condition; the test of equality and the differences rest "
            "on those who judged all of what is compared."
        )
    return tuple(remarks)

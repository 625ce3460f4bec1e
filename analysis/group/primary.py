"""The primary result: what the study fixed before its first trial, and whether the data decide it.

The endpoint is the AUC of session 1 averaged over participants, with participants and images both counted as
samples (`analysis.mrmc.mrmc`). Its interval at the study's confidence, 90% by default, stands against .5 ± δ: an
interval inside is the two one-sided tests at 5% (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657). A
difference from .5 is tested two-sided at the same 5%. Another confidence makes another level of both.

"Near chance" takes more than an interval. It is withheld where the bounds were not fixed beforehand, where
the data may have been looked at on the way, where participants differ by more than the bounds, so that their mean
stands for none of them, and where nothing shows that these participants could have noticed: known fakes, mixed in as
catch trials, must have been discriminated from the real images by more than δ.

Where discrimination is perfect or nearly so, AUCs hardly vary and an exact permutation test of the images' labels
decides. Whatever the verdict, the number of participants who discriminate by themselves stands beside it
(`analysis.group.prevalence`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from analysis.group.decision import Decision, decide, differing, error_rate, never_mistaken
from analysis.group.prevalence import Prevalence
from analysis.mrmc import mrmc
from analysis.mrmc.components import Components, predicted_se, variance_components
from analysis.mrmc.mrmc import Auc
from analysis.mrmc.variance import FEW_READERS, SINGLE_IMAGE
from analysis.readings import Readings, from_trials
from analysis.roc.permutation import PermutationTest
from analysis.trials import with_ratings
from data.results.result import Result
from data.study import StudyFile

Verdict = Literal["shown to be near chance", "shown to differ", "not decided"]

POWER = 0.8  # of the studies in `Needed`
_MOST = 10_000  # participants
_TIMES_IMAGES = (1, 2, 4)


@dataclass(frozen=True, eq=False)
class Needed(Result):
    """How many participants, each judging so many images, would decide in four studies of five.

    `near_chance` if the AUC is truly .5, `difference` if it is truly what was found. None where no number up to
    10,000 would: more participants do not help once the images' part of the error is too large.
    """

    images: int
    near_chance: int | None
    difference: int | None


@dataclass(frozen=True, eq=False)
class Primary(Result):
    """The primary result of one kind of observer.

    `auc` is the estimate with its interval and tests; `dprime`, between `dprime_low` and `dprime_high`, the d' of an
    equal-variance observer with that area, √2 z(AUC), for orientation (infinite at 0 and 1). `generalises_to` says what
    the interval samples. `p` is that of a difference from .5: of the t test that goes with the interval, or of the
    permutation test `exact`, where that decides. `took_part` counts who answered in session 1, excluded sessions
    included; `prevalence` is the share of people who discriminate by themselves (None if it was not asked for). `catch`
    is the AUC of the known fakes against the same real images (None without catch trials). `withheld` holds the reasons
    why "near chance" cannot be claimed, whatever the interval. `needed` is filled where nothing is decided.
    """

    observer: str
    auc: Auc
    dprime: float
    dprime_low: float
    dprime_high: float
    generalises_to: str
    p: float
    exact: PermutationTest | None
    took_part: int
    prevalence: Prevalence | None
    delta: float
    catch: Auc | None
    verdict: Verdict
    words: str
    withheld: tuple[str, ...]
    needed: tuple[Needed, ...]


def primary(
    observer: str,
    measure: pd.DataFrame,
    catch: pd.DataFrame,
    sessions: pd.DataFrame,
    study: StudyFile | None,
    *,
    prevalence: Prevalence | None = None,
) -> Primary:
    """Evaluate the main trials of session 1 of one kind of observer by the study file.

    `measure` and `catch` are trial tables (`data.trials`) of the analysed sessions; `sessions` the rows of
    `analysis.trials.Trials.sessions` of every session 1 of this kind, excluded ones too. `prevalence` is put into the
    words. Without a study file the interval is at 90% and there are no bounds.
    """
    endpoint = study.study.endpoint if study else None
    level = endpoint.confidence if endpoint else 0.9
    delta = endpoint.delta if endpoint else None
    rated = with_ratings(measure)
    readings = from_trials(rated)
    made = decide(readings, delta, level)
    found = made.auc
    seen = _catch(rated, catch, delta, level)
    took_part = int((sessions["answered"] > 0).sum())
    looks = _look_reasons(took_part, study)
    withheld = (
        *_plan_reasons(sessions[sessions["status"] != "excluded"], study),
        *looks,
        *(() if delta is None else differing(readings, found, delta)),
        *_catch_reasons(seen, found.participants, delta),
    )
    verdict, words = _verdict(made, delta, withheld)
    if verdict == "shown to differ" and looks:
        words += f" Its p is that of one look after the planned number, but: {'; '.join(looks)}."
    words += _few(found, measure["participant"].nunique()) + _who_can_tell(prevalence, observer, verdict)
    if found.participants and not measure["confidence"].notna().any():
        words += " No confidence was recorded, so the area is that of the answers alone."
    dprime, low, high = (float(math.sqrt(2) * norm.ppf(area)) for area in (found.auc, found.low, found.high))
    return Primary(
        observer=observer,
        auc=found,
        dprime=dprime,
        dprime_low=low,
        dprime_high=high,
        generalises_to=_sampled(found),
        p=made.p,
        exact=made.exact,
        took_part=took_part,
        prevalence=prevalence,
        delta=math.nan if delta is None else delta,
        catch=seen,
        verdict=verdict,
        words=words,
        withheld=withheld,
        needed=_needed(readings, found, delta, error_rate(level)) if verdict == "not decided" else (),
    )


def participants_needed(
    found: Components, generated: int, real: int, distance: float, alpha: float, power: float
) -> int | None:
    """The fewest participants for a bound at this `distance` from the true AUC to be passed with this power.

    One-sided at `alpha`; all judge the same `generated` + `real` images. None above 10,000, or where the
    components are undefined or the distance is not positive.
    """
    if not distance > 0 or found.reason is not None:
        return None

    def enough(participants: int) -> bool:
        df = participants - 1
        quantiles = float(t.ppf(1 - alpha, df) + t.ppf(power, df))
        return quantiles * predicted_se(found, participants, generated, real) <= distance

    if not enough(_MOST):
        return None
    low, high = 1, _MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _needed(readings: Readings, found: Auc, delta: float | None, alpha: float) -> tuple[Needed, ...]:
    parts = variance_components(readings)
    if parts.reason is not None:
        return ()
    rows = []
    # Participants who differ by more than the bounds are not near chance, however many they are.
    distance = delta if delta is not None and not found.between_sd > delta else 0.0
    for times in _TIMES_IMAGES:
        generated, real = times * found.generated, times * found.real
        # A chance AUC must clear both bounds, so each with half of the misses.
        near = participants_needed(parts, generated, real, distance, alpha, (1 + POWER) / 2)
        differ = participants_needed(parts, generated, real, abs(found.auc - 0.5), alpha / 2, POWER)
        rows.append(Needed(generated + real, near, differ))
    return tuple(rows)


def _sampled(found: Auc) -> str:
    """What the interval speaks of; without one, the result is that of these participants and images."""
    if found.reason is not None:
        return "these participants and images"
    return (
        "other participants and other images" if found.readers == "random" else "other images, not other participants"
    )


def _catch(rated: pd.DataFrame, catch: pd.DataFrame, delta: float | None, level: float) -> Auc | None:
    """How well the known fakes were discriminated from the real images of the measure."""
    fakes = catch[(catch["truth"] == "generated") & catch["participant"].isin(rated["participant"].unique())]
    if fakes.empty:
        return None
    known = with_ratings(fakes) if rated["confidence"].notna().any() else with_ratings(fakes.assign(confidence=np.nan))
    study = from_trials(pd.concat([rated[rated["truth"] == "real"], known], ignore_index=True))
    alone = len(study.participants) < 2
    return mrmc.mrmc_auc(study, delta=delta, level=level, readers="fixed" if alone else "random")


def _plan_reasons(sessions: pd.DataFrame, study: StudyFile | None) -> list[str]:
    if study is None:
        return ["no study file was given, so no bounds were fixed before the first trial"]
    reasons = []
    if study.study.endpoint.delta is None:
        reasons.append("the study file fixes no bounds (endpoint.delta)")
    carried = int((sessions["study_sha256"] == study.sha256).sum())
    if carried < len(sessions):
        reasons.append(
            f"{len(sessions) - carried} of {len(sessions)} first sessions were not run under this study file, so its "
            "bounds were not fixed before them"
        )
    return reasons


def _look_reasons(took_part: int, study: StudyFile | None) -> list[str]:
    """Why the data may have been looked at more than once."""
    if study is None:
        return []
    reasons = []
    planned, looks = study.study.planned_participants, study.study.planned_looks
    if looks > 1:
        reasons.append(f"the study plans {looks} looks at the data, and this interval allows for one")
    if took_part < planned:
        reasons.append(f"{took_part} of the {planned} planned participants: an interim look")
    elif took_part > planned:
        reasons.append(
            f"{took_part} participants where {planned} were planned: the study continued beyond the planned number"
        )
    return reasons


def _few(found: Auc, analysed: int) -> str:
    """Why the interval of few participants is as wide as it is."""
    if found.reason is not None or not 2 <= found.participants < FEW_READERS:
        return ""
    of = why = ""
    if found.participants < analysed:
        of, why = f" of {analysed}", " (the others rated no images of both classes)"
    return (
        f" Only {found.participants}{of} participants have an area{why}: how much participants differ is hardly known "
        f"from so few, so the interval is wide ({found.df:.0f} degree{'s' if found.df > 1 else ''} of freedom)."
    )


def _who_can_tell(found: Prevalence | None, observer: str, verdict: Verdict) -> str:
    """How many discriminate by themselves; where that may be nobody, what it says beside a mean that differs."""
    if found is None or found.participants < 2:
        return ""
    one = found.either
    weak = ""
    if verdict == "shown to differ" and not one.low > 0:
        weak = " What many see a little shows in their mean before it shows in anyone alone."
    return (
        f" Tested one by one, {one.significant} of {found.participants} participants discriminated the images"
        f"{wrong_direction(found)} (permutation tests at {one.alpha:.0%}, which {found.by_chance:.2g} would pass by "
        f"chance): most probably {one.value:.0%} of {population(observer)} can tell in a session of this "
        f"length ({found.level:.0%} interval {one.low:.0%} to {one.high:.0%}).{weak}"
    )


def wrong_direction(found: Prevalence) -> str:
    """How many of those who discriminate take real images for generated ones, as the end of a phrase."""
    below = found.below.significant
    if not below:
        return ""
    return f", {'' if below == found.either.significant else f'{below} of them '}in the wrong direction"


def population(observer: str) -> str:
    """Whom a sample of these observers stands for: people only if they are people."""
    return "people" if observer == "human" else "such observers"


def _catch_reasons(seen: Auc | None, participants: int, delta: float | None) -> list[str]:
    if seen is None:
        return ["there were no catch trials, so nothing shows that these participants would have noticed a fake"]
    if not (seen.low > 0.5 + (delta or 0.0) or _never_mistaken(seen)):
        interval = f"{seen.level:.0%} CI {seen.low:.2f} to {seen.high:.2f}"
        return [
            f"the known fakes were not clearly detected (AUC {seen.auc:.2f}, "
            f"{f'no interval: {seen.reason}' if seen.reason else interval}), so not noticing the others shows nothing"
        ]
    if seen.participants < participants:
        return [f"{participants - seen.participants} of {participants} participants rated no catch trial"]
    return []


def _never_mistaken(seen: Auc) -> bool:
    """Whether every participant discriminated every known fake from every real image."""
    return never_mistaken(seen.auc, seen.generated, seen.real, error_rate(seen.level))


def p_words(p: float) -> str:
    """`p < .001`, `p = .023` or `p n/a`."""
    if math.isnan(p):
        return "p n/a"
    return "p < .001" if p < 0.001 else f"p = {f'{p:.3f}' if p < 0.1 else f'{p:.2f}'}".replace("0.", ".")


def no_interval(found: Auc) -> str:
    """Why a result that an exact test decides has no interval."""
    if found.reason == SINGLE_IMAGE:
        return "there is a single image of a class"
    return "the areas do not vary"


def _why_none(found: Auc) -> str:
    """More trials would not help participants who always gave the same rating."""
    if found.auc == 0.5 and found.variance == 0:
        return "the areas are .5 without any variance, as where nobody ever varies the rating (see audit.tsv)"
    return str(found.reason)


def _verdict(made: Decision, delta: float | None, withheld: tuple[str, ...]) -> tuple[Verdict, str]:
    """The verdict and a sentence or two."""
    found, inside, differs = made.auc, made.inside, made.differs
    side = "" if found.auc > 0.5 else " in the wrong direction (is truth coded as intended?)"
    if made.exact is not None and differs:
        precise = f"no interval, as {no_interval(found)}" if found.reason else f"{found.low:.3f} to {found.high:.3f}"
        which = "an exact permutation test" if made.exact.exact else "a permutation test"
        return "shown to differ", (
            f"The images were discriminated{side} by these participants, nearly without error: AUC {found.auc:.3f} "
            f"({precise}). So near to perfect, {which} of the images’ labels decides: {p_words(made.p)}."
        )
    if found.reason is not None:
        return "not decided", f"There is no interval: {_why_none(found)}."
    interval = f"the {found.level:.0%} interval of the AUC, {found.low:.3f} to {found.high:.3f}"
    sentence = f"{interval[0].upper()}{interval[1:]}"
    if found.participants < 2:
        return "not decided", (
            f"A result from one participant does not generalise to others; {interval}, generalises to other images "
            "only."
        )
    alpha = error_rate(found.level)
    bounds = "" if delta is None else f"{0.5 - delta:.3f} to {0.5 + delta:.3f}"
    if inside and not withheld:
        exact = f".5 itself is outside the {100 * (1 - alpha):.3g}% interval"
        more = f" It is not exactly at chance, though: {exact}." if differs else ""
        return "shown to be near chance", f"{sentence}, lies within {bounds}.{more}"
    if differs:
        within = f" Yet this interval lies within {bounds}." if inside else ""
        return (
            "shown to differ",
            f"The images were discriminated{side}: AUC {found.auc:.3f}, {found.level:.0%} interval {found.low:.3f} to "
            f"{found.high:.3f}, {p_words(made.p)}.{within}",
        )
    if inside:
        why = "; ".join(withheld)
        return "not decided", f"{sentence}, lies within {bounds}, but near chance is not claimed: {why}."
    reach = f"reaches beyond {bounds}" if delta is not None else "has no bounds to be compared with"
    half = "includes .5"
    if not found.low <= 0.5 <= found.high:
        half = f"excludes .5, the two-sided test at {100 * alpha:.3g}% does not"
    return "not decided", f"{sentence}, {half}; it {reach}."

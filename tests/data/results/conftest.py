"""At least one result of every later kind, as functions of the package return them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.agreement.rater_reliability import rater_reliability
from data.results.result import Result
from data.scales import Scale
from data.simulated.comparer import SimulatedComparer, draw_triads


@pytest.fixture(scope="session")
def later_results() -> Callable[[Path], Iterator[Result]]:
    return _later_results


def _later_results(folder: Path) -> Iterator[Result]:
    """Of conditions, sessions, people, models of the ROC, agreement, sequences and scales."""
    rng = np.random.default_rng(1)
    yield from _conditions(folder, rng)
    yield from _people(rng)
    yield from _curves()
    yield from _orders(rng)
    yield from _scales(rng)


def _conditions(folder: Path, rng: np.random.Generator) -> Iterator[Result]:
    table = pd.DataFrame({"participant": np.repeat([*"abcdef"], 60), "stimulus_id": [*range(60)] * 6})
    kind = np.array(["real", "early", "late"])[table["stimulus_id"] % 3]
    table["truth"] = np.where(kind == "real", "real", "generated")
    table["condition"] = np.where(kind == "real", "", kind)
    table["response"] = np.where(rng.normal(2.5 * (kind == "early")) > 0.8, "generated", "real")
    table.to_csv(folder / "conditions.csv", index=False)
    yield analysis.compare_conditions(analysis.load_trials(folder / "conditions.csv"))
    person, image = np.divmod(np.arange(240), 40)
    truth = np.tile(["real", "generated"], 120)
    plain = pd.DataFrame({"participant": person, "stimulus_id": image, "truth": truth})
    parts = []
    for name, skill in (("a", 2.0), ("b", 1.0), ("c", 1.0)):
        rating = rng.normal(skill * (truth == "generated"))
        said = np.where(rating > skill / 2, "generated", "real")
        parts.append(plain.assign(modality=name, rating=rating, response=said))
    yield analysis.mrmc_answers(parts[0])
    yield analysis.mrmc_answers_difference(pd.concat(parts[:2]))
    yield analysis.mrmc_equality(pd.concat(parts))
    yield from rater_reliability(parts[0].assign(rating=parts[0]["rating"].round(1)))


def _people(rng: np.random.Generator) -> Iterator[Result]:
    years = np.arange(12.0)
    people = pd.DataFrame({"participant": [f"p{n}" for n in range(12)], "session": 1, "years": years})
    yield analysis.covariate_model(people.assign(dprime=0.5 + 0.1 * years + rng.normal(0, 0.2, 12)), ["years"])
    sessions = {"participant": [*"abcd"] * 2, "session": [1] * 4 + [2] * 4, "corrected": False, "dprime_se": 0.25}
    yield from analysis.session_changes(pd.DataFrame(sessions | {"dprime": [0.2, 0.9, 1.4, 0.5, 0.4, 1.0, 1.9, 0.4]}))
    yield analysis.hedges_g([0.1, 0.4, 0.3, 0.6, 0.2, 0.5])
    images = pd.DataFrame({"stimulus_id": range(60), "truth": ["real", "generated"] * 30})
    own = {name: 2 * rng.standard_normal(60) for name in "abcd"}
    first, again = (
        pd.concat(
            images.assign(participant=name, response=np.where(one + rng.standard_normal(60) > 0, "generated", "real"))
            for name, one in own.items()
        )
        for _ in range(2)
    )
    yield analysis.fingerprint(first, again)
    truth = np.repeat(["real", "generated"], 100)
    counts = []
    for _ in range(8):
        evidence = rng.normal(np.repeat([-0.7, 0.7], 100))
        felt = 1 + np.digitize(abs(evidence) + rng.normal(0, 0.5, 200), [0.5, 1, 1.5])
        counts.append(analysis.count_confidence(truth, np.where(evidence > 0, "generated", "real"), felt))
    yield analysis.group_m_ratio(counts)
    answers = ["real"] * 9 + ["generated"] + ["real"] * 5 + ["generated"] * 5
    yield analysis.meta_information(["real"] * 20, answers, [2] * 10 + [1] * 10)


def _curves() -> Iterator[Result]:
    real, generated = (np.repeat([1, 2, 3, 4, 5], counts) for counts in ([30, 19, 8, 2, 1], [5, 6, 5, 12, 22]))
    truth, rating = ["real"] * 60 + ["generated"] * 50, [*real, *generated]
    yield analysis.compare_rating_models(truth, rating)
    yield analysis.contaminated_binormal(truth, rating)
    yield analysis.proper_binormal(truth, rating)
    yield analysis.sensitivity_at_specificity(truth, rating, 0.9)
    yield analysis.shrout_fleiss([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6]])
    yield analysis.weighted_kappa([1, 2, 3, 4, 4, 1], [2, 2, 3, 3, 4, 1])


def _orders(rng: np.random.Generator) -> Iterator[Result]:
    place = np.tile(["left", "right"], 60)
    difference = rng.normal(np.where(place == "left", 1.0, -1.0), 1.5)
    response, sure = np.where(difference > 0, "left", "right"), 1 + (np.abs(difference) > 1)
    yield analysis.forced_choice_ratings(place, response, sure, ("left", "right"))
    words = np.array(["real", "generated"])
    trials = {"participant": "p1", "trial": range(1, 101), "response": words[rng.integers(0, 2, 100)]}
    yield analysis.sequence_effects(pd.DataFrame(trials | {"truth": rng.permutation(words.repeat(50))}), redraws=19)
    target = rng.uniform(0, 360, 60)
    matches = {"participant": np.repeat(["a", "b"], 30), "trial": np.tile(np.arange(1, 31), 2), "target_deg": target}
    yield analysis.loop_history(pd.DataFrame({**matches, "response_deg": target + rng.normal(0, 5, 60)}), width_deg=30)


def _scales(rng: np.random.Generator) -> Iterator[Result]:
    scale = Scale(tuple(range(0, 360, 45)), (4.0,) * 4 + (2.0,) * 4, closed=True)
    triads = draw_triads(scale.positions_deg, 300, closed=True, rng=rng)
    yield analysis.difference_scale(SimulatedComparer(scale).answer(triads, rng), resamples=20)
    table = pd.DataFrame({"position_deg": np.repeat([30, 60, 90, 120, 150], 60)})
    table["response"] = np.where(table["position_deg"] + 20 * rng.standard_normal(300) > 100, "yes", "no")
    yield analysis.psychometric_functions(table, resamples=20)
    levels = np.tile([0.01, 0.02, 0.04, 0.08], 30)
    detected = pd.DataFrame({"participant": np.repeat(["a", "b"], 60), "level": levels, "truth": "left"})
    detected["response"] = np.where(rng.random(120) < 0.5 + 0.5 * (levels > 0.03), "left", "right")
    yield analysis.detection_thresholds(detected, resamples=20)

"""Every kind of result comes back from its dictionary, and from JSON, as it was."""

from __future__ import annotations

import importlib
import json
import math
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis import trials
from analysis.agreement.rating_agreement import spearman
from analysis.agreement.retest import compare_sessions
from analysis.group import participants
from analysis.group.bayes_factors import interval_bayes_factor
from analysis.group.compare import compare
from analysis.group.equivalence import equivalence_test
from analysis.group.group import group_by_observer
from analysis.group.pairs import group, measure
from analysis.group.power import power
from analysis.image_cues.detectability import detectability
from analysis.image_cues.grouped_auc import grouped_auc
from analysis.image_cues.model_observer import with_internal_noise
from analysis.mrmc import obuchowski_rockette
from analysis.mrmc.components import variance_components
from analysis.roc.binormal import equal_variance_test
from analysis.roc.bootstrap import auc_bootstrap
from analysis.roc.clusters import clustered_bootstrap
from analysis.roc.comparison import compare_aucs
from analysis.roc.models.fit import RatingCurve
from analysis.roc.partial import partial_auc
from analysis.roc.permutation import permutation_test
from analysis.sdt.confidence import count_confidence
from analysis.sdt.outcomes import outcomes
from analysis.sdt.two_alternative import two_alternative
from analysis.serial.loop import loop_serial_dependence
from data.external_tables.read import read_trials
from data.results.plain import without_nan
from data.results.result import Estimate, Result
from data.simulated.populations import Population, draw_ratings

pytestmark = pytest.mark.slow

G = np.arange(24) % 2 == 1


def study(folder: Path, name: str, seed: int) -> trials.Trials:
    ratings = draw_ratings(Population(dprime=0.3), 3, G, np.random.default_rng(seed))[0]
    person, image = np.indices(ratings.shape)
    table = pd.DataFrame(
        {
            "participant": [f"p{one}" for one in person.flat],
            "stimulus_id": [f"s{one:02d}" for one in image.flat],
            "truth": np.where(G[image.ravel()], "generated", "real"),
            "response": np.where(ratings.ravel() > 0, "generated", "real"),
            "confidence": np.abs(ratings.ravel()),
        }
    )
    table.to_csv(folder / f"{name}.csv", index=False)
    return trials.load_trials(folder / f"{name}.csv")


def pair_results(folder: Path) -> Iterator[Result]:
    rng = np.random.default_rng(3)
    for kind, words in (("two_alternative", ("left", "right")), ("same_different", ("same", "different"))):
        truth, response = (np.where(rng.random(60) < 0.5, *words) for _ in range(2))
        columns = {"participant": np.repeat(list("abc"), 20), "trial": np.tile(np.arange(1, 21), 3)}
        pd.DataFrame({**columns, "truth": truth, "response": response}).to_csv(folder / f"{kind}.csv", index=False)
        answers = read_trials(folder / f"{kind}.csv", kind)
        runs = measure(answers)
        yield from (group(answers, runs, 0.5), *runs)


def column_results() -> Iterator[Result]:
    rng = np.random.default_rng(4)
    truth, people, image = (
        np.tile(np.where(G, "generated", "real"), 3),
        np.repeat(list("abc"), 24),
        np.tile(range(24), 3),
    )
    rating = np.round(rng.normal(np.tile(G, 3), 1), 1)
    rated = pd.DataFrame({"participant": people, "stimulus_id": image, "truth": truth, "rating": rating})
    both = pd.concat([rated.assign(modality="a"), rated.assign(modality="b", rating=rating[::-1])])
    yield from (auc_bootstrap(truth, rating, 1, resamples=50), compare_aucs(truth, rating, rating[::-1]))
    yield clustered_bootstrap(truth, rating, people, image, 1, resamples=50)
    yield from (
        permutation_test(truth, rating, 1, participant=people, image=image),
        partial_auc(truth, rating, 0.0, 0.2),
    )
    yield from (obuchowski_rockette.difference(both), variance_components(rated))
    yield from (grouped_auc(truth, rating), spearman(rating, rating[::-1]), count_confidence(["real"], ["real"], [1]))
    yield from (equivalence_test([0.1, 0.3, 0.2], 0.3), interval_bayes_factor([0.1, 0.3, 0.2], 0.3, 0.5))
    yield from (outcomes(1, 2, 3, 4), Estimate(), two_alternative(0, 0, 3, 4))  # mostly NaN, with a reason
    yield power(Population(), 3, 10, delta=0.084, studies=3)
    target = rng.uniform(0, 360, 60)
    matches = {"participant": np.repeat(["a", "b"], 30), "trial": np.tile(np.arange(1, 31), 2), "target_deg": target}
    yield loop_serial_dependence(
        pd.DataFrame({**matches, "response_deg": target + rng.normal(0, 5, 60)}), permutations=9
    )


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory, later_results: Callable[[Path], Iterator[Result]]
) -> list[Result]:
    """At least one of every kind, as functions of the package return them, with all that they hold."""
    folder = tmp_path_factory.mktemp("results")
    first, second = study(folder, "first", 1), study(folder, "second", 2)
    people = participants.measure(first)
    noise = np.clip(np.random.default_rng(5).normal(0.5, 0.1, (80, 16, 16)), 0, 1)
    noise[1::2] += 0.02 * np.indices((16, 16)).sum(axis=0) % 2
    seen = detectability(np.clip(noise, 0, 1), np.tile(["real", "generated"], 40), None)
    whole = [
        *group_by_observer(first, people, None),
        compare(first, second, ("first", "second")),
        compare_sessions(first.measure[:24], second.measure[:24]),
        *(value for one in people for value in vars(one).values() if isinstance(value, Result)),
        equal_variance_test(people[0].counts),
        seen,
        with_internal_noise(seen.observers[0], sd=1.0),
        *pair_results(folder),
        *column_results(),
        *later_results(folder),
    ]
    return [part for one in whole for part in parts(one)]


def parts(value: Any) -> Iterator[Result]:
    """A result and all that are nested in it."""
    if isinstance(value, Result):
        yield value
    inside = [getattr(value, one.name) for one in fields(value)] if is_dataclass(value) else value
    if isinstance(inside, list | tuple):
        for one in inside:
            yield from parts(one)


def kinds() -> set[type[Result]]:
    for module in pkgutil.walk_packages(analysis.__path__, "analysis."):
        importlib.import_module(module.name)
    waiting, found = [Result], set[type[Result]]()
    while waiting:
        below = [one for one in waiting.pop().__subclasses__() if one.__module__.startswith(("analysis.", "data."))]
        waiting += below
        found |= set(below)
    return found


def test_every_kind_of_result_is_among_them(results: list[Result]) -> None:
    assert len(kinds()) > 50
    assert {type(one) for one in results} == kinds() - {RatingCurve}  # what two models have in common
    assert all(one.__eq__ is Result.__eq__ for one in kinds()), "declare it with @dataclass(frozen=True, eq=False)"


def test_results_reload(results: list[Result]) -> None:
    for one in results:
        again = type(one).from_dict(one.to_dict())
        assert again == one, type(one)
        for field in fields(one):  # type: ignore[arg-type]
            before, after = getattr(one, field.name), getattr(again, field.name)
            assert isinstance(before, type(after)), f"{type(one).__name__}.{field.name}"
            assert not isinstance(before, np.ndarray) or before.dtype == after.dtype


def test_results_reload_from_json(results: list[Result]) -> None:
    for one in results:
        again = type(one).from_json(one.to_json())
        assert again == one, type(one)
        assert again.to_json() == one.to_json()


def test_the_summary_of_results_reloads_with_nan_for_what_is_undefined_or_infinite(results: list[Result]) -> None:
    for one in results:
        written = json.dumps(without_nan(one.to_dict()), allow_nan=False)
        again = type(one).from_dict(json.loads(written))
        assert json.dumps(without_nan(again.to_dict())) == written, type(one)


def test_json_keeps_nan_infinities_and_none_apart(refuses: Any) -> None:
    table = np.array([[np.inf, -np.inf], [np.nan, 0.1]])
    values = (math.nan, math.inf, -math.inf, None)
    for maybe in values:
        one = Nested(table, {"nan": 1}, maybe, (1, "inf"), (Estimate(math.inf, math.nan, -math.inf, 0.1),), "nan")
        again = Nested.from_json(one.to_json())
        assert again == one
        assert again.table.dtype == np.float64
        json.loads(one.to_json(), parse_constant=pytest.fail)  # strict JSON
        assert all(again != replace(one, maybe=other) for other in values if other is not maybe)
    for text in ("{", "[1]"):
        with refuses("not-json"):
            Nested.from_json(text)
    with refuses("other-fields"):
        Nested.from_json("{}")


def test_nan_equals_nan_and_one_value_makes_a_difference() -> None:
    one = Estimate(1.0, math.nan, float("nan"), 2.0)
    assert one == Estimate(1.0, np.float64("nan"), math.nan, 2.0)
    assert one != replace(one, high=2.5)
    assert one != replace(one, se=0.0)
    assert one != (1.0, math.nan, math.nan, 2.0)


@dataclass(frozen=True, eq=False)
class Nested(Result):
    table: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    by_name: dict[str, int]
    maybe: float | None
    pair: tuple[int, str]
    many: tuple[Estimate, ...]
    reason: str | None = None


def test_arrays_dictionaries_tuples_and_gaps_reload(refuses: Any) -> None:
    one = Nested(np.array([[1.0, np.nan], [2, 3]]), {"a": 1}, None, (1, "b"), (Estimate(1.0), Estimate()))
    assert Nested.from_dict(json.loads(json.dumps(without_nan(one.to_dict())))) == one
    assert one != replace(one, table=np.array([[1.0, np.nan], [2, 4]]))
    assert one != replace(one, many=one.many[:1])
    values = one.to_dict()
    del values["reason"]
    assert Nested.from_dict(values) == one  # a field with a default may be missing
    with refuses("other-fields") as caught:
        Nested.from_dict({**values, "tabel": 1})
    assert "unknown tabel" in str(caught.value)
    del values["pair"]
    with refuses("other-fields") as caught:
        Nested.from_dict(values)
    assert "lacks pair" in str(caught.value)

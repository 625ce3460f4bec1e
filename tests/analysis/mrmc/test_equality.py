"""Equality of several modalities: MRMCaov's analyses, the two-modality case, error rates in simulated studies."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f as f_distribution

from analysis.mrmc.answers import mrmc_answers_difference
from analysis.mrmc.equality import Equality, mrmc_equality
from analysis.mrmc.mrmc import mrmc_difference
from data.errors import LookalikeError

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "mrmc.json").read_text(encoding="utf-8"))
CASES = [(case, found) for case in REFERENCE["cases"] for found in case["found"]]


@pytest.mark.parametrize(("case", "expected"), CASES, ids=[f"{case['name']}, {one['metric']}" for case, one in CASES])
def test_it_is_the_anova_of_mrmcaov(case: dict[str, Any], expected: dict[str, Any]) -> None:
    trials = _of_case(case)
    found = mrmc_equality(trials, expected["metric"])
    readers, tests = trials["participant"].nunique(), trials["modality"].nunique()
    assert found.means == pytest.approx(expected["means"], abs=1e-10)
    assert readers * found.mean_square == pytest.approx(expected["ms_test"], abs=1e-10)
    assert readers * found.participant_variance == pytest.approx(expected["ms_test_reader"], abs=1e-10)
    # The jackknife of a rate leaves out one image of all the class's, of which a reading has 40.
    images = trials["stimulus_id"].nunique() / 2
    jackknife = 1.0 if expected["metric"] == "auc" else (images - 1) / images * 40 / 39
    shared = jackknife * found.image_variance
    assert shared == pytest.approx(expected["cov2"] - expected["cov3"], abs=1e-10)
    # Hillis's denominator and degrees of freedom from our parts are theirs.
    denominator = readers * (found.participant_variance + max(shared, 0))
    freedom = denominator**2 / ((readers * found.participant_variance) ** 2 / ((tests - 1) * (readers - 1)))
    f = readers * found.mean_square / denominator
    assert (f, freedom) == pytest.approx((expected["f"], expected["df2"]), rel=1e-8)
    assert f_distribution.sf(f, tests - 1, freedom) == pytest.approx(expected["p"], rel=1e-7)
    # And our test differs by what its head says: it is never below the variance of these participants.
    assert found.variance >= found.participant_variance + max(found.image_variance, 0) - 1e-12
    assert found.df1 == tests - 1


@pytest.mark.parametrize("readers", ["random", "fixed"])
@pytest.mark.parametrize("images", ["random", "fixed"])
@pytest.mark.parametrize("design", ["crossed", "other participants", "other images", "other both", "same real images"])
def test_of_two_it_is_the_square_of_t(readers: str, images: str, design: str) -> None:
    if readers == images == "fixed":
        pytest.skip("nothing varies")
    trials, sampled = _study(design), {"readers": readers, "images": images}
    found, d = mrmc_equality(trials, **sampled), mrmc_difference(trials, **sampled)  # type: ignore[arg-type]
    assert (found.f, found.df2, found.p) == pytest.approx(((d.difference / d.se) ** 2, d.df, d.p))
    said = trials.assign(response=np.where(trials["rating"] > 0, "generated", "real"))
    for measure in ("dprime", "sensitivity"):
        one = mrmc_answers_difference(said, measure, **sampled)  # type: ignore[arg-type]
        many = mrmc_equality(said, measure, **sampled)  # type: ignore[arg-type]
        assert (many.f, many.p) == pytest.approx(((one.difference / one.se) ** 2, one.p))


def test_how_participants_and_images_are_paired_is_read_off_the_data() -> None:
    assert (_tested("crossed").participants, _tested("crossed").same_images) == ("crossed", "all")
    assert (_tested("other participants").participants, _tested("other images").same_images) == ("nested", "none")
    assert _tested("same real images").same_images == "some"
    trials = _study("crossed", modalities=3)
    without = trials[~((trials["participant"] == "p1") & (trials["modality"] == "m2"))]
    found = mrmc_equality(without)
    assert (found.participants, found.compared) == ("partly crossed", 5)
    assert found.set_aside == {"p1": "has no AUC in some of the modalities"}
    assert found.f == pytest.approx(mrmc_equality(trials[trials["participant"] != "p1"]).f)
    # Each judged two of three: no one test, but pairs of modalities can be compared.
    place = trials["participant"].str[1:].astype(int) % 3
    incomplete = trials[trials["modality"] != "m" + place.astype(str)]
    assert "two by two" in str(mrmc_equality(incomplete).reason)
    assert math.isnan(mrmc_equality(incomplete).p)
    assert mrmc_difference(incomplete, ("m0", "m1")).same_participants


def test_what_has_no_test_says_why() -> None:
    trials = _study("crossed")
    assert "one participant" in str(mrmc_equality(trials[trials["participant"] == "p1"]).reason)
    assert mrmc_equality(trials[trials["participant"] == "p1"], readers="fixed").p > 0
    real_only = trials[~((trials["modality"] == "m1") & (trials["truth"] == "generated"))]
    assert "images of m1" in str(mrmc_equality(real_only).reason)
    said = trials.assign(response=trials["truth"])
    assert "correction" in str(mrmc_equality(said, "dprime").reason)
    for wrong in ((), ("m0",), ("m0", "m0"), ("m0", "no")):
        with pytest.raises(LookalikeError) as caught:
            mrmc_equality(trials, modalities=wrong)
        assert caught.value.code == "not-two-modalities"


def test_stored_and_reloaded_it_is_the_same() -> None:
    found = _tested("crossed")
    assert Equality.from_json(found.to_json()) == found


@settings(max_examples=25, deadline=None)
@given(st.permutations(["m0", "m1", "m2"]), st.integers(0, 1000))
def test_names_and_order_of_modalities_are_irrelevant(names: list[str], seed: int) -> None:
    trials = _study("crossed", modalities=3, seed=seed)
    renamed = trials.assign(modality=trials["modality"].map(dict(zip(["m0", "m1", "m2"], names, strict=True))))
    a, b = mrmc_equality(trials), mrmc_equality(renamed.sample(frac=1, random_state=seed))
    assert (b.f, b.df2, b.p) == pytest.approx((a.f, a.df2, a.p))
    assert sorted(b.means) == pytest.approx(sorted(a.means))


# The error rate in simulated studies: three modalities alike, 60 images, image SD .6 of 1, d′ 1 with SD .3 between
# participants and .2 within. Claimed is 5%.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "readers"),
    [("crossed", 6), ("other participants", 6), ("other images", 6), ("same real images", 6), ("crossed", 3)],
)
def test_equal_modalities_are_rarely_found_to_differ(design: str, readers: int) -> None:
    """400 studies each (SE .011)."""
    found = [
        mrmc_equality(_study(design, modalities=3, readers=readers, images=60, seed=seed)).p for seed in range(400)
    ]
    assert np.mean(np.array(found) < 0.05) < 0.085
    assert np.mean(np.array(found) < 0.3) > 0.15


@pytest.mark.slow
def test_a_modality_apart_is_found() -> None:
    found = [
        mrmc_equality(_study("same real images", modalities=3, images=60, seed=seed, dprimes=(1.2, 1.2, 0.0))).p
        for seed in range(60)
    ]
    assert np.mean(np.array(found) < 0.05) > 0.8


def _tested(design: str) -> Equality:
    return mrmc_equality(_study(design))


def _study(
    design: str,
    modalities: int = 2,
    readers: int = 6,
    images: int = 40,
    seed: int = 1,
    dprimes: tuple[float, ...] = (1.0, 1.0, 1.0),
) -> pd.DataFrame:
    """Ratings of readers who differ, of images that are easier or harder for everyone."""
    rng = np.random.default_rng(seed)
    effect, skill = 0.6 * rng.normal(size=(4 * images)), 0.3 * rng.normal(size=4 * readers)
    truth, parts = np.arange(images) % 2 == 1, []
    same = np.zeros((readers, images))
    for m in range(modalities):
        own_images = design in ("other images", "other both")
        shown = np.arange(images) + m * images * own_images
        if design == "same real images":
            shown = np.arange(images) + m * images * truth
        people = np.arange(readers) + m * readers * (design in ("other participants", "other both"))
        dprime = dprimes[m] + skill[people] + 0.2 * rng.normal(size=readers)
        evidence = dprime[:, np.newaxis] * truth + effect[shown] + 0.8 * rng.normal(size=(readers, images))
        rating = np.searchsorted([-1, -0.4, 0, 0.5, 1, 1.5], evidence) - 3.0
        if design == "same real images":
            same = rating if m == 0 else same
            rating[:, ~truth] = same[:, ~truth]
        parts.append(
            pd.DataFrame(
                {
                    "participant": np.repeat([f"p{one}" for one in people], images),
                    "stimulus_id": np.tile([f"i{one}" for one in shown], readers),
                    "truth": np.tile(np.where(truth, "generated", "real"), readers),
                    "modality": f"m{m}",
                    "rating": rating.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _of_case(case: dict[str, Any]) -> pd.DataFrame:
    table = pd.DataFrame({name: case[name] for name in ("reader", "test", "case", "truth", "rating")})
    return pd.DataFrame(
        {
            "participant": table["reader"].astype(str),
            "stimulus_id": table["case"],
            "truth": np.where(table["truth"] == 1, "generated", "real"),
            "modality": table["test"].astype(str),
            "rating": table["rating"],
            "response": np.where(table["rating"] > 0, "generated", "real"),
        }
    )

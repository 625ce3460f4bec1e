"""The primary result: verdicts, why one is withheld, and what would decide."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analysis.group.power import power
from analysis.group.prevalence import prevalence
from analysis.group.primary import Primary, participants_needed, primary
from analysis.mrmc import mrmc
from analysis.mrmc.components import variance_components
from data.simulated.populations import Population, draw_ratings
from data.study import StudyFile, read_study
from data.trials import rating

PLAIN = Population(between_sd=0.0, image_sd=0.0, lapse=0.0)


def table(population: Population, participants: int, images: int, seed: int = 0, fakes: float = 0.5) -> pd.DataFrame:
    """A study's trials; `fakes` is the share of generated images."""
    generated = np.arange(images) < fakes * images
    ratings = draw_ratings(population, participants, generated, np.random.default_rng(seed))[0]
    people, place = np.indices(ratings.shape)
    return pd.DataFrame(
        {
            "participant": [f"p{person:02d}" for person in people.flat],
            "stimulus_id": [f"s{image:03d}" for image in place.flat],
            "truth": np.where(generated[place.ravel()], "generated", "real"),
            "response": np.where(ratings.ravel() > 0, "generated", "real"),
            "confidence": np.abs(ratings.ravel()).astype(float),
        }
    )


def catch(participants: int, dprime: float) -> pd.DataFrame:
    known = table(Population(dprime=dprime, between_sd=0, image_sd=0), participants, 20, seed=9, fakes=1.0)
    return known.assign(stimulus_id="catch" + known["stimulus_id"])


@pytest.fixture
def study(tmp_path: Path) -> StudyFile:
    path = tmp_path / "study.toml"
    path.write_text('name = "S"\nplanned_participants = 10\n[endpoint]\ndelta = 0.084\n')
    return read_study(path)


def first_sessions(study: StudyFile | None, count: int, carried: str | None = None) -> pd.DataFrame:
    """The rows of `Trials.sessions` of this many participants."""
    sha = carried or (study.sha256 if study else None)
    return pd.DataFrame({"study_sha256": [sha] * count, "status": "kept", "answered": 400})


def judged(
    study: StudyFile | None,
    population: Population = PLAIN,
    participants: int = 10,
    images: int = 400,
    seen: float | None = 3.0,
    carried: str | None = None,
) -> Primary:
    sessions = first_sessions(study, participants, carried)
    nothing = table(PLAIN, 1, 4).iloc[:0]
    known = nothing if seen is None else catch(participants, seen)
    return primary("human", table(population, participants, images), known, sessions, study)


def test_catch_trials_of_some_do_not_speak_for_all(study: StudyFile) -> None:
    sessions = first_sessions(study, 10)
    found = primary("human", table(PLAIN, 10, 400), catch(4, 3.0), sessions, study)
    assert found.withheld == ("6 of 10 participants rated no catch trial",)
    assert found.verdict == "not decided"


def test_real_images_among_the_catch_trials_are_not_known_fakes(study: StudyFile) -> None:
    """A set may mix real images into its catch trials; whatever was said of them, they are no part of the measure."""
    sessions = first_sessions(study, 10)
    trials, fakes = table(PLAIN, 10, 100), catch(10, 3.0)
    real = table(PLAIN, 10, 20).assign(truth="real", response="generated", confidence=4.0)
    mixed = pd.concat([fakes, real.assign(stimulus_id="real" + real["stimulus_id"])])
    found = primary("human", trials, mixed, sessions, study)
    assert found.catch == primary("human", trials, fakes, sessions, study).catch
    assert primary("human", trials, mixed[mixed["truth"] == "real"], sessions, study).catch is None


def test_known_fakes_count_only_for_participants_with_main_ratings(study: StudyFile) -> None:
    """Two more people rated nothing but known fakes: they can be compared with no real image of their own."""
    sessions = first_sessions(study, 10)
    main, fakes = table(PLAIN, 10, 100), catch(12, 3.0)
    fakes.loc[fakes["participant"] > "p09", "response"] = "real"
    found = primary("human", main, fakes, sessions, study)
    assert found.catch is not None
    assert found.catch.participants == 10
    rated = fakes[fakes["participant"] <= "p09"]
    assert found.catch.auc == pytest.approx(mean_auc(main, rated))
    assert found.catch == primary("human", main, rated, sessions, study).catch


def mean_auc(main: pd.DataFrame, fakes: pd.DataFrame) -> float:
    """The mean of participants' shares of (fake, real) pairs in which the fake is rated higher, ties counted half."""
    real = main[main["truth"] == "real"]
    areas = []
    for name, own in fakes.groupby("participant"):
        known, others = (rating(one["response"], one["confidence"]) for one in (own, real[real["participant"] == name]))
        difference = np.subtract.outer(known, others)
        areas.append(np.mean((difference > 0) + (difference == 0) / 2))
    return float(np.mean(areas))


def test_an_interval_inside_the_bounds_shows_near_chance(study: StudyFile) -> None:
    found = judged(study)
    assert found.verdict == "shown to be near chance"
    assert found.withheld == ()
    assert 0.416 < found.auc.low < 0.5 < found.auc.high < 0.584
    assert "lies within 0.416 to 0.584" in found.words
    assert found.catch is not None
    assert found.catch.low > 0.584


@pytest.mark.parametrize(("participants", "warned"), [(2, True), (4, True), (5, False)])
def test_few_participants_are_said_to_make_the_interval_wide(participants: int, warned: bool) -> None:
    found = judged(None, Population(dprime=1.0), participants=participants, images=100)
    assert (f"Only {participants} participants have an area" in found.words) == warned
    assert "Only 1" not in judged(None, participants=1).words


def test_the_estimate_is_that_of_mrmc(study: StudyFile) -> None:
    trials = table(PLAIN, 10, 400)
    expected = mrmc.mrmc_auc(
        trials.assign(rating=rating(trials["response"], trials["confidence"])), delta=0.084, level=0.9
    )
    assert judged(study).auc.to_dict() == expected.to_dict()


@pytest.mark.parametrize("dprime", [1.0, -1.0])
def test_a_difference_is_shown(study: StudyFile, dprime: float) -> None:
    found = judged(study, Population(dprime=dprime))
    assert found.verdict == "shown to differ"
    assert ("wrong direction" in found.words) == (dprime < 0)
    assert found.dprime == pytest.approx(dprime, abs=0.3)


def test_a_difference_found_on_the_way_says_what_its_p_is(study: StudyFile) -> None:
    assert "one look" not in judged(study, Population(dprime=1)).words
    found = judged(study, Population(dprime=1), participants=9)
    assert found.verdict == "shown to differ"
    assert "Its p is that of one look after the planned number, but: 9 of the 10 planned" in found.words


def test_who_took_part_counts_towards_the_planned_number_though_excluded(study: StudyFile) -> None:
    """Ten were planned and ten came; one session was excluded. Who began and answered nothing did not take part."""
    sessions = first_sessions(study, 10)
    sessions.loc[9, "status"] = "excluded"
    found = primary("human", table(PLAIN, 9, 400), catch(9, 3.0), sessions, study)
    assert (found.took_part, found.auc.participants, found.withheld) == (10, 9, ())
    sessions.loc[9, "answered"] = 0
    found = primary("human", table(PLAIN, 9, 400), catch(9, 3.0), sessions, study)
    assert found.withheld == ("9 of the 10 planned participants: an interim look",)


def test_half_who_can_tell_and_half_who_are_wrong_are_not_near_chance(study: StudyFile) -> None:
    """Ten with d' +.8 and ten with −.8: their mean is at chance, and none of them is."""
    study.path.write_text(study.path.read_text().replace("= 10", "= 20"))
    study = read_study(study.path)
    able, unable = (table(Population(dprime=d, between_sd=0, image_sd=0), 10, 400, seed=7) for d in (0.8, -0.8))
    both = pd.concat([able, unable.assign(participant="q" + unable["participant"])])
    seen = catch(20, 3.0)
    seen["participant"] = seen["participant"].map(
        dict(zip(sorted(set(seen["participant"])), sorted(set(both["participant"])), strict=True))
    )
    found = primary("human", both, seen, first_sessions(study, 20), study)
    assert found.auc.low > 0.416
    assert found.auc.high < 0.584
    assert found.verdict == "not decided"
    spread, beyond = found.withheld
    assert "participants differ by more than the bounds" in spread
    assert "18 of 20 participants are beyond the bounds" in beyond
    assert [one.near_chance for one in found.needed] == [None] * 3


def test_one_who_sees_everything_is_not_near_chance_with_the_others(study: StudyFile) -> None:
    """One of twenty: the spread of all stays within the bounds, but one is beyond them by an interval of their own."""
    study.path.write_text(study.path.read_text().replace("= 10", "= 20"))
    study = read_study(study.path)
    trials = table(PLAIN, 20, 400, seed=1)
    able = trials["participant"] == "p03"
    trials.loc[able] = trials[able].assign(
        response=trials["truth"].where((np.arange(len(trials)) % 4 > 0), "real"), confidence=4.0
    )
    found = primary("human", trials, catch(20, 3.0), first_sessions(study, 20), study)
    assert found.auc.between_sd < 0.084
    assert found.verdict == "not decided"
    (why,) = found.withheld
    assert "1 of 20 participants is beyond the bounds" in why


@pytest.mark.parametrize(("participants", "images"), [(3, 20), (10, 100)])
@pytest.mark.parametrize("right", [True, False])
def test_perfect_discrimination_is_decided_by_the_exact_permutation_test(
    participants: int, images: int, right: bool
) -> None:
    trials = table(PLAIN, participants, images)
    other = trials["truth"].map({"real": "generated", "generated": "real"})
    trials = trials.assign(response=trials["truth"] if right else other, confidence=4.0)
    found = primary("human", trials, trials.iloc[:0], first_sessions(None, participants), None)
    assert found.verdict == "shown to differ"
    assert found.auc.reason is not None
    assert found.exact is not None
    assert found.exact.exact
    assert found.p == pytest.approx(2 / math.comb(images, images // 2))
    assert "an exact permutation test" in found.words
    assert ("wrong direction" in found.words) != right


def test_nearly_perfect_discrimination_of_two_is_decided_by_it_too() -> None:
    """Two participants, one with three errors: with one degree of freedom the t test would not decide."""
    trials = table(PLAIN, 2, 40).assign(confidence=4.0)
    trials["response"] = trials["truth"]
    trials.loc[[0, 1, 2], "response"] = "real"
    found = primary("human", trials, trials.iloc[:0], first_sessions(None, 2), None)
    assert 0.95 < found.auc.auc < 1
    assert found.auc.p_chance > 0.01
    assert found.p < 1e-8
    assert found.verdict == "shown to differ"


def test_equal_ratings_of_everything_are_not_decided() -> None:
    trials = table(PLAIN, 3, 20).assign(response="real", confidence=1.0)
    found = primary("human", trials, trials.iloc[:0], first_sessions(None, 3), None)
    assert (found.verdict, found.exact, found.auc.auc) == ("not decided", None, 0.5)
    assert "no interval" in found.words


def test_the_share_who_can_tell_stands_beside_every_verdict(study: StudyFile) -> None:
    share = prevalence([0.001, 0.4, 0.999], [0.999, 0.6, 0.001])
    trials = table(PLAIN, 10, 400)
    for which in (study, None):
        found = primary("human", trials, catch(10, 3.0), first_sessions(study, 10), which, prevalence=share)
        assert "2 of 3 participants discriminated the images, 1 of them in the wrong" in found.words
        assert found.prevalence == share


def test_dprime_of_the_interval_and_what_it_generalises_to(study: StudyFile) -> None:
    found = judged(study)
    for area, dprime in ((found.auc.low, found.dprime_low), (found.auc.high, found.dprime_high)):
        assert dprime == pytest.approx(math.sqrt(2) * norm.ppf(area))
    assert found.generalises_to == "other participants and other images"
    assert judged(study, participants=1).generalises_to == "other images, not other participants"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seen": None}, "no catch trials"),
        ({"seen": 0.0}, "known fakes were not clearly detected"),
        ({"carried": "another"}, "10 of 10 first sessions were not run under this study file"),
        ({"participants": 9}, "9 of the 10 planned participants: an interim look"),
        ({"participants": 11}, "11 participants where 10 were planned"),
    ],
)
def test_near_chance_is_withheld_and_says_why(study: StudyFile, change: dict, reason: str) -> None:
    found = judged(study, **change)
    assert found.verdict == "not decided"
    (why,) = found.withheld
    assert reason in why
    assert reason in found.words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[endpoint]\ndelta = 0.084\n", "", "fixes no bounds"),
        ("[endpoint]", "planned_looks = 2\n[endpoint]", "plans 2 looks"),
    ],
)
def test_a_study_file_can_rule_near_chance_out(study: StudyFile, old: str, new: str, reason: str) -> None:
    study.path.write_text(study.path.read_text().replace(old, new))
    found = judged(read_study(study.path))
    assert found.verdict == "not decided"
    assert reason in found.withheld[0]


def test_without_a_study_file_nothing_is_near_chance() -> None:
    found = judged(None)
    assert found.verdict == "not decided"
    assert "no study file" in found.withheld[0]
    assert math.isnan(found.delta)


def surest(trials: pd.DataFrame, known: pd.DataFrame, study: StudyFile) -> Primary:
    """Nobody is as sure of a main image as everybody is of every known fake."""
    sessions = first_sessions(study, trials["participant"].nunique())
    return primary(
        "human",
        trials.assign(confidence=trials["confidence"].clip(upper=3)),
        known.assign(response="generated", confidence=4.0),
        sessions,
        study,
    )


def test_known_fakes_that_nobody_ever_mistook_were_detected(study: StudyFile) -> None:
    """Everybody's AUC is 1 then, and without variance there is no interval."""
    found = surest(table(PLAIN, 10, 400), catch(10, 3.0), study)
    assert found.catch is not None
    assert found.catch.auc == 1
    assert math.isnan(found.catch.low)
    assert (found.verdict, found.withheld) == ("shown to be near chance", ())


@pytest.mark.parametrize(("fakes", "images"), [(1, 400), (2, 4)])
def test_too_few_known_fakes_are_not_detected_however_well_they_were_told(
    study: StudyFile, fakes: int, images: int
) -> None:
    known = catch(10, 3.0)
    (why,) = surest(table(PLAIN, 10, images), known[known["stimulus_id"] < f"catchs{fakes:03d}"], study).withheld
    assert "not clearly detected (AUC 1.00, no interval: " in why
    assert "nan" not in why


def test_another_confidence_is_another_level_of_the_tests_in_words(study: StudyFile) -> None:
    """A p of .047 is below 5%, but the test that goes with a 95% interval inside the bounds is at 2.5%."""
    study.path.write_text(study.path.read_text() + "confidence = 0.95\n")
    trials = table(Population(dprime=0.12, between_sd=0.1, image_sd=0.3), 10, 100, seed=9)
    sessions = first_sessions(study, 10)
    found = primary("human", trials, catch(10, 3.0), sessions, read_study(study.path))
    assert 0.025 < found.auc.p_chance < 0.05
    assert "excludes .5, the two-sided test at 2.5% does not" in found.words


def test_a_small_study_is_not_decided_and_says_what_would_decide(study: StudyFile) -> None:
    found = judged(study, Population(image_sd=0.5), images=40)
    assert found.verdict == "not decided"
    assert [one.images for one in found.needed] == [40, 80, 160]
    known = [one.near_chance for one in found.needed if one.near_chance is not None]
    assert known == sorted(known, reverse=True)  # more images, fewer participants


def test_images_can_make_it_hopeless() -> None:
    """With ten images and a large effect of each, no number of participants decides."""
    trials = table(Population(image_sd=0.9, own_sd=0.0), 30, 10)
    parts = variance_components(trials.assign(rating=rating(trials["response"], trials["confidence"])))
    assert participants_needed(parts, 5, 5, 0.084, 0.05, 0.9) is None


@pytest.mark.slow
def test_the_number_needed_gives_the_stated_power() -> None:
    """Components of a very large study; then power by simulation, whose standard error is .013."""
    population = Population(image_sd=0.3)
    trials = table(population, 150, 400, seed=5)
    parts = variance_components(trials.assign(rating=rating(trials["response"], trials["confidence"])))
    needed = participants_needed(parts, 100, 100, 0.084, 0.05, 0.9)
    assert needed is not None
    found = power(population, needed, 200, delta=0.084, studies=1000, seed=2)
    assert found.near_chance == pytest.approx(0.8, abs=0.07)


def test_one_participant_speaks_of_these_images_kind_only(study: StudyFile) -> None:
    found = judged(study, participants=1)
    assert found.auc.readers == "fixed"
    assert found.verdict == "not decided"
    assert found.words.startswith("A result from one participant does not generalise to others")


def test_without_confidences_the_answers_are_the_ratings(study: StudyFile) -> None:
    trials = table(Population(dprime=1.0), 10, 100).assign(confidence=np.nan)
    sessions = first_sessions(study, 10)
    found = primary("human", trials, trials.iloc[:0], sessions, study)
    shares = trials.assign(yes=trials["response"] == "generated").groupby(["participant", "truth"])["yes"].mean()
    hits, false_alarms = shares.xs("generated", level=1), shares.xs("real", level=1)
    assert found.auc.auc == pytest.approx(((1 + hits - false_alarms) / 2).mean())
    assert found.words.endswith("No confidence was recorded, so the area is that of the answers alone.")
    rated = primary("human", trials.assign(confidence=1.0), trials.iloc[:0], sessions, study)
    assert "No confidence" not in rated.words

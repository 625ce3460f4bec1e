"""Conditions side by side: what is told of generators, sizes and groups, and how often it is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.conditions import by_condition, conditions_of
from analysis.designs.condition_results import Conditions
from analysis.designs.condition_words import sentences
from analysis.designs.conditions import compare_conditions
from analysis.group.compare import compare
from analysis.mrmc.mrmc import mrmc_auc, mrmc_difference
from analysis.multiplicity import holm
from analysis.readings import from_trials
from analysis.report.report import analyze
from analysis.trials import Trials, load_trials, with_ratings
from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping


def test_one_generator_fools_and_another_does_not(tmp_path: Path) -> None:
    """Two generators beside the same real images, whose cells are empty."""
    found = compare_conditions(_loaded(_mixed({"early": 1.8, "late": 0.0}), tmp_path))
    early, late = found.each
    assert (early.name, early.status, late.name, late.status) == ("early", "discriminated", "late", "not decided")
    assert (found.verdict, found.participants, found.same_images) == ("conditions differ", "crossed", "some")
    assert "discriminated with early" in found.words
    assert "larger with early than with late by" in found.words
    assert found.generalises_to == "other participants and other images"
    assert "30 real images stand beside" in found.remarks[0]
    assert Conditions.from_json(found.to_json()) == found


def test_numbers_are_those_of_the_multi_reader_analysis(tmp_path: Path) -> None:
    table = _mixed({"a": 1.2, "b": 0.6, "c": 0.5})
    found = compare_conditions(_loaded(table, tmp_path))
    a = table[table["condition"].isin(["a", ""])]
    rated = from_trials(with_ratings(a))
    assert found.each[0].primary.auc.auc == pytest.approx(mrmc_auc(rated).auc)
    assert [one.p_adjusted for one in found.each] == pytest.approx(holm([one.primary.p for one in found.each]).tolist())
    b = table[table["condition"].isin(["b", ""])]
    both = pd.concat([with_ratings(a).assign(modality="a"), with_ratings(b).assign(modality="b")])
    expected = mrmc_difference(both, ("a", "b"), level=0.95)
    pair = next(one for one in found.differences if {one.first, one.second} == {"a", "b"})
    assert pair.first == "a"  # the larger
    assert (pair.auc.difference, pair.auc.low, pair.auc.p) == pytest.approx(
        (expected.difference, expected.low, expected.p)
    )
    adjusted = holm([one.auc.p for one in found.differences]).tolist()
    assert [one.p_adjusted for one in found.differences] == pytest.approx(adjusted)
    assert found.equality.df1 == 2
    assert "All areas together: F(2, " in found.words


def test_groups_of_participants_are_nested_in_conditions(tmp_path: Path) -> None:
    """Another group saw each generator; real images are the same, and marked as each group's."""
    parts = []
    for number, (name, dprime) in enumerate({"a": 1.5, "b": 0.0}.items()):
        one = _mixed({name: dprime}, seed=number)
        parts.append(one.assign(condition=name, participant=one["participant"] + name))
    found = compare_conditions(_loaded(pd.concat(parts), tmp_path))
    assert (found.participants, found.same_images) == ("nested", "some")
    assert not found.differences[0].auc.same_participants
    assert "each condition with participants of its own" in found.generalises_to


def test_an_image_may_be_judged_in_several_conditions(tmp_path: Path) -> None:
    """The same images small and large: one image here, two in the results of all together."""
    small = _mixed({"x": 0.5}).assign(condition="small")
    large = _mixed({"x": 1.5}).assign(condition="large")
    trials = _loaded(pd.concat([small, large]), tmp_path)
    assert trials.measure["stimulus_id"].nunique() == 2 * trials.measure["image"].nunique()
    found = compare_conditions(trials)
    assert found.same_images == "all"
    assert any("count as the same image" in one for one in found.remarks)
    expected = mrmc_difference(
        pd.concat([with_ratings(large).assign(modality="large"), with_ratings(small).assign(modality="small")])
    )
    assert found.differences[0].auc.difference == pytest.approx(abs(expected.difference))
    assert found.differences[0].auc.se == pytest.approx(expected.se)


def test_a_condition_without_confidences_is_compared_at_the_answer(tmp_path: Path) -> None:
    table = _mixed({"a": 1.0, "b": 1.0})
    table = table[table["condition"] != ""].assign(confidence=lambda one: one["confidence"].astype(object))
    real = _mixed({"a": 1.0})
    real = real[real["condition"] == ""]
    parts = [table, *(real.assign(condition=name, stimulus_id=real["stimulus_id"] + name) for name in "ab")]
    both = pd.concat(parts)
    both.loc[both["condition"] == "b", "confidence"] = ""
    found = compare_conditions(_loaded(both, tmp_path))
    assert "no confidences with b" in found.remarks[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda table: table.assign(condition="all"), "of one condition, all"),
        (lambda table: table.assign(condition=table["condition"].replace("", "r")), "real images only"),
        (lambda table: table.assign(condition=[f"c{n % 20}" for n in range(len(table))]), "20 different ones"),
        (lambda table: table.assign(condition=table["condition"].replace("b", "")), "have no condition"),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_compared_is_noted_or_refused_if_asked_for(
    tmp_path: Path, change: object, why: str
) -> None:
    table = change(_mixed({"a": 1.0, "b": 1.0}))  # type: ignore[operator]
    trials = _loaded(table, tmp_path)
    assert conditions_of(trials.measure) == ()
    assert any(why in note for note in trials.notes)
    table.rename(columns={"condition": "model"}).to_csv(tmp_path / "model.csv", index=False)
    with pytest.raises(LookalikeError) as caught:
        load_trials(tmp_path / "model.csv", mapped=TableMapping({"condition": "model"}))
    assert caught.value.code == "unusable-conditions"
    assert why in str(caught.value)


def test_conditions_come_from_a_table_of_images_or_participants(tmp_path: Path) -> None:
    table = _mixed({"a": 1.5, "b": 0.0})
    expected = compare_conditions(_loaded(table, tmp_path))
    images = table.loc[table["truth"] == "generated", ["stimulus_id", "condition"]].drop_duplicates()
    images.to_csv(tmp_path / "images.csv", index=False)
    table.drop(columns="condition").to_csv(tmp_path / "bare.csv", index=False)
    found = load_trials(tmp_path / "bare.csv", conditions=str(tmp_path / "images.csv"))
    assert compare_conditions(found).to_dict() == expected.to_dict()
    assert "conditions images.csv" in found.files
    people = pd.DataFrame({"participant": [f"p{n}" for n in range(8)], "condition": ["expert", "novice"] * 4})
    people.to_csv(tmp_path / "people.csv", index=False)
    grouped = compare_conditions(load_trials(tmp_path / "bare.csv", conditions=str(tmp_path / "people.csv")))
    assert (grouped.names, grouped.participants, grouped.same_images) == (("expert", "novice"), "nested", "all")


@pytest.mark.parametrize(
    ("write", "code"),
    [
        (lambda path: path.with_suffix(".other").touch(), "no-such-file"),
        (lambda path: path.write_text("condition\na\n"), "missing-column"),
        (lambda path: path.write_text("participant,condition\np0,a\np0,b\n"), "duplicate-id"),
        (lambda path: path.write_text("participant,condition\np0,a\np1,b\n"), "missing-value"),
    ],
)
def test_a_table_of_conditions_that_is_wrong_is_refused(tmp_path: Path, write: object, code: str) -> None:
    _mixed({"a": 1.0, "b": 1.0}).drop(columns="condition").to_csv(tmp_path / "bare.csv", index=False)
    write(tmp_path / "conditions.csv")  # type: ignore[operator]
    with pytest.raises(LookalikeError) as caught:
        load_trials(tmp_path / "bare.csv", conditions=str(tmp_path / "conditions.csv"))
    assert caught.value.code == code
    assert "condition" in str(caught.value)


def test_a_participant_who_saw_one_condition_does_not_lend_real_images_to_another(tmp_path: Path) -> None:
    table = _mixed({"a": 1.0, "b": 1.0})
    table = table[~((table["participant"] == "p0") & (table["condition"] == "b"))]
    long = by_condition(_loaded(table, tmp_path).measure)
    assert "p0" not in set(long.loc[long["modality"] == "b", "participant"])
    found = compare_conditions(_loaded(table, tmp_path))
    assert (found.participants, found.equality.compared) == ("partly crossed", 7)


@pytest.mark.parametrize("names", [("one", "empty"), ("one", "two", "empty")])
def test_a_condition_without_answers_is_told_and_changes_nothing_else(names: tuple[str, ...], tmp_path: Path) -> None:
    table = _mixed(dict.fromkeys(names, 1.5))
    table.loc[table["condition"] == "empty", ["response", "confidence"]] = None
    found = compare_conditions(_loaded(table, tmp_path))
    assert any("Nothing was answered with empty" in remark for remark in found.remarks)
    assert found.generalises_to == "other participants and other images"
    assert len(found.differences) == len(names) - 2
    analyze(tmp_path / "trials.csv", tmp_path / "results", formats=())
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert "Nothing was answered with empty" in page
    if len(names) == 2:  # one condition is paired with nothing
        assert "participants of its own" not in page
        assert "show the same images" not in page


def test_sentences_name_what_each_condition_is_shown_to_be(tmp_path: Path) -> None:
    found = compare_conditions(_loaded(_mixed({"a": 1.5, "b": 0.0, "c": 0.0}), tmp_path))
    near = [replace(one, status="near chance") if one.name == "b" else one for one in found.each]
    words = sentences(near, found.equality, found.differences, 0.95)
    assert "shown to be near chance with b (" in words
    assert "not decided whether the images can be discriminated with c (" in words
    assert "No difference is shown between " in words
    assert "95% intervals, p adjusted for 3 pairs" in words
    one = compare_conditions(_loaded(_mixed({"a": 1.5, "b": 0.0}, people=1), tmp_path))
    assert one.generalises_to == "other images, not other participants"


def test_a_condition_told_apart_without_error_has_the_permutation_tests_p(tmp_path: Path) -> None:
    table = _mixed({"a": 1.0, "b": 0.0})
    table.loc[table["condition"] == "a", ["response", "confidence"]] = ["generated", 4]
    words = compare_conditions(_loaded(table, tmp_path)).words
    assert "with a (area 1.000, no interval, as the areas do not vary, p < .001 by a permutation test)" in words
    assert "too little data" not in words


def test_a_mean_that_is_not_decided_does_not_hide_who_can_tell(tmp_path: Path) -> None:
    table = _mixed({"a": 1.8, "b": 0.0})
    odd = table["participant"].isin(["p1", "p3", "p5", "p7"])
    table.loc[odd, "response"] = table.loc[odd, "response"].map({"real": "generated", "generated": "real"})
    words = compare_conditions(_loaded(table, tmp_path)).words
    assert "; yet 8 of 8 discriminate by themselves, 4 of them in the wrong direction, where 0.4 would by" in words


def test_two_studies_with_conditions_are_compared_as_wholes_and_say_so(tmp_path: Path) -> None:
    sides = [_loaded(_mixed({"a": 1.5, "b": 0.0}, seed=seed), tmp_path) for seed in (1, 2)]
    assert any("first (a, b)" in one for one in compare(sides[0], sides[1], ("first", "second")).remarks)


@pytest.mark.slow
def test_alike_conditions_are_rarely_told_apart(tmp_path: Path) -> None:
    """120 studies of three generators alike: in at most 5% is any pair, or all together, shown to differ (SE .02)."""
    any_pair, together = [], []
    read = _loaded(_mixed({"a": 0.8, "b": 0.8, "c": 0.8}), tmp_path)
    for seed in range(120):
        drawn = _mixed({"a": 0.8, "b": 0.8, "c": 0.8}, seed)  # the same trials, other answers
        said = read.measure.assign(response=drawn["response"], confidence=drawn["confidence"].astype(float))
        found = compare_conditions(replace(read, measure=said))
        any_pair.append(found.verdict == "conditions differ")
        together.append(found.equality.p < 0.05)
    assert np.mean(any_pair) < 0.11
    assert np.mean(together) < 0.11


def _loaded(table: pd.DataFrame, folder: Path) -> Trials:
    table.to_csv(folder / "trials.csv", index=False)
    return load_trials(folder / "trials.csv")


def _mixed(dprimes: dict[str, float], seed: int = 1, people: int = 8, each: int = 30) -> pd.DataFrame:
    """Sessions that mix `each` real images with as many of every generator."""
    rng = np.random.default_rng(seed)
    rows = []
    names = ["", *dprimes]
    effect = {name: 0.5 * rng.normal(size=each) for name in names}
    for person in range(people):
        skill = 0.25 * rng.normal()
        for name in names:
            dprime = 0.0 if name == "" else dprimes[name] + skill * (dprimes[name] > 0)
            evidence = dprime + effect[name] + 0.8 * rng.normal(size=each) - 0.4
            for image, value in enumerate(evidence):
                sure = 1 + int(abs(value) > 0.5) + int(abs(value) > 1)
                truth = "generated" if name else "real"
                said = "generated" if value > 0 else "real"
                rows.append((f"p{person}", f"{name or 'real'}{image}", truth, name, said, sure))
    columns = ["participant", "stimulus_id", "truth", "condition", "response", "confidence"]
    return pd.DataFrame(rows, columns=columns)

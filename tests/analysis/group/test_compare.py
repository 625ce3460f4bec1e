"""Two studies compared: which design the data have, what is said, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.group.compare import Compared, by_hash, compare
from analysis.mrmc import mrmc
from analysis.report.compare_report import compare_studies
from analysis.roc import comparison as roc_comparison
from analysis.roc import roc
from analysis.trials import Trials, load_trials
from data.simulated.populations import Population, draw_ratings
from stimuli.sets import StimulusSet

Write = Callable[..., Path]


def study(
    folder: Path, name: str, dprime: float, seed: int, people: int = 6, images: int = 80, code: str = "p"
) -> Path:
    """One long table of so many participants."""
    generated = np.arange(images) % 2 == 1
    population = Population(dprime=dprime, image_sd=0.3, between_sd=0.1)
    ratings = draw_ratings(population, people, generated, np.random.default_rng(seed))[0]
    who, place = np.indices(ratings.shape)
    table = pd.DataFrame(
        {
            "participant": [f"{code}{person}" for person in who.flat],
            "stimulus_id": [f"s{image}" for image in place.flat],
            "truth": np.where(generated[place.ravel()], "generated", "real"),
            "response": np.where(ratings.ravel() > 0, "generated", "real"),
            "confidence": np.abs(ratings.ravel()),
        }
    )
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trials]:
    folder = tmp_path_factory.mktemp("sides")
    made = {
        "seen": study(folder, "seen", 1.2, 1),
        "unseen": study(folder, "unseen", 0.2, 2),
        "others": study(folder, "others", 0.2, 3, people=7, code="q"),
        "again": study(folder, "again", 1.2, 4, images=600),
        "once": study(folder, "once", 1.2, 5, images=600),
    }
    return {name: load_trials(path) for name, path in made.items()}


def rated(side: Trials) -> pd.DataFrame:
    sign = np.where(side.measure["response"] == "generated", 1, -1)
    return side.measure.assign(rating=sign * side.measure["confidence"])


def compared(sides: dict[str, Trials], first: str, second: str, **options: object) -> Compared:
    return compare(sides[first], sides[second], (first, second), **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_same_participants_are_compared_with_themselves(sides: dict[str, Trials]) -> None:
    found = compared(sides, "seen", "unseen")
    tables = [rated(sides[name]).assign(modality=name) for name in ("seen", "unseen")]
    expected = mrmc.mrmc_difference(pd.concat(tables), ("seen", "unseen"), level=0.95)
    assert (found.difference.difference, found.difference.low, found.difference.p) == (
        pytest.approx((expected.difference, expected.low, expected.p))
    )
    assert found.difference.same_participants
    assert (found.verdict, "larger with seen" in found.words) == ("shown to differ", True)
    assert "6 participants judged in both and were compared with themselves, on the same images" in found.remarks[0]
    one = found.participants[2]
    a, b = (table[table["participant"] == "p2"].set_index("stimulus_id").sort_index() for table in tables)
    paired = roc_comparison.compare_aucs(a["truth"], a["rating"], b["rating"])
    assert (one.participant, one.method) == ("p2", "DeLong, paired")
    assert (one.difference, one.low, one.p) == pytest.approx((paired.difference, paired.low, paired.p))
    assert len(found.to_frame()) == 6


@pytest.mark.slow
def test_order_of_the_names_turns_the_sign(sides: dict[str, Trials]) -> None:
    one, other = compared(sides, "seen", "unseen"), compared(sides, "unseen", "seen")
    assert other.difference.difference == pytest.approx(-one.difference.difference)
    assert [row.value for row in other.methods] == pytest.approx([-row.value for row in one.methods])
    assert "larger with seen" in other.words


def test_two_groups_are_told_from_the_codes(sides: dict[str, Trials]) -> None:
    found = compared(sides, "seen", "others")
    assert not found.difference.same_participants
    assert found.participants == ()
    assert "Nobody judged in both, so two groups were compared" in found.remarks[0]
    assert "6 participants (seen) and 7 (others)" in found.remarks[0]
    apart = compared(sides, "seen", "unseen", participants="different")
    assert not apart.difference.same_participants


def test_other_images_are_compared_unpaired(sides: dict[str, Trials]) -> None:
    found = compared(sides, "seen", "unseen", images="different")
    assert found.difference.same_images == "none"
    a, b = (table[table["participant"] == "p0"] for table in (rated(sides["seen"]), rated(sides["unseen"])))
    expected = roc_comparison.compare_independent_aucs(*(roc.roc_auc(part["truth"], part["rating"]) for part in (a, b)))
    assert (found.participants[0].method, found.participants[0].p) == ("DeLong, unpaired", pytest.approx(expected.p))


def test_stimulus_sets_say_whether_images_are_the_same(sides: dict[str, Trials]) -> None:
    def named(side: str, sha: str) -> Trials:
        return replace(sides[side], sessions=sides[side].sessions.assign(stimulus_set_sha256=sha))

    same = compare(named("seen", "a"), named("unseen", "a"), ("x", "y"))
    other = compare(named("seen", "a"), named("unseen", "b"), ("x", "y"))
    assert (same.difference.same_images, other.difference.same_images) == ("all", "none")
    assert "different stimulus sets" in other.remarks[1]


def test_images_of_two_sets_are_known_by_their_hashes(sides: dict[str, Trials]) -> None:
    """Two generators beside the same real images, under other ids in each set."""
    ids = [f"s{image}" for image in range(80)]
    real = np.arange(80) % 2 == 0
    tables = [
        pd.DataFrame(
            {"stimulus_id": ids, "sha256": np.where(real, [f"r{n}" for n in ids], [f"{name}{n}" for n in ids])}
        )
        for name in "ab"
    ]
    sets = [StimulusSet(Path(), table, {}, name) for table, name in zip(tables, "ab", strict=True)]
    turned = {f"s{image}": f"s{78 - image if image % 2 == 0 else image}" for image in range(80)}
    second = replace(
        sides["unseen"],
        measure=sides["unseen"].measure.assign(stimulus_id=sides["unseen"].measure["stimulus_id"].map(turned)),
    )
    swapped = replace(sets[1], table=tables[1].assign(stimulus_id=[turned[name] for name in ids]))
    found = compare(by_hash(sides["seen"], sets[0]), by_hash(second, swapped), ("x", "y"), images="hashes")
    plain = sides["unseen"].measure
    other = plain["stimulus_id"].where(plain["truth"] == "real", "b" + plain["stimulus_id"])
    expected = compare(sides["seen"], replace(sides["unseen"], measure=plain.assign(stimulus_id=other)), ("x", "y"))
    assert (found.difference.same_images, found.difference.low) == ("some", pytest.approx(expected.difference.low))
    assert "by their hashes" in found.remarks[1]


def test_partly_shared_images_take_what_they_share_into_account(sides: dict[str, Trials]) -> None:
    half = sides["unseen"].measure
    fresh = half["stimulus_id"].str[1:].astype(int) >= 40
    mixed = half.assign(stimulus_id=half["stimulus_id"].where(~fresh, "new" + half["stimulus_id"]))
    found = compare(sides["seen"], replace(sides["unseen"], measure=mixed), ("x", "y"))
    assert found.difference.same_images == "some"
    assert {one.method for one in found.participants} == {"U-statistics, partly paired"}
    assert all(one.low < one.difference < one.high for one in found.participants)


@pytest.mark.slow
def test_no_difference_is_not_called_alike_without_a_bound(sides: dict[str, Trials]) -> None:
    without, within, narrow = (compared(sides, "again", "once", delta=delta) for delta in (None, 0.1, 0.001))
    assert (without.verdict, within.verdict, narrow.verdict) == ("not decided", "shown to be equivalent", "not decided")
    assert "does not show that there is none" in without.words
    assert "if the bound was fixed before" in within.words
    assert "not within ± 0.001" in narrow.words


def test_answers_alone_are_compared_where_a_side_has_no_confidence(sides: dict[str, Trials]) -> None:
    blank = replace(sides["unseen"], measure=sides["unseen"].measure.assign(confidence=np.nan))
    found = compare(sides["seen"], blank, ("x", "y"))
    assert any("answers alone" in remark for remark in found.remarks)
    truth, said = (sides["seen"].measure[name] == "generated" for name in ("truth", "response"))
    rates = pd.DataFrame({"p": sides["seen"].measure["participant"], "truth": truth, "said": said})
    by = rates.groupby(["p", "truth"])["said"].mean().unstack()
    assert found.difference.first.auc == pytest.approx(((1 + by[True] - by[False]) / 2).mean())


def test_few_participants_are_warned_of(sides: dict[str, Trials]) -> None:
    def only(side: str, people: int) -> Trials:
        measure = sides[side].measure
        kept = measure["participant"].isin([f"p{n}" for n in range(people)])
        return replace(sides[side], measure=measure[kept])

    three, one = (compare(only("seen", n), only("unseen", n), ("x", "y")) for n in (3, 1))
    assert "With only 3 participants" in three.remarks[-1]
    assert "other images, not to other participants" in one.remarks[-1]
    assert one.difference.low < one.difference.difference < one.difference.high


def test_what_cannot_be_compared_is_refused(sides: dict[str, Trials], refuses: Any) -> None:
    turned = sides["unseen"].measure.replace({"truth": {"real": "generated", "generated": "real"}})
    with refuses("contradictory-truth"):
        compare(sides["seen"], replace(sides["unseen"], measure=turned), ("x", "y"))
    mixed = sides["seen"].sessions.assign(observer=["human"] * 3 + ["simulated"] * 3)
    with refuses("mixed-observers"):
        compare(replace(sides["seen"], sessions=mixed), sides["unseen"], ("x", "y"))
    real = sides["seen"].measure[sides["seen"].measure["truth"] == "real"]
    with refuses("no-auc"):
        compare(sides["unseen"], replace(sides["seen"], measure=real), ("x", "y"))


@pytest.mark.slow
def test_files_of_a_comparison(tmp_path: Path, refuses: Any) -> None:
    paths = (study(tmp_path / "a", "same", 1.2, 1), study(tmp_path / "b", "same", 0.2, 2))
    content = compare_studies(paths, tmp_path / "out", delta=0.1)
    assert content["names"] == ["same (first)", "same (second)"]
    assert content == json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert len(content["files_sha256"]) == 2
    names = {"comparison.json", "participants.tsv", "methods.tsv", "report.html"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names | {
        f"comparison.{kind}" for kind in ("svg", "png")
    }
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert content["words"].split(":")[0] in page
    assert "DeLong, paired" in page
    assert "Schuirmann" in page
    compare_studies(paths, tmp_path / "twice", ("<b>old</b>", "new"))
    told = (tmp_path / "twice" / "report.html").read_text("utf-8")
    assert "<b>old" not in told
    assert "Schuirmann" not in told
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "summary.json").write_text("{}")
    with refuses("folder-of-results"):
        compare_studies((tmp_path / "results", paths[0]), tmp_path / "third")
    assert not (tmp_path / "third").exists()

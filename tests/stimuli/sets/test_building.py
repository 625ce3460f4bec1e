from __future__ import annotations

import itertools
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.files import sha256
from stimuli.grey_levels import measure_grey_levels
from stimuli.images import Pixels, quantise, read_image, resample
from stimuli.sets import COLUMNS, Candidate, Layout, StimulusSet, read_set

Refuses = Callable[[str], AbstractContextManager[Any]]
Texture = Callable[..., Pixels]
Build = Callable[..., StimulusSet]


# What a set holds


def test_round_trip(build: Build, texture: Texture) -> None:
    made = build(Layout(main=8, practice=4, catch=3))
    back = read_set(made.folder)
    pd.testing.assert_frame_equal(back.table, made.table)
    assert (back.about, back.sha256, back.largest_px) == (made.about, made.sha256, (16, 16))
    assert made.sha256 == sha256(made.folder / "stimuli.csv")
    assert tuple(made.table.columns) == COLUMNS
    assert made.about["model_sha256"] == "ab"
    assert made.about["layout"]["main"] == 8
    for row in made.table.itertuples():
        kind, name = row.source.split(":")
        number = int(name[1:]) if kind == "patch" else 2000 + int(name[1:]) if name[0] == "c" else 1000 + int(name)
        np.testing.assert_array_equal(quantise(made.read(row.stimulus_id), 8), quantise(texture(number, 16, 16), 8))
        assert row.truth == ("real" if kind == "patch" else "generated")
        assert pd.isna(row.patient) == (kind == "seed")
        if kind == "seed" and name[0] != "c":
            assert row.loop_position_deg == 9 * int(name)
        else:
            assert pd.isna(row.loop_position_deg)


def test_roles_are_balanced_and_catch_images_are_known_fakes(build: Build) -> None:
    made = build(Layout(main=10, practice=4, catch=3))
    counts = made.table.groupby(["role", "truth"]).size().to_dict()
    assert counts == {
        ("main", "real"): 5,
        ("main", "generated"): 5,
        ("practice", "real"): 2,
        ("practice", "generated"): 2,
        ("catch", "generated"): 3,
    }
    assert made.select("catch")["source"].str.startswith("seed:c").all()
    assert len(made.select("main")) == 10


def test_an_image_is_shown_in_one_role_only(build: Build) -> None:
    table = build(Layout(main=10, practice=6, catch=4)).table
    for column in ("stimulus_id", "file", "source", "sha256"):
        assert table[column].is_unique
    assert not set(table.loc[table["role"] == "practice", "sha256"]) & set(table.loc[table["role"] == "main", "sha256"])


def test_candidates_are_taken_as_offered_without_choosing(build: Build) -> None:
    table = build(Layout(main=8, practice=4)).table
    assert set(table.loc[table["truth"] == "generated", "source"]) == {f"seed:{n}" for n in range(6)}
    assert set(table.loc[table["truth"] == "real", "source"]) == {f"patch:p{n}" for n in range(6)}


def test_no_more_candidates_are_made_than_are_needed(build: Build, texture: Texture) -> None:
    made: list[int] = []

    def generator() -> Iterator[Candidate]:
        for n in range(1000):
            made.append(n)
            yield Candidate(texture(1000 + n, 16, 16), f"seed:{n}")

    build(Layout(main=6), generated=generator())
    assert made == [0, 1, 2]


def test_statistics_are_of_the_image_as_it_is_on_disk(build: Build) -> None:
    made = build(Layout(main=4))
    for row in made.table.itertuples():
        levels = measure_grey_levels(read_image(made.folder / row.file).pixels)
        assert (row.mean, row.sd, row.p01, row.p99) == pytest.approx(
            (levels.mean, levels.sd, levels.p01, levels.p99), abs=1e-6
        )


# Nothing gives the truth away


def test_order_and_names_do_not_reveal_the_truth(build: Build) -> None:
    tables = [build(Layout(main=40, seed=seed), f"set{seed}").table for seed in range(4)]
    for table in tables:
        assert table["stimulus_id"].tolist() == [f"s{n:04d}" for n in range(1, 41)]
        assert table["file"].tolist() == [f"images/s{n:04d}.png" for n in range(1, 41)]
        generated = (table["truth"] == "generated").to_numpy()
        # Places of generated images: mean rank 20.5, and its SE for 20 of 40 is 1.85.
        assert abs(np.flatnonzero(generated).mean() + 1 - 20.5) < 4 * 1.85
        assert 8 < (generated[1:] != generated[:-1]).sum() < 32  # neither blocks nor alternation
    assert len({tuple(table["truth"]) for table in tables}) == 4


def test_the_same_seed_assigns_the_same_ids(build: Build) -> None:
    a, b = (build(Layout(main=20, seed=3), name) for name in ("a", "b"))
    pd.testing.assert_frame_equal(a.table, b.table)
    assert a.sha256 == b.sha256


def chunks(path: Path) -> list[tuple[str, bytes]]:
    content, at, found = path.read_bytes(), 8, []
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        found.append((content[at + 4 : at + 8].decode(), content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


@pytest.mark.parametrize("layout", [Layout(main=8), Layout(main=8, bits=16), Layout(main=8, size_px=24)])
def test_real_and_generated_files_are_encoded_alike(build: Build, layout: Layout) -> None:
    made = build(layout)
    looks: dict[str, set[Any]] = {}
    for row in made.table.itertuples():
        parts = chunks(made.folder / row.file)
        data = b"".join(body for name, body in parts if name == "IDAT")
        shape = made.read(row.stimulus_id).shape
        assert len(zlib.decompress(data)) == shape[0] * (1 + shape[1] * layout.bits // 8)
        # Header (size, depth, colour, interlacing), kinds of chunks, zlib's own header (window, level).
        looks.setdefault(row.truth, set()).add((parts[0], tuple(dict(parts)), data[:2], shape))
    assert looks["real"] == looks["generated"]
    assert len(looks["real"]) == 1


def test_permissions_and_names_are_alike(build: Build) -> None:
    made = build(Layout(main=8))
    assert sorted(os.listdir(made.folder)) == ["images", "stimuli.csv", "stimuli.json"]
    assert len({(made.folder / file).stat().st_mode for file in made.table["file"]}) == 1


def test_one_path_for_both_so_the_same_image_offered_as_both_is_the_same_file(build: Build, texture: Texture) -> None:
    shared = texture(5, 20, 20)
    sets = []
    for truth, other in (("real", "generated"), ("generated", "real")):
        offers = {truth: [Candidate(shared, "it")], other: [Candidate(texture(6, 20, 20), "other")]}
        made = build(Layout(main=2, size_px=13), truth, **offers)
        sets.append(made.table.set_index("source").loc["it", ["sha256", "mean", "sd", "p01", "p99"]].tolist())
    assert sets[0] == sets[1]


def test_images_of_different_sizes_would_give_the_truth_away(
    build: Build, texture: Texture, tmp_path: Path, refuses: Refuses
) -> None:
    larger = [Candidate(texture(1000 + n, 32, 32), f"seed:{n}") for n in range(4)]
    with refuses("wrong-size") as caught:
        build(Layout(main=4), generated=larger)
    assert "(16 x 16, 32 x 32)" in str(caught.value)
    # Resampling to one size would hide it from a glance, not from an eye for detail.
    with refuses("wrong-size") as caught:
        build(Layout(main=4, size_px=24), generated=larger)
    assert "(16 x 16, 32 x 32)" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_resampling_uses_the_projects_kernel(build: Build, texture: Texture) -> None:
    made = build(Layout(main=2, size_px=23, bits=16))
    row = made.table[made.table["truth"] == "real"].iloc[0]
    stored = (quantise(texture(0, 16, 16), 16) / np.float32(65535)).astype(np.float32)
    expected = quantise(resample(stored, (23, 23)), 16)
    np.testing.assert_array_equal(quantise(made.read(row["stimulus_id"]), 16), expected)


# What is passed over


def test_an_image_offered_as_real_and_as_generated_is_taken_once(build: Build, texture: Texture) -> None:
    twin = Candidate(texture(0, 16, 16), "seed:twin")
    others = [Candidate(texture(1000 + n, 16, 16), f"seed:{n}") for n in range(4)]
    made = build(Layout(main=4), generated=[twin, *others])
    assert made.about["rejected"] == {"real": {}, "generated": {"identical to an earlier image": 1}}
    assert set(made.table.loc[made.table["truth"] == "generated", "source"]) == {"seed:0", "seed:1"}


def test_images_that_differ_below_one_grey_level_are_identical(build: Build, texture: Texture) -> None:
    base = quantise(texture(1000, 16, 16), 8) / np.float32(255)
    offered = [Candidate(base, "a"), Candidate(base + np.float32(0.1 / 255), "b"), Candidate(texture(9, 16, 16), "c")]
    made = build(Layout(main=4), generated=offered, real=[Candidate(texture(n, 16, 16), f"p{n}") for n in (1, 2)])
    assert made.about["rejected"]["generated"] == {"identical to an earlier image": 1}
    assert set(made.table.loc[made.table["truth"] == "generated", "source"]) == {"a", "c"}


def test_flat_and_broken_images_are_rejected_and_counted(build: Build, texture: Texture) -> None:
    broken = texture(8, 16, 16).copy()
    broken[3, 3] = np.nan
    flat = [Candidate(np.full((16, 16), grey, np.float32), "flat") for grey in (0.0, 0.5, 1.0)]
    good = [Candidate(texture(1000 + n, 16, 16), f"seed:{n}") for n in range(2)]
    made = build(Layout(main=4), generated=[flat[0], good[0], *flat[1:], Candidate(broken, "nan"), good[1]])
    assert made.about["rejected"]["generated"] == {
        "flat (SD of P-values below 0.005)": 3,
        "not a number in some pixels": 1,
    }
    assert made.about["rejected"]["real"] == {}
    assert set(made.table.loc[made.table["truth"] == "generated", "source"]) == {"seed:0", "seed:1"}


def test_a_catch_image_that_is_also_a_main_one_is_rejected(build: Build, texture: Texture) -> None:
    catch = [Candidate(texture(1000, 16, 16), "again"), Candidate(texture(2000, 16, 16), "new")]
    made = build(Layout(main=4, catch=1), catch=catch)
    assert made.select("catch")["source"].tolist() == ["new"]


@pytest.mark.parametrize("short", ["real", "generated", "catch"])
def test_too_few_candidates(build: Build, texture: Texture, tmp_path: Path, short: str, refuses: Refuses) -> None:
    few = [Candidate(texture(n + 3000, 16, 16), f"x{n}") for n in range(2)]
    few.append(few[0])
    with refuses("set-too-small") as caught:
        build(Layout(main=6, practice=2, catch=4), **{short: few})
    truth = "real" if short == "real" else "generated"
    assert str(caught.value).startswith(f"4 {truth} images are needed for")
    assert "only 2 are available (1 rejected)" in str(caught.value)
    assert ("--split" in str(caught.value)) == (short == "real")
    assert ("catch" if short == "catch" else "main and practice") in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_an_occupied_folder_is_refused_and_untouched(build: Build, refuses: Refuses) -> None:
    first = build(Layout(main=4))
    with refuses("occupied"):
        build(Layout(main=6))
    assert read_set(first.folder).sha256 == first.sha256


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"main": 5}, "main is 5"),
        ({"main": 0}, "main is 0"),
        ({"main": -2}, "main is -2"),
        ({"practice": 3}, "practice is 3"),
        ({"practice": -2}, "practice is -2"),
        ({"catch": -1}, "catch is -1"),
        ({"bits": 12}, "bits is 12"),
        ({"size_px": 0}, "size is 0"),
    ],
)
def test_impossible_layouts_are_refused(settings: dict[str, int], word: str, refuses: Refuses) -> None:
    with refuses("unknown-choice" if "bits" in settings else "out-of-range") as caught:
        Layout(**settings)
    assert str(caught.value).startswith(word)


def test_a_source_that_offers_only_one_image_is_given_up_on(build: Build, texture: Texture, refuses: Refuses) -> None:
    same = Candidate(texture(5, 16, 16), "seed:same")
    with refuses("set-too-small") as caught:
        build(Layout(main=4), generated=itertools.repeat(same))
    assert "1000 rejected" in str(caught.value)


def test_a_size_beyond_any_screen_is_refused(refuses: Refuses) -> None:
    with refuses("out-of-range") as caught:
        Layout(size_px=100000)
    assert "from 1 to 4096" in str(caught.value)


def test_a_candidate_with_an_objection_is_counted_and_not_taken(build: Build, texture: Texture) -> None:
    generated = [
        Candidate(texture(1000 + n, 16, 16), f"seed:{n}", objection="too near" if n % 2 else "") for n in range(20)
    ]
    made = build(Layout(main=8), generated=generated)
    taken = made.table.loc[made.table["truth"] == "generated", "source"]
    assert sorted(taken) == ["seed:0", "seed:2", "seed:4", "seed:6"]
    assert made.about["rejected"]["generated"] == {"too near": 3}

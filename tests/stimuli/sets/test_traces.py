"""What a set's files give away is found, and sets as they are built give nothing away."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow
from scipy.stats import norm

from data.files import sha256, write_table
from stimuli.images import Pixels
from stimuli.sets import Candidate, Layout, StimulusSet, read_set
from stimuli.sets.traces import Finding, file_findings, patient_findings, ranked, runs_p, trace_findings

Build = Callable[..., StimulusSet]


def traces(made: StimulusSet) -> dict[str, Finding]:
    """The findings of a set that was changed on disk, by check."""
    table = made.table
    table["sha256"] = [sha256(made.folder / file) for file in table["file"]]
    write_table(made.folder / "stimuli.csv", table)
    return {one.check: one for one in trace_findings(read_set(made.folder))}


def wrong(findings: dict[str, Finding]) -> set[str]:
    return {name for name, one in findings.items() if one.outcome == "wrong"}


@pytest.fixture
def made(build: Build) -> StimulusSet:
    return build(Layout(main=40))


def paths(made: StimulusSet, truth: str) -> list[Path]:
    return [made.folder / file for file in made.table.loc[made.table["truth"] == truth, "file"]]


def test_a_set_as_it_is_built_gives_nothing_away(made: StimulusSet) -> None:
    findings = traces(made)
    assert wrong(findings) == set()
    assert findings["encoding"].words == "all alike: PNG, 16 x 16 px, 8 bits"
    assert {one.outcome for one in file_findings(made.folder, made.table)} == {"ok"}


@pytest.mark.parametrize(
    ("stem", "why"),
    [("real-1", "'real'"), ("s1_FAKE", "'fake'"), ("generated", "'generated'"), ("x-p0", "holds its source")],
)
def test_telling_names_are_found(made: StimulusSet, stem: str, why: str) -> None:
    made.table.loc[0, "source"] = "patch:x-p0"
    old = made.folder / made.table.loc[0, "file"]
    old.rename(old.with_name(f"{stem}.png"))
    made.table.loc[0, "file"] = f"images/{stem}.png"
    found = traces(made)
    assert wrong(found) == {"names"}
    assert why in found["names"].words


def test_a_word_of_one_kind_is_found_and_one_of_all_is_not(made: StimulusSet) -> None:
    for prefix, others, expected in (("organ", "organ", set()), ("patch", "patch", set()), ("a", "b", {"names"})):
        names = np.where(made.table["truth"] == "real", prefix, others)
        renamed = [f"images/{name}_{n}.png" for n, name in enumerate(names)]
        for old, new in zip(made.table["file"], renamed, strict=True):
            (made.folder / old).rename(made.folder / new)
        made.table["file"] = renamed
        assert wrong(traces(made)) == expected


def test_an_order_by_truth_and_a_strict_alternation_are_found(made: StimulusSet) -> None:
    whole = made.table
    kinds = [whole[whole["truth"] == truth] for truth in ("real", "generated")]
    for rows in (pd.concat(kinds), pd.concat(kinds).iloc[np.arange(40).reshape(2, 20).T.reshape(-1)]):
        write_table(made.folder / "stimuli.csv", rows)
        found = {one.check: one for one in trace_findings(read_set(made.folder))}
        assert wrong(found) == {"order"}


def test_dates_that_tell_the_truth_are_found(made: StimulusSet) -> None:
    for path in paths(made, "generated"):
        os.utime(path, (10**9, 10**9))
    assert wrong(traces(made)) == {"dates of files"}


def add_chunk(path: Path, name: bytes, body: bytes) -> None:
    content = path.read_bytes()
    end = content.index(b"IEND") - 4
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    path.write_bytes(content[:end] + chunk + content[end:])


def test_metadata_of_one_kind_is_wrong_and_of_both_is_told(made: StimulusSet) -> None:
    for path in paths(made, "generated"):
        add_chunk(path, b"tEXt", b"Software\0generator")
    found = traces(made)
    assert "encoding" in wrong(found)
    assert "tEXt" in found["encoding"].words
    assert found["encoding"].words.endswith("generated ones PNG, 16 x 16 px, 8 bits, with tEXt: write all images alike")
    for path in paths(made, "real"):
        add_chunk(path, b"tEXt", b"Software\0scanner")
    assert traces(made)["encoding"].outcome == "note"


def test_another_format_of_one_kind_is_found(made: StimulusSet) -> None:
    for number in made.table.index[made.table["truth"] == "real"]:
        path = made.folder / made.table.loc[number, "file"]
        Pillow.open(path).save(path.with_suffix(".bmp"))
        path.unlink()
        made.table.loc[number, "file"] = f"images/{path.stem}.bmp"
    found = traces(made)
    assert "encoding" in wrong(found)
    assert "bmp" in found["encoding"].words


@pytest.mark.parametrize("bits", [8, 16])
def test_coarser_greys_of_one_kind_are_found(build: Build, texture: Callable[..., Pixels], bits: int) -> None:
    # In 8 bits, contrast stretched after rounding; in 16, an image that had 8.
    steps = 100 if bits == 8 else 255
    real = [
        Candidate((np.round(texture(n, 48, 48) * steps) / steps).astype(np.float32), f"patch:{n}") for n in range(8)
    ]
    generated = [Candidate(texture(100 + n, 48, 48), f"seed:{n}") for n in range(8)]
    found = traces(build(Layout(main=16, bits=bits), real=real, generated=generated))
    assert "grey steps" in wrong(found)


@pytest.mark.parametrize("bits", [8, 16])
def test_another_contrast_or_black_background_is_no_coarser_grey(
    build: Build, texture: Callable[..., Pixels], bits: int
) -> None:
    flat = [Candidate((0.5 + 0.2 * (texture(n, 16, 16) - 0.5)).astype(np.float32), f"patch:{n}") for n in range(20)]
    black = [Candidate(texture(99 + n, 16, 16), f"seed:{n}") for n in range(20)]
    for one in black:
        one.pixels[:8] = 0
    assert "grey steps" not in wrong(traces(build(Layout(main=40, bits=bits), real=flat, generated=black)))


def test_sizes_of_files_are_told(build: Build, texture: Callable[..., Pixels]) -> None:
    smooth = [Candidate(np.full((32, 32), 0.2, np.float32), f"seed:{n}") for n in range(20)]
    for n, one in enumerate(smooth):
        one.pixels[: 2 + n] += 0.3
    real = [Candidate(texture(n, 32, 32), f"patch:{n}") for n in range(20)]
    found = traces(build(Layout(main=20), real=real, generated=smooth))
    assert found["sizes of files"].outcome == "note"
    assert "AUC 0.00" in found["sizes of files"].words


def test_altered_missing_and_other_files_are_counted(made: StimulusSet) -> None:
    first, second = paths(made, "real")[:2]
    first.write_bytes(b"")
    second.unlink()
    (made.folder / "images" / "real_ones.zip").write_bytes(b"x")
    hashes, beside = file_findings(made.folder, made.table)
    assert hashes.outcome == "wrong"
    assert hashes.words.startswith("2 of 40: ")
    assert (beside.outcome, "real_ones.zip" in beside.words) == ("note", True)


def test_patients_are_counted_and_kept_apart(made: StimulusSet) -> None:
    counted, sides, once = patient_findings(made.table)
    assert (counted.outcome, sides.outcome, once.outcome) == ("note", "ok", "ok")
    assert counted.words.startswith("20 real images of 7 patients, up to 3 of one")
    table = made.table.copy()
    generated = table.index[table["truth"] == "generated"][0]
    table.loc[generated, "patient"] = "stranger+patient3"
    assert [one.outcome for one in patient_findings(table)][1] == "wrong"
    table = made.table.copy()
    table.loc[1, "source"] = table.loc[0, "source"]
    assert [one.outcome for one in patient_findings(table)][2] == "wrong"
    table = made.table.copy()
    table.loc[table["truth"] == "real", "patient"] = None
    assert [one.outcome for one in patient_findings(table)] == ["wrong"]


def test_ranks_and_runs_agree_with_plain_counts() -> None:
    rng = np.random.default_rng(0)
    flags, values = rng.random(30) < 0.5, rng.integers(0, 9, 30).astype(float)
    pairs = [(a > b) + 0.5 * (a == b) for a in values[flags] for b in values[~flags]]
    assert ranked(flags, values)[0] == pytest.approx(np.mean(pairs))
    assert ranked(flags, np.ones(30)) == (0.5, 1.0)
    # The number of runs of 12 in 24, over many shuffles: its mean, and how often p is small.
    flags = np.repeat([True, False], 12)
    shuffled = [rng.permutation(flags) for _ in range(3000)]
    assert np.mean([1 + (one[1:] != one[:-1]).sum() for one in shuffled]) == pytest.approx(13, abs=0.15)
    assert np.mean([runs_p(one) < 0.05 for one in shuffled]) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 3000)
    assert runs_p(flags) == pytest.approx(2 * norm.sf((11 - 0.5) / np.sqrt(12 * 11 / 23)), rel=1e-9)

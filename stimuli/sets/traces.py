"""What a set's manifest and files give away: names, order, dates, sizes, encoding, patients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter1d
from scipy.stats import mannwhitneyu, norm

from data.arrays import Flags, Floats
from data.errors import LookalikeError
from stimuli.images import Pixels, quantise
from stimuli.readers import formats
from stimuli.sets.stored import StimulusSet, verified

Outcome = Literal["ok", "note", "wrong"]
FALSE_ALARM = 0.001  # of each statistical check: a set is checked in many ways
_TELLING = {
    "real",
    "gen",
    "generated",
    "fake",
    "synthetic",
    "synth",
    "gan",
    "seed",
    "patch",
    "composed",
    "classic",
    "catch",
}
_ONLY_IN_ONE = 5  # names of one kind with a word that no name of the other has
_PNG = b"\x89PNG\r\n\x1a\n"
_NEEDED = {"IHDR", "PLTE", "IDAT", "IEND"}  # chunks of a PNG that make up the image
_COARSER = 0.1  # difference of medians of coarseness
_AROUND_LEVELS = 9  # grey levels from which the pixels that a level should have are estimated
_STEPS_OF_8_BITS = 257  # 65535 / 255: in 16 bits, an image of 8 bits has only multiples of it


@dataclass(frozen=True)
class Finding:
    """One check of a set: `outcome` is ok, note (worth knowing) or wrong (to be mended), and `words` say what."""

    check: str
    outcome: Outcome
    words: str


def file_findings(folder: Path, table: pd.DataFrame) -> Iterator[Finding]:
    """Whether every image is there and unaltered, and no other file lies between them."""
    faults = []
    for row in table.to_dict("records"):
        try:
            formats.size_px(folder / row["file"], verified(folder, row))
        except LookalikeError as error:
            faults.append(str(error))
    first = f"{len(faults)} of {len(table)}: {faults[0]}" if faults else f"all {len(table)} images have their SHA-256"
    yield Finding("hashes", "wrong" if faults else "ok", first)
    named = {(folder / file).resolve() for file in table["file"]}
    beside = {path.parent for path in named}
    manifest = {(folder / name).resolve() for name in ("stimuli.csv", "stimuli.json")}
    found = {path.resolve() for place in beside if place.is_dir() for path in place.iterdir() if path.is_file()}
    extra = sorted(found - named - manifest)
    words = f"{len(extra)} that the manifest does not name, first {extra[0].name}" if extra else "none but the images"
    yield Finding("files beside the images", "note" if extra else "ok", words)


def trace_findings(stimuli: StimulusSet) -> Iterator[Finding]:
    """What gives the truth away without a look at the images; for a set whose files are all there."""
    table = stimuli.table
    generated = (table["truth"] == "generated").to_numpy()
    yield _names(table)
    yield _order(generated)
    paths = [stimuli.folder / file for file in table["file"]]
    changed = np.array([path.stat().st_mtime for path in paths])
    yield _ranked(
        "dates of files", generated, changed, "wrong", "real and generated files were written at different times",
        "the dates do not tell the two apart",
    )  # fmt: skip
    yield from _encoding(stimuli, generated)
    sizes = np.array([path.stat().st_size for path in paths], dtype=np.float64)
    medians = [np.median(sizes[generated == flag]) / 1024 if (generated == flag).any() else np.nan for flag in (0, 1)]
    yield _ranked(
        "sizes of files", generated, sizes, "note",
        f"median {medians[0]:.3g} KB real, {medians[1]:.3g} KB generated: who sees the files can tell, participants "
        "cannot; more detail makes a larger file", "the sizes do not tell the two apart",
    )  # fmt: skip


def patient_findings(table: pd.DataFrame) -> Iterator[Finding]:
    """Whether real images have patients, and nobody is on both sides."""
    real = table[table["truth"] == "real"]
    nameless = int(real["patient"].isna().sum())
    if nameless:
        words = f"{nameless} real images have no patient, so images of one person cannot be kept together"
        yield Finding("patients", "wrong", words)
        return
    counts = real["patient"].value_counts()
    most = int(counts.max()) if len(counts) else 0
    words = f"{len(real)} real images of {len(counts)} patients"
    words += "" if most <= 1 else f", up to {most} of one: results for patients in general need them grouped"
    yield Finding("patients", "ok" if most <= 1 else "note", words)
    behind = {one for cell in table.loc[table["truth"] == "generated", "patient"].dropna() for one in cell.split("+")}
    both = sorted(behind & set(counts.index))
    words = f"{len(both)}, first {both[0]}: real images and, in generated ones, tissue" if both else "nobody"
    yield Finding("patients on both sides", "wrong" if both else "ok", words)
    twice = table.loc[table["source"].notna(), "source"]
    again = twice[twice.duplicated()]
    same = table.loc[table["sha256"].duplicated(), "stimulus_id"]
    if len(again) or len(same):
        what = f"source {again.iloc[0]}" if len(again) else f"the image of {same.iloc[0]}"
        yield Finding("images shown once", "wrong", f"{max(len(again), len(same))} more than once, first {what}")
    else:
        yield Finding("images shown once", "ok", "no source and no image is there twice")


def _names(table: pd.DataFrame) -> Finding:
    """Ids and file names may hold neither the source nor a word that one kind of image has and the other has not."""
    generated = (table["truth"] == "generated").to_numpy()
    words: list[set[str]] = []
    for row in table.itertuples():
        stem = str(row.file).removeprefix("images/").rpartition(".")[0] or str(row.file)
        names = (str(row.stimulus_id), stem)
        source = str(row.source).partition(":")[2].casefold()
        if len(source) > 3 and any(source in name.casefold() for name in names):
            return Finding("names", "wrong", f"{row.stimulus_id}, {row.file}: holds its source; name all images alike")
        words.append({word for name in names for word in re.findall("[a-z]+", name.casefold())})
    for word in sorted(set().union(*words)):
        has = np.array([word in own for own in words])
        counts = int(has[generated].sum()), int(has[~generated].sum())
        tells = word in _TELLING and not has.all()
        if tells or (min(counts) == 0 and max(counts) >= _ONLY_IN_ONE):
            return Finding(
                "names",
                "wrong",
                f"{word!r} is in names of {counts[0]} generated and {counts[1]} real images; name all alike",
            )
    return Finding("names", "ok", "neither ids nor file names say what an image is")


def _order(generated: Flags) -> Finding:
    place = np.arange(generated.size, dtype=np.float64)
    found = _ranked(
        "order", generated, place, "wrong", "real and generated images are not mixed in the table",
        "real and generated images follow each other at random",
    )  # fmt: skip
    p = runs_p(generated)
    if found.outcome == "ok" and p < FALSE_ALARM:
        changes = int((generated[1:] != generated[:-1]).sum())
        return Finding("order", "wrong", f"{changes} changes of truth from row to row, not a random number (p {p:.1g})")
    return found


def runs_p(flags: Flags) -> float:
    """Two-sided p of the number of runs (Wald & Wolfowitz 1940), by its normal approximation; 1 with fewer than 10."""
    n, ones = flags.size, int(flags.sum())
    zeros = n - ones
    if n < 10 or not ones or not zeros:
        return 1.0
    runs = 1 + int((flags[1:] != flags[:-1]).sum())
    mean = 1 + 2 * ones * zeros / n
    variance = (mean - 1) * (mean - 2) / (n - 1)
    return float(2 * norm.sf((abs(runs - mean) - 0.5) / np.sqrt(variance))) if variance > 0 else 1.0


def _encoding(stimuli: StimulusSet, generated: Flags) -> Iterator[Finding]:
    """Kinds of file, and how coarse the stored greys are."""
    kinds: dict[bool, set[str]] = {True: set(), False: set()}
    texts: set[str] = set()
    coarse = np.zeros(generated.size)
    for place, (row, flag) in enumerate(zip(stimuli.table.to_dict("records"), generated, strict=True)):
        path = stimuli.folder / row["file"]
        content = verified(stimuli.folder, row)
        kind, extra = _kind(path, content)
        kinds[bool(flag)].add(kind)
        texts |= extra
        image = formats.read(path, content)
        coarse[place] = _coarseness(image.pixels, image.bit_depth)
    if all(kinds.values()) and kinds[True] != kinds[False]:
        each = [", or ".join(sorted(kinds[flag])) for flag in (False, True)]
        yield Finding(
            "encoding", "wrong", f"real images are {each[0]}; generated ones {each[1]}: write all images alike"
        )
    elif texts:
        words = f"all alike, but files carry {', '.join(sorted(texts))}; see that it says nothing of the images"
        yield Finding("encoding", "note", words)
    else:
        yield Finding("encoding", "ok", f"all alike: {'; '.join(sorted(kinds[True] | kinds[False]))}")
    yield _steps(generated, coarse)


def _steps(generated: Flags, coarse: Floats) -> Finding:
    """Whether the stored greys of one kind are coarser: it takes more than a rank, as contrasts differ."""
    medians = [float(np.median(coarse[generated == flag])) if (generated == flag).any() else 0 for flag in (0, 1)]
    _, p = ranked(generated, coarse)
    if p >= FALSE_ALARM or abs(medians[1] - medians[0]) < _COARSER:
        return Finding("grey steps", "ok", "the stored greys are equally fine")
    side = "generated" if medians[1] > medians[0] else "real"
    words = f"the greys of {side} images are coarser, as after stretching their contrast or from fewer bits"
    return Finding("grey steps", "wrong", f"{words} (p {p:.1g}); bring both kinds to their greys in the same way")


def _kind(path: Path, content: bytes) -> tuple[str, set[str]]:
    """How a file is encoded, and which parts of it are not the image."""
    rows, columns = formats.size_px(path, content)
    if not content.startswith(_PNG):
        return f"{path.suffix.lower().removeprefix('.') or 'no suffix'}, {columns} x {rows} px", set()
    extra, at = set(), len(_PNG)
    while at + 8 <= len(content):
        name = content[at + 4 : at + 8].decode("latin-1")
        extra |= {name} - _NEEDED
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    depth, colour, interlaced = content[24], content[25], content[28]
    words = f"PNG, {columns} x {rows} px, {depth} bits" + ("" if colour == 0 else f", colour type {colour}")
    words += ", interlaced" if interlaced else ""
    words += f", with {', '.join(sorted(extra))}" if extra else ""
    return words, {f"PNG chunks {', '.join(sorted(extra))}"} if extra else set()


def _coarseness(pixels: Pixels, bits: int) -> float:
    """How much coarser greys are than they need be, from 0 to 1; black and white do not count.

    In up to 8 bits, the share of levels between the 5th and the 95th percentile that are empty although, by the levels
    around them, they would have pixels; in more bits, the share of pixels whose level an image of 8 bits could have.
    """
    if bits > 8:
        levels = quantise(pixels, 16)
        inner = levels[(levels > 0) & (levels < 65535)]
        return float((inner % _STEPS_OF_8_BITS == 0).mean()) if inner.size else 0.0
    counts = np.bincount(quantise(pixels, 8).reshape(-1), minlength=256)[1:-1].astype(np.float64)
    share = np.cumsum(counts) / max(counts.sum(), 1)
    middle = (share >= 0.05) & (share <= 0.95)
    if not middle.any():
        return 0.0
    by_chance = np.exp(-uniform_filter1d(counts, _AROUND_LEVELS))[middle]
    return float(max(0.0, (counts[middle] == 0).mean() - by_chance.mean()))


def _ranked(check: str, generated: Flags, values: Floats, outcome: Outcome, words: str, otherwise: str) -> Finding:
    """Whether a value ranks real and generated images apart (Mann–Whitney)."""
    auc, p = ranked(generated, values)
    if p >= FALSE_ALARM:
        return Finding(check, "ok", otherwise)
    return Finding(check, outcome, f"{words} (AUC {auc:.2f}, p {p:.1g})")


def ranked(generated: Flags, values: Floats) -> tuple[float, float]:
    """The area under the ROC curve of a value for generated against real images, and its p; p is 1 if undefined."""
    one, other = values[generated], values[~generated]
    if not one.size or not other.size or np.ptp(values) == 0:
        return 0.5, 1.0
    test: Callable[..., tuple[float, float]] = mannwhitneyu
    statistic, p = test(one, other, alternative="two-sided")
    return float(statistic) / (one.size * other.size), float(p)

"""Building a stimulus set: what participants see, and the manifest that says what each image is.

Real and generated images go through the same function (`finish`): resampling, quantising, encoding. Ids are
assigned after shuffling, so neither a file's name nor its position gives the truth away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import sha256 as hash_bytes
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import new_folder, sha256, write_json, write_table
from data.trials import TRUTHS
from stimuli.grey_levels import measure_grey_levels
from stimuli.images import KERNEL, Pixels, as_stored, quantise, read_image, resample, write_png
from stimuli.sets.matching import Match, match_images
from stimuli.sets.stored import COLUMNS, FACTOR_COLUMNS, FORMAT, LEVEL, StimulusSet, read_set

_REMEDIES = {
    "real": "cut patches of more patients, or with a larger share of them for studies (patches --split)",
    "generated": "use another model",
}
_PATIENCE = 1000  # candidates rejected in a row before giving up on a source
MAX_PX = 4096
_FLAT_SD = 0.005  # in P-values; an image with less variation shows nothing


@dataclass(frozen=True)
class Candidate:
    """An image offered to a stimulus set.

    Attributes
    ----------
    pixels : array of float32, shape (rows, columns)
        P-values in [0, 1].
    source : str
        Where it came from: `patch:<patch_id>`, `seed:<n>`, `composed:<image>` or `classic:<n>@<contrast>#<patch_id>`.
    patient : str
        The keyed code of a real image's patient; of a composed image's patients, with + between;
        of the patient whose tissue is behind a classic image; empty for seeds'.
    loop_position_deg : float, optional
        Its position on a morph loop.
    objection : str
        Why it must not be shown; it is then counted and rejected. Empty if it may be shown.
    texture, shape : str
        The lesions that gave a composed image its texture and its shape; empty for others.
    level : float, optional
        How visible a known fake is, in any unit, above 0.

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> stimuli.Candidate(np.zeros((64, 64), np.float32), "seed:7").objection
    ''
    """

    pixels: Pixels
    source: str
    patient: str = ""
    loop_position_deg: float | None = None
    objection: str = ""
    texture: str = ""
    shape: str = ""
    level: float | None = None


@dataclass(frozen=True)
class Layout:
    """What a stimulus set holds.

    Attributes
    ----------
    main, practice : int, even
        Images in main and in practice trials, half real and half generated.
    catch : int
        Known fakes for catch trials.
    size_px : int, 1 to 4096, optional
        Side of the images on disk; None leaves them as they come.
    bits : {8, 16}
        Bits per pixel.
    seed : int
        Of the order in which ids are assigned.
    graded : int
        Generated images in main trials if they are known fakes of graded visibility, from which an adaptive session
        chooses; 0 for as many as real ones.

    Examples
    --------
    >>> import stimuli
    >>> stimuli.Layout(main=100, practice=8, catch=10).bits
    8
    """

    main: int = 100
    practice: int = 0
    catch: int = 0
    size_px: int | None = None
    bits: int = 8
    seed: int = 0
    graded: int = 0

    def __post_init__(self) -> None:
        for name in ("main", "practice"):
            if getattr(self, name) % 2 or getattr(self, name) < 0:
                raise LookalikeError(
                    "out-of-range",
                    f"{name} is {getattr(self, name)}; half are real, so it must be even and at least 0",
                )
        for name in ("catch", "graded"):
            if getattr(self, name) < 0:
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be at least 0")
        if self.bits not in (8, 16):
            raise LookalikeError("unknown-choice", f"bits is {self.bits}; a PNG holds 8 or 16")
        if self.size_px is not None and not 1 <= self.size_px <= MAX_PX:
            raise LookalikeError("out-of-range", f"size is {self.size_px} px; it must be from 1 to {MAX_PX}")
        if self.main == 0:
            raise LookalikeError("out-of-range", "main is 0; a set needs at least 2 images to judge")


@dataclass(frozen=True)
class Chosen:
    """A candidate that was taken: its finished pixels, and its truth and role."""

    candidate: Candidate
    pixels: Pixels
    truth: str
    role: str


@dataclass(frozen=True)
class Choice:
    """The images of a set before they are written, how many were rejected of each truth and why, and how matched."""

    images: tuple[Chosen, ...]
    rejected: dict[str, dict[str, int]]
    match: dict[str, Any] | None = None


def build_set(
    out: Path | str,
    real: Iterable[Candidate],
    generated: Iterable[Candidate],
    layout: Layout,
    provenance: dict[str, Any],
    catch: Iterable[Candidate] = (),
    match: Match | None = None,
) -> StimulusSet:
    """Fill a new folder with a stimulus set and its manifest.

    Candidates are taken in order, without selection. One that is flat, identical to an earlier one, not finite, or
    offered with an objection is rejected; `stimuli.json` counts the reasons for each truth.

    Parameters
    ----------
    out : path
        A folder that does not exist yet, or is empty.
    real, generated : iterable of Candidate
        The images to choose from; only as many are drawn as are needed.
    layout : Layout
        How many images of which role.
    provenance : dict
        Added to `stimuli.json`: hashes, seeds, versions.
    catch : iterable of Candidate
        Known fakes for catch trials.
    match : {"grey-levels", "spectrum"}, optional
        Gives all images, real and generated alike, the mean grey-level histogram or the mean rotationally averaged
        amplitude spectrum of the set (`stimuli.match_images`).

    Returns
    -------
    StimulusSet
        The set on disk, as `read_set` returns it.

    Raises
    ------
    LookalikeError
        If `out` is occupied, there are too few candidates, or their sizes differ.

    References
    ----------
    Willenbockel et al. 2010, Behav. Res. Methods 42:671 (matching).

    Examples
    --------
    >>> import numpy as np, stimuli
    >>> noise = np.random.default_rng(0).random((4, 16, 16), dtype=np.float32)
    >>> real = [stimuli.Candidate(image, f"patch:{n}") for n, image in enumerate(noise[:2])]
    >>> generated = [stimuli.Candidate(image, f"seed:{n}") for n, image in enumerate(noise[2:])]
    >>> made = stimuli.build_set("set", real, generated, stimuli.Layout(main=4), provenance={})
    >>> made.table["truth"].value_counts().to_dict()
    {'generated': 2, 'real': 2}
    """
    choice = choose(real, generated, layout, catch)
    if match is not None:
        choice = matched(choice, match)
    return write_set(out, choice, layout, provenance)


def choose(
    real: Iterable[Candidate], generated: Iterable[Candidate], layout: Layout, catch: Iterable[Candidate] = ()
) -> Choice:
    """The images of a set, finished but not written; for the parameters and what is refused, see `build_set`."""
    rejected: dict[str, Counter[str]] = {truth: Counter() for truth in TRUTHS}
    seen: set[str] = set()
    sizes: set[tuple[int, ...]] = set()
    chosen: list[Chosen] = []
    offers: list[tuple[str, Iterable[Candidate], list[str]]] = [
        ("real", real, _roles(layout, layout.main // 2)),
        ("generated", generated, _roles(layout, layout.graded or layout.main // 2)),
        ("generated", catch, ["catch"] * layout.catch),
    ]
    for truth, candidates, roles in offers:
        counter = rejected[truth]
        taken = list(_take(candidates, len(roles), layout, seen, counter, sizes))
        if len(taken) < len(roles):
            excluded = f" ({sum(counter.values())} rejected)" if counter else ""
            raise LookalikeError(
                "set-too-small",
                f"{len(roles)} {truth} images are needed for {' and '.join(sorted(set(roles)))} trials but only "
                f"{len(taken)} are available{excluded}; {_REMEDIES[truth]}, or ask for fewer (--main, --trials, "
                "--practice)",
            )
        chosen += [Chosen(*pair, truth, role) for pair, role in zip(taken, roles, strict=True)]
    if len(sizes) > 1:
        found = ", ".join(f"{columns} x {rows}" for rows, columns in sorted(sizes))
        raise LookalikeError(
            "wrong-size",
            f"real and generated images come in different sizes ({found}), so their detail would give the truth "
            "away; cut patches of the model's size",
        )
    return Choice(tuple(chosen), {truth: dict(sorted(reasons.items())) for truth, reasons in rejected.items()})


def matched(choice: Choice, match: Match) -> Choice:
    """The same images, matched to their mean; catch images are matched too, but do not count in the mean."""
    stack = np.stack([one.pixels for one in choice.images])
    reference = np.array([one.role != "catch" for one in choice.images])
    pixels, about = match_images(stack, match, reference)
    images = tuple(replace(one, pixels=image) for one, image in zip(choice.images, pixels, strict=True))
    return Choice(images, choice.rejected, about)


def in_order(choice: Choice, layout: Layout) -> list[Chosen]:
    """The images in the order of the set, which the layout's seed gives."""
    order = np.random.default_rng(layout.seed).permutation(len(choice.images))
    return [choice.images[int(index)] for index in order]


def write_set(out: Path | str, choice: Choice, layout: Layout, provenance: dict[str, Any]) -> StimulusSet:
    """Write chosen images into a new folder, in random order, with their manifest."""
    chosen = in_order(choice, layout)
    with new_folder(Path(out)) as folder:
        (folder / "images").mkdir()
        rows = [_write(folder, f"s{n:04d}", one, layout.bits) for n, one in enumerate(chosen, start=1)]
        table = pd.DataFrame(rows, columns=[*COLUMNS, *FACTOR_COLUMNS, LEVEL])
        for names in (list(FACTOR_COLUMNS), [LEVEL]):
            if table[names].isna().all(axis=None):
                table = table.drop(columns=names)
        write_table(folder / "stimuli.csv", table)
        write_json(
            folder / "stimuli.json",
            {
                "format": FORMAT,
                "layout": asdict(layout),
                "kernel": KERNEL,
                "rejected": choice.rejected,
                **({} if choice.match is None else {"match": choice.match}),
                **provenance,
            },
        )
    return read_set(out)


def _roles(layout: Layout, main: int) -> list[str]:
    return ["main"] * main + ["practice"] * (layout.practice // 2)


def _take(
    candidates: Iterable[Candidate],
    wanted: int,
    layout: Layout,
    seen: set[str],
    rejected: Counter[str],
    sizes: set[tuple[int, ...]],
) -> Iterator[tuple[Candidate, Pixels]]:
    """The first `wanted` acceptable candidates; gives up on a source after `_PATIENCE` rejections in a row."""
    count = in_a_row = 0
    for candidate in candidates if wanted else ():
        pixels = finish(candidate.pixels, layout)
        reason, fingerprint = _objection(pixels, layout, seen)
        reason = candidate.objection or reason
        if reason:
            rejected[reason] += 1
            in_a_row += 1
            if in_a_row == _PATIENCE:
                return
            continue
        seen.add(fingerprint)
        sizes.add(candidate.pixels.shape)
        yield candidate, pixels
        in_a_row = 0
        count += 1
        if count == wanted:
            return


def _objection(pixels: Pixels, layout: Layout, seen: set[str]) -> tuple[str, str]:
    """Why a finished image is rejected (empty if it is not), and its fingerprint."""
    if not np.isfinite(pixels).all():
        return "not a number in some pixels", ""
    fingerprint = hash_bytes(quantise(pixels, layout.bits).tobytes()).hexdigest()
    if why := flatness(pixels):
        return why, fingerprint
    return ("identical to an earlier image" if fingerprint in seen else ""), fingerprint


def flatness(pixels: Pixels) -> str:
    """Why a finished image that shows nothing is rejected; empty if it shows something."""
    return f"flat (SD of P-values below {_FLAT_SD:g})" if measure_grey_levels(pixels).sd < _FLAT_SD else ""


def finish(pixels: Pixels, layout: Layout) -> Pixels:
    """From pixels to stimulus, in the same way for real and generated images."""
    stored = as_stored(pixels)
    return stored if layout.size_px is None else resample(stored, (layout.size_px, layout.size_px))


def _write(folder: Path, stimulus_id: str, chosen: Chosen, bits: int) -> dict[str, Any]:
    file = f"images/{stimulus_id}.png"
    write_png(folder / file, chosen.pixels, bits)
    # Of the image as it will be shown, after quantising.
    levels = {
        name: round(value, 6) for name, value in asdict(measure_grey_levels(read_image(folder / file).pixels)).items()
    }
    return {
        "stimulus_id": stimulus_id,
        "file": file,
        "truth": chosen.truth,
        "role": chosen.role,
        "source": chosen.candidate.source,
        "patient": chosen.candidate.patient or None,
        "loop_position_deg": chosen.candidate.loop_position_deg,
        **levels,
        "sha256": sha256(folder / file),
        "texture": chosen.candidate.texture or None,
        "shape": chosen.candidate.shape or None,
        "level": chosen.candidate.level,
    }

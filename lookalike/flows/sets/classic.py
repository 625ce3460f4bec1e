"""From a patch set to classic stimuli: a loop, or a set with real patches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError
from data.files import new_folder, write_table
from data.loops import Loop
from data.shipped import VERSION
from stimuli.classic.candidates import classic_candidates, graded_candidates
from stimuli.classic.loop import ClassicLoop, make_classic_loop
from stimuli.classic.rendering import Look
from stimuli.classic.tissue import Tissue, no_tissue, tissues
from stimuli.patches import PatchSet, read_patches
from stimuli.sets import Candidate, Layout, StimulusSet, build_set

BEHIND = "its patient's tissue is behind classic images"  # why a real patch is not shown


def classic_loop(out: Path, folder: Path, settings: ClassicLoop, size_px: int | None, lesion_free: bool) -> Loop:
    """Write a loop of classic stimuli on the tissue of a study patient.

    Raises `LookalikeError` for what is wrong with the patches or the request.
    """
    patches = read_patches(folder)
    lesion_free = lesion_free or "normal" in patches.about
    about = {"patches_sha256": patches.sha256, "lesion_free": lesion_free, "credit": patches.about["credit"]}
    return make_classic_loop(out, _backgrounds(patches, settings.seed, lesion_free, size_px), settings, about)


def classic_family(
    out: Path,
    folder: Path,
    settings: ClassicLoop,
    count: int,
    size_px: int | None,
    lesion_free: bool,
    advance: Callable[..., None] = lambda *_: None,
) -> pd.DataFrame:
    """Write a folder of loops, `loop-01` and so on, each of other shapes on the tissue of another study patient.

    Their shapes have consecutive seeds, so the first loop is the one that `classic_loop` makes. Returns the table of
    `loops.csv`: loop, seed, tissue, patient, step and evenness. Raises `LookalikeError` as that does, and if there are
    fewer patients than loops.
    """
    if count < 1:
        raise LookalikeError("out-of-range", f"--count is {count}; ask for 1 loop or more")
    patches = read_patches(folder)
    lesion_free = lesion_free or "normal" in patches.about
    about = {"patches_sha256": patches.sha256, "lesion_free": lesion_free, "credit": patches.about["credit"]}
    left = list(_backgrounds(patches, settings.seed, lesion_free, size_px))
    rows: list[dict[str, Any]] = []
    with new_folder(out) as partial:
        for number in range(count):
            name, one = f"loop-{number + 1:02d}", replace(settings, seed=settings.seed + number)
            if rows and not left:
                raise LookalikeError(
                    "set-too-small",
                    f"{folder}: {count} loops need tissue of as many study patients, and only {len(rows)} have some; "
                    "ask for fewer with --count, or give more patches",
                )
            loop = make_classic_loop(partial / name, left, one, about)
            (patient,) = loop.patients[0]
            left = [tissue for tissue in left if tissue.patient != patient]
            rows.append(
                {"loop": name, "seed": one.seed, "tissue": loop.measures["tissue"], "patient": patient,
                 "step": round(loop.frames[0].step, 6), "evenness": loop.evenness}
            )  # fmt: skip
            advance()
        table = pd.DataFrame(rows)
        write_table(partial / "loops.csv", table)
    return table


def _backgrounds(patches: PatchSet, seed: int, lesion_free: bool, size_px: int | None) -> Iterator[Tissue]:
    """The tissue of study patches in a random order."""
    rows = patches.select("study")
    order = np.random.default_rng(seed).permutation(len(rows))
    return tissues(patches, rows.iloc[order], lesion_free, size_px)


def classic_set(
    out: Path,
    folder: Path,
    look: Look,
    layout: Layout,
    backgrounds: Path | None = None,
    contrasts: Sequence[float] = (),
) -> StimulusSet:
    """Write a stimulus set of real patches and classic images, of different study patients.

    The tissue is that of the same patches or, if given, of another set's, such as one of normal tissue. With
    `contrasts` the images are known fakes of these levels of visibility, as many of each (`Layout.graded`).

    Raises `LookalikeError` for what is wrong with the patches or the request.
    """
    patches = read_patches(folder)
    if "normal" in patches.about:
        raise LookalikeError(
            "no-lesion-box",
            f"{folder}: was cut with --normal and shows no lesions, and real images of a set have them; give it as "
            "--backgrounds, and patches of lesions as --patches",
        )
    tissue = patches if backgrounds is None else _fitting(read_patches(backgrounds), patches)
    behind = reserve(tissue, layout.graded or (layout.main + layout.practice) // 2, layout.seed)
    real = study_patches(patches, layout.seed, {one.patient: BEHIND for one in behind})
    provenance = {
        "lookalike_version": VERSION,
        "patches_sha256": patches.sha256,
        "classic": asdict(look),
        **({"levels": list(contrasts)} if contrasts else {}),
        **({} if backgrounds is None else {"backgrounds_sha256": tissue.sha256}),
        "crops_per_lesion": patches.about["crops_per_box"],
        "credit": [patches.about["credit"]] if patches.about["credit"] else [],
    }
    if contrasts:
        fakes = graded_candidates(behind, look, contrasts, layout.graded // len(contrasts), layout.seed)
    else:
        fakes = classic_candidates(behind, look, seed=layout.seed)
    return build_set(out, real, fakes, layout, provenance)


def _fitting(backgrounds: PatchSet, patches: PatchSet) -> PatchSet:
    """Backgrounds for a set. Raises `LookalikeError` if they differ from its patches in more than what they show."""
    cures = {
        "key_fingerprint": "with the same --key, so that patients can be told apart",
        "size_px": f"with --size {patches.about['size_px']}",
        "context": f"with --context {patches.about.get('context')}",
        "split": "with the same --split",
    }
    for name, cure in cures.items():
        if backgrounds.about.get(name) != patches.about.get(name):
            raise LookalikeError(
                "backgrounds-differ",
                f"{backgrounds.folder}: has another {name.replace('_', ' ')} than {patches.folder}; cut it {cure}",
            )
    return backgrounds


def study_patches(patches: PatchSet, seed: int, unseen: Mapping[str, str]) -> Iterator[Candidate]:
    """The study patients' patches, in a random order; `unseen` says of some patients why they must not be shown."""
    rows = patches.select("study")
    for index in np.random.default_rng(seed).permutation(len(rows)):
        row = rows.iloc[int(index)]
        objection = unseen.get(row.patient, "")
        yield Candidate(patches.read(row), f"patch:{row.patch_id}", row.patient, objection=objection)


def reserve(patches: PatchSet, wanted: int, seed: int) -> list[Tissue]:
    """The tissue of study patients chosen at random, whose own patches are then not to be shown.

    Patients are added until there are `wanted` backgrounds, or half of the patients are taken.

    Raises `LookalikeError` if there is none, or a patch does not state where its lesion is.
    """
    rows = patches.select("study")
    patients = np.random.default_rng(seed).permutation(rows["patient"].unique())
    found: list[Tissue] = []
    for patient in patients[: len(patients) // 2]:
        if len(found) >= wanted:
            break
        found += tissues(patches, rows[rows["patient"] == patient], lesion_free=False)
    if wanted and not found:
        raise no_tissue(str(patches.folder))
    return found

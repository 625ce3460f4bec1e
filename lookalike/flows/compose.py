"""From the words of `lookalike compose` to pairs of lesions, and to a folder of composed images."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import LookalikeError, check_choice
from data.files import refuse_occupied
from gan.checkpoint import load_model
from gan.composition.certificate import COMPOSED, Judge, certify, passes, reached
from gan.composition.compose import Composition, Pair, compose, name_of, patients_of
from gan.composition.judge import describe, real_images, train_classifier
from gan.composition.outlines import ellipse, region_at
from gan.composition.parts import Part, check_parts
from gan.composition.result import save_composed
from gan.inversion.encoder_file import load_encoder
from gan.inversion.result import read_inverted
from gan.inversion.settings import InversionSettings
from gan.networks.features import load_vgg16
from lookalike.console import numbers, progress, say
from stimuli.images import Pixels, read_image
from stimuli.masks import Box, read_mask
from stimuli.patches import SPLITS, PatchSet, read_patches

_MASK_WORDS = "a mask file, box, box=LEFT+TOP+WIDTH+HEIGHT or click=COLUMN+ROW"


@dataclass(frozen=True)
class Request:
    """What is composed with what: see the options of `lookalike compose`."""

    textures: str | None
    templates: str | None
    patches: Path | None
    model: Path
    encoder: Path | None = None
    grid: bool = False
    count: int | None = None
    split: str = "study"
    seed: int = 0
    inverted: Path | None = None
    vgg16: str | None = None


def compose_lesions(request: Request, out: Path, settings: InversionSettings) -> tuple[Composition, pd.DataFrame]:
    """Compose images into the new folder `out`; returns them with their certificate.

    Raises `LookalikeError` for what is wrong with the lesions, the model, the encoder or the request.
    """
    refuse_occupied(out)  # before the long work
    model = load_model(request.model)
    encoder = load_encoder(request.encoder or request.model, model)
    patches = None if request.patches is None else read_patches(request.patches)
    pairs = pairs_of(request, patches)
    check_parts([part for pair in pairs for part in pair], model.generator.architecture.resolution)
    features = load_vgg16(request.vgg16, say)
    judge = None if patches is None else _judge(request, patches, pairs, model)
    with progress("images", len(pairs)) as advance:
        made = compose(model, encoder, features, pairs, settings, advance)
    certificate = certify(made, features, judge)
    save_composed(out, made, certificate, model, encoder, _about(patches, judge))
    return made, certificate


def pairs_of(request: Request, patches: PatchSet | None) -> list[Pair]:
    """Texture and template of each image: named ones in pairs or crossed, or drawn from a split of the patches.

    Raises `LookalikeError` if names and numbers do not make pairs, or two images would have one name.
    """
    if request.count is not None:
        pairs = _drawn(request, patches)
    else:
        if not (request.textures and request.templates):
            raise LookalikeError(
                "missing-option", "give --texture and --template, or --patches and --count for pairs drawn at random"
            )
        textures, templates = (
            [_part(word.strip(), patches) for word in words.split(",")]
            for words in (request.textures, request.templates)
        )
        if not request.grid and len(textures) != len(templates):
            raise LookalikeError(
                "unequal-lists",
                f"{len(textures)} textures and {len(templates)} templates do not make pairs; give as many of each, or "
                "--grid to cross them",
            )
        pairs = list(itertools.product(textures, templates) if request.grid else zip(textures, templates, strict=True))
    names = [name_of(pair) for pair in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise LookalikeError("same-name", f"two images would be called {twice}; name each pair once, and files apart")
    return pairs


def _drawn(request: Request, patches: PatchSet | None) -> list[Pair]:
    """Pairs of lesions of two patients each, at random, no lesion twice in the same role."""
    if request.textures or request.templates or request.grid:
        raise LookalikeError("conflicting-options", "--count draws pairs; leave out --texture, --template and --grid")
    if patches is None:
        raise LookalikeError("missing-option", "--count draws pairs from a patch set; name it with --patches")
    check_choice(request.split, SPLITS, "--split")
    rows = patches.select(request.split)
    rows = rows[rows["mask_file"].notna()] if "mask_file" in rows else rows.iloc[:0]
    rng = np.random.default_rng(request.seed)
    patients = rows["patient"].to_numpy()
    pairs = [
        (one, other)
        for one, other in zip(rng.permutation(len(rows)), rng.permutation(len(rows)), strict=True)
        if patients[one] != patients[other]
    ]
    if len(pairs) < (request.count or 0):
        raise LookalikeError(
            "too-few-images",
            f"{patches.folder}: {len(rows)} {request.split} patches with masks make {len(pairs)} pairs of two "
            "patients; ask for fewer, or cut patches with --masks",
        )
    listed = list(rows.itertuples())
    return [
        (_patch(listed[one], patches, ""), _patch(listed[other], patches, "")) for one, other in pairs[: request.count]
    ]


def _part(word: str, patches: PatchSet | None) -> Part:
    """A lesion from `NAME`, `SPLIT:NUMBER` or `FILE`, with `@` and what outlines it, if that is not the set's mask."""
    name, _, outline = word.partition("@")
    if patches is not None:
        row = _row(name, patches)
        if row is not None:
            return _patch(row, patches, outline)
    path = Path(name)
    if not path.is_file():
        where = "no patch of --patches, and " if patches is not None else "without --patches, it must be a file: "
        raise LookalikeError("no-such-file", f"{name}: {where}no such file; name a patch, SPLIT:NUMBER or an image")
    if not outline:
        raise LookalikeError("missing-mask", f"{name}: where is its lesion? Add @ and {_MASK_WORDS}")
    if outline == "box":
        raise LookalikeError(
            "missing-mask", f"{name}: its box is unknown; write {name}@box=LEFT+TOP+WIDTH+HEIGHT, in px"
        )
    image = read_image(path).pixels
    return Part(path.stem, image, _outline(word, image, outline, None), None, f"{path.name}, outline {_shown(outline)}")


def _row(name: str, patches: PatchSet) -> Any:
    split, colon, number = name.partition(":")
    if colon and split in SPLITS:
        rows = patches.select(split)
        if not (number.isdecimal() and 1 <= int(number) <= len(rows)):
            raise LookalikeError(
                "no-such-patch",
                f"{name}: {patches.folder} has {len(rows)} {split} patches; write {split}:1 to {split}:{len(rows)}",
            )
        rows = rows.iloc[[int(number) - 1]]
    else:
        rows = patches.table[patches.table["patch_id"] == name]
    return next(iter(rows.itertuples()), None)


def _patch(row: Any, patches: PatchSet, outline: str) -> Part:
    image = patches.read(row)
    mask = _outline(str(row.patch_id), image, outline, _box_of(row, len(image))) if outline else patches.mask(row)
    if mask is None:
        raise LookalikeError(
            "missing-mask", f"{row.patch_id}: the set has no mask of it; add @ and {_MASK_WORDS}, as {row.patch_id}@box"
        )
    source = f"patch {row.patch_id} ({row.split}), outline {_shown(outline) if outline else 'of the patch set'}"
    return Part(str(row.patch_id), image, mask, str(row.patient), source)


def _box_of(row: Any, size_px: int) -> Box | None:
    """The lesion's box in the pixels of its patch, cut to the patch; None where it is unknown."""
    values = (row.lesion_x, row.lesion_y, row.lesion_width, row.lesion_height)
    if any(pd.isna(value) for value in values):
        return None
    x, y, width, height = (float(value) for value in values)
    across, down = size_px / row.crop_width, size_px / row.crop_height
    left, top = max((x - row.crop_x) * across, 0.0), max((y - row.crop_y) * down, 0.0)
    right = min((x + width - row.crop_x) * across, float(size_px))
    bottom = min((y + height - row.crop_y) * down, float(size_px))
    return left, top, right - left, bottom - top


def _outline(name: str, image: Pixels, outline: str, box: Box | None) -> Pixels:
    kind, _, values = outline.partition("=")
    if kind == "box":
        if not values:
            if box is None:
                raise LookalikeError(
                    "missing-mask", f"{name}: its box is unknown; write @box=LEFT+TOP+WIDTH+HEIGHT, in px"
                )
            return ellipse(box, len(image))
        left, top, width, height = _numbers(values, 4, name)
        return ellipse((left, top, width, height), len(image))
    if kind == "click" and values:
        column, row = _numbers(values, 2, name)
        return region_at(image, round(row), round(column))
    return read_mask(Path(outline), (image.shape[0], image.shape[1]))


def _numbers(text: str, count: int, name: str) -> list[float]:
    found = numbers(text.replace("+", ","), name)
    if len(found) != count:
        raise LookalikeError(
            "not-a-number", f"{name}: {text!r} is not {count} numbers with + between; the outline is {_MASK_WORDS}"
        )
    return found


def _shown(outline: str) -> str:
    """An outline without the folders of its file."""
    return outline if outline.partition("=")[0] in ("box", "click") else Path(outline).name


def _judge(request: Request, patches: PatchSet, pairs: list[Pair], model: Any) -> Judge | None:
    """Real images and a classifier of reconstructions, without the patients of the pairs; None if patients are few."""
    own = {patient for pair in pairs for patient in patients_of(pair)}
    described = describe(patches.read_all(patches.table))
    patients = patches.table["patient"].to_numpy(dtype=str)
    try:
        real = real_images(described, patients, own)
        classifier = None
        if request.inverted is not None:
            inverted = read_inverted(request.inverted, model)
            place = pd.Index(patches.table["patch_id"]).get_indexer(inverted.table["patch_id"])
            if (place < 0).any():
                raise LookalikeError(
                    "other-patches",
                    f"{request.inverted}: has patches that {patches.folder} lacks; invert those of this set",
                )
            made = describe(
                np.stack([read_image(inverted.folder / str(file)).pixels for file in inverted.table["file"]])
            )
            classifier = train_classifier(described[place], made, patients[place], own)
    except LookalikeError as error:
        if error.code != "set-too-small":
            raise
        say(f"not judged beside real images: {error}")
        return None
    return Judge(real, classifier)


def _about(patches: PatchSet | None, judge: Judge | None) -> dict[str, Any]:
    about: dict[str, Any] = {}
    if patches is not None:
        about |= {"patches_sha256": patches.sha256} | {
            name: patches.about[name] for name in ("key_fingerprint", "context", "credit")
        }
    if judge is not None and judge.classifier is not None:
        about["classifier_auc"] = judge.classifier.auc
    return about


def summary(certificate: pd.DataFrame) -> pd.DataFrame:
    """By method, in the order of Figure 4: medians of the measures, and the shares picked out and reaching all bars."""
    table = certificate.drop(columns="image").assign(reach_all_bars=passes(certificate))
    parts, flags = table.groupby("method", sort=False), list(table.select_dtypes(bool).columns)
    measures = [name for name in table if name not in ("method", *flags)]
    return parts[measures].median().join(parts[flags].mean())


def passed(certificate: pd.DataFrame) -> int:
    """How many composed images reach all bars."""
    return int(passes(certificate[certificate["method"] == COMPOSED]).sum())


def missed(certificate: pd.DataFrame) -> dict[str, int]:
    """How many composed images miss each bar that any of them misses."""
    counts = (~reached(certificate[certificate["method"] == COMPOSED])).sum()
    return {str(name): int(count) for name, count in counts.items() if count}

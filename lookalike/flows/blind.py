"""Blind sheets: real and generated images in random order, judged by whoever made the model before the key is opened.

A naive eye learns what gives generated images away once it is told which they were, so the second round of sheets, of
other images, is harder to pass than the first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image as Pillow
from PIL import ImageDraw

from analysis.roc.roc import roc_auc
from analysis.sdt.yesno import dprime_from_responses
from data.errors import LookalikeError
from data.files import new_folder, read_json, read_table, refuse_occupied, sha256, write_json, write_table
from data.shipped import VERSION
from gan.checkpoint import load_model
from gan.evaluation.samples import real_rows
from gan.generate import images_from_seeds
from lookalike.flows.sets.patient_overlap import refuse_overlap
from stimuli.images import Pixels, quantise, resample
from stimuli.patches import read_patches

FORMAT = "lookalike-blind/1"
ANSWERS, KEY = "answers.csv", "key.csv"
SHOWN_PX = 256  # the side of each image, as in a session's default display of 64 px patches
_A_SHEET, _COLUMNS, _LABEL_PX = 32, 8, 20
_MOST_CONFIDENT = 4
_NAMED = 8  # images, as the surest mistakes and hits


@dataclass(frozen=True)
class BlindRequest:
    """`each` real and as many generated images, at one truncation (None: the model's own), drawn with a seed.

    Consecutive seeds draw different patches, as long as the split has enough.
    """

    patches: Path
    each: int = 64
    truncation: float | None = None
    split: str = "study"
    seed: int = 0
    disjoint_patients: bool = False


@dataclass(frozen=True)
class BlindScore:
    """What judgements were worth: shares and areas of 1; the interval is of 95 %, None where it is not defined."""

    judged: int
    correct: float
    generated_called_generated: float
    real_called_generated: float
    dprime: float
    auc: float
    auc_low: float | None
    auc_high: float | None
    surest_mistakes: tuple[str, ...]
    surest_hits: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def write_blind_sheets(folder: Path, out: Path, request: BlindRequest) -> Path:
    """Write numbered sheets, `answers.csv` to fill in, and the key in a folder of its own, `OUT-key`.

    Images are resampled and rounded as those of a stimulus set. Returns the key's folder.

    Raises
    ------
    LookalikeError
        If a folder is occupied, the patches are too few or of another size, or the model may have seen their patients.
    """
    model, patches = load_model(folder), read_patches(request.patches)
    rows = real_rows(patches, request.split, model.generator.architecture.resolution)
    refuse_overlap(patches, model, folder, request.split, request.disjoint_patients)
    if not 1 <= request.each <= len(rows):
        raise LookalikeError(
            "out-of-range",
            f"{request.each} images of each kind, but {request.patches} has {len(rows)} {request.split} patches; "
            f"ask for 1 to {len(rows)}",
        )
    rng = np.random.default_rng(request.seed)
    # One order for all rounds, so that the next seed shows other patches: a patch that was judged is recognised.
    fixed = np.random.default_rng(0).permutation(len(rows))
    rows = rows.iloc[np.roll(fixed, -request.seed * request.each)[: request.each]]
    first = int(rng.integers(2**30))
    seeds, psi = range(first, first + request.each), model.psi(request.truncation)
    images = [*patches.read_all(rows), *images_from_seeds(model.generator, seeds, psi)]
    key = pd.DataFrame(
        {
            "truth": ["real"] * request.each + ["generated"] * request.each,
            "source": [*("patch:" + rows["patch_id"].astype(str)), *(f"seed:{seed}" for seed in seeds)],
        }
    )
    order = rng.permutation(len(key))
    key = key.iloc[order]
    key.insert(0, "image", _numbers(len(key)))
    kept = out.with_name(f"{out.name}-key")
    refuse_occupied(kept)
    with new_folder(out) as partial:
        for number, start in enumerate(range(0, len(order), _A_SHEET), start=1):
            shown = [_as_shown(images[index]) for index in order[start : start + _A_SHEET]]
            names = list(key["image"])[start : start + _A_SHEET]
            _sheet(shown, names).save(partial / f"sheet-{number}.png")
        write_table(partial / ANSWERS, pd.DataFrame({"image": key["image"], "answer": "", "confidence": "", "why": ""}))
        with new_folder(kept) as secret:
            write_table(secret / KEY, key)
            about = {
                "format": FORMAT,
                "lookalike_version": VERSION,
                "model_sha256": model.sha256,
                "patches_sha256": patches.sha256,
                "truncation": psi,
                "split": request.split,
                "seed": request.seed,
                "key_sha256": sha256(secret / KEY),
            }
            write_json(secret / "blind.json", about)
    return kept


def score_blind_sheets(folder: Path) -> BlindScore:
    """Score the judgements in `answers.csv`, and write `score.json` and `scored.csv` beside them.

    An answer is `real` or `generated` (or `r`, `g`), its confidence 1 to 4, or empty throughout. The rating for the
    area under the ROC curve is the confidence, with the sign of the answer.

    Raises
    ------
    LookalikeError
        If the key or an answer is missing, or a word is not understood (it names the image).
    """
    folder = Path(folder)
    secret = folder.with_name(f"{folder.name}-key")
    about = read_json(secret / "blind.json")
    if about.get("format") != FORMAT:
        raise LookalikeError(
            "wrong-format", f"{secret / 'blind.json'}: format is {about.get('format')!r}, expected {FORMAT!r}"
        )
    if sha256(secret / KEY) != about["key_sha256"]:
        raise LookalikeError("altered-file", f"{secret / KEY}: altered since the sheets were made; make new ones")
    key = read_table(secret / KEY, ("image", "truth", "source"), text=("image",))
    answers = read_table(folder / ANSWERS, ("image", "answer", "confidence"), text=("image", "answer", "confidence"))
    judged = key.merge(answers, on="image", how="left", validate="1:1")
    judged["answer"] = [_answer(folder / ANSWERS, *pair) for pair in zip(judged.image, judged.answer, strict=True)]
    judged["confidence"] = _confidences(folder / ANSWERS, judged)
    judged["correct"] = judged.answer == judged.truth
    judged["rating"] = judged.confidence * np.where(judged.answer == "generated", 1, -1)
    roc = roc_auc(judged.truth, judged.rating)
    fakes = judged.truth == "generated"
    surest = judged.sort_values("confidence", ascending=False, kind="stable")
    found = BlindScore(
        judged=len(judged),
        correct=float(judged.correct.mean()),
        generated_called_generated=float(judged.correct[fakes].mean()),
        real_called_generated=float(1 - judged.correct[~fakes].mean()),
        dprime=float(dprime_from_responses(judged.truth, judged.answer).dprime),
        auc=float(roc.auc),
        auc_low=_finite(roc.low),
        auc_high=_finite(roc.high),
        surest_mistakes=tuple(surest.image[~surest.correct].head(_NAMED)),
        surest_hits=tuple(surest.image[surest.correct & (surest.truth == "generated")].head(_NAMED)),
    )
    write_table(folder / "scored.csv", judged)
    write_json(folder / "score.json", {**about, **found.to_dict()})
    return found


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _numbers(count: int) -> list[str]:
    return [f"{number:03d}" for number in range(1, count + 1)]


def _as_shown(image: Pixels) -> Pixels:
    return resample(image, (SHOWN_PX, SHOWN_PX))


def _sheet(images: list[Pixels], names: list[str]) -> Pillow.Image:
    """Images in rows, each above its number."""
    rows, step = -(-len(images) // _COLUMNS), SHOWN_PX + 4
    sheet = Pillow.new("L", (_COLUMNS * step, rows * (step + _LABEL_PX)), 0)
    draw = ImageDraw.Draw(sheet)
    for place, (image, name) in enumerate(zip(images, names, strict=True)):
        left, top = place % _COLUMNS * step, place // _COLUMNS * (step + _LABEL_PX)
        sheet.paste(Pillow.fromarray(quantise(image, 8)), (left, top))
        draw.text((left + SHOWN_PX // 2, top + SHOWN_PX + _LABEL_PX // 2), name, fill=255, anchor="mm", font_size=16)
    return sheet


def _answer(path: Path, image: str, word: object) -> str:
    """`real` or `generated`. Raises `LookalikeError` for anything else."""
    said = str(word).strip().lower() if isinstance(word, str) else ""
    for answer in ("real", "generated"):
        if said in (answer, answer[0]):
            return answer
    what = f"{word!r}; write real or generated" if said else "empty; judge every image before the key is opened"
    raise LookalikeError("unknown-choice", f"{path}: the answer to image {image} is {what}")


def _confidences(path: Path, judged: pd.DataFrame) -> list[int]:
    """1 to 4; all 1 where none was noted. Raises `LookalikeError` if some are missing or out of range."""
    if judged.confidence.isna().all():
        return [1] * len(judged)
    found = []
    for image, word in zip(judged.image, judged.confidence, strict=True):
        if not (isinstance(word, str) and word.strip() in map(str, range(1, _MOST_CONFIDENT + 1))):
            raise LookalikeError(
                "out-of-range",
                f"{path}: the confidence in image {image} is {word!r}; write 1 to {_MOST_CONFIDENT}, or leave every "
                "one empty",
            )
        found.append(int(word))
    return found

"""Everything about a stimulus set that can be checked before anybody is asked."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analysis.image_cues.detectability import Detectability, detectability_of_set
from analysis.report.results import write
from analysis.report.set_report import SetCheck, set_results
from data.errors import LookalikeError
from data.files import refuse_occupied, sha256
from data.shipped import MODELS
from lookalike.flows.sets.set_origin import origin_findings
from stimuli.images import as_stored, resample
from stimuli.patches import PatchSet, read_patches
from stimuli.sets import StimulusSet, read_set
from stimuli.sets.stored import read_manifest
from stimuli.sets.traces import Finding, file_findings, patient_findings, trace_findings

if TYPE_CHECKING:
    from gan.checkpoint import Model
    from gan.leaks.check import LeakReport


@dataclass(frozen=True)
class CheckRequest:
    """What to check a set against.

    `patches` is the patch set it was built from, `model` the generator's folder (None: the shipped one, if the set is
    from it), `vgg16` its weights for the leak check (None: pixels and SqueezeNet only).
    """

    folder: Path
    patches: Path | None = None
    model: Path | None = None
    vgg16: str | None = None
    seed: int = 0


def check_set(request: CheckRequest, out: Path | None = None) -> SetCheck:
    """Check a set and, with `out`, write the report into that new folder.

    Nothing about the set itself raises: what is wrong with it is among the findings. Raises `LookalikeError` if there
    is no set, `out` is occupied, or the patches or the model cannot be read.
    """
    if out is not None:
        refuse_occupied(out)
    if not (request.folder / "stimuli.csv").is_file():
        read_manifest(request.folder)  # says that there is no set
    patches = None if request.patches is None else read_patches(request.patches)
    found, leaks = _found(request, patches)
    if out is not None:
        write(set_results(found), out, "check")
        if leaks is not None:
            from gan.leaks.check import save_leaks

            save_leaks(leaks, out)
    return found


def _found(request: CheckRequest, patches: PatchSet | None) -> tuple[SetCheck, LeakReport | None]:
    folder = request.folder
    try:
        table, about = read_manifest(folder)
    except LookalikeError as error:
        return SetCheck(folder, (Finding("manifest", "wrong", str(error)),)), None
    findings = [Finding("manifest", "ok", f"{len(table)} images in {folder / 'stimuli.csv'}")]
    findings += file_findings(folder, table)
    findings += patient_findings(table)
    if any(one.outcome == "wrong" and one.check == "hashes" for one in findings):
        return SetCheck(folder, tuple(findings), reason="images are missing or altered", about=about), None
    stimuli = read_set(folder)
    findings += trace_findings(stimuli)
    model = _model(request.model, about.get("model_sha256"))
    findings += origin_findings(stimuli, patches, model)
    leaks, finding = _leaks(stimuli, patches, model, request.vgg16)
    findings.append(finding)
    measured, reason = _detectability(stimuli, request.seed)
    return SetCheck(folder, tuple(findings), stimuli, measured, reason, about), leaks


def _detectability(stimuli: StimulusSet, seed: int) -> tuple[Detectability | None, str]:
    try:
        return detectability_of_set(stimuli, seed=seed), ""
    except LookalikeError as error:
        return None, str(error)


def _model(folder: Path | None, wanted: str | None) -> tuple[Path, Model] | None:
    """The generator and its folder: the one that was named, or the shipped one with this hash, if torch is there."""
    if folder is None:
        shipped = sorted(MODELS.glob("*/generator.safetensors"))
        folder = next((path.parent for path in shipped if sha256(path) == wanted), None)
        if folder is None or importlib.util.find_spec("torch") is None:
            return None
    from lookalike.console import need

    need("gan")
    from gan.checkpoint import load_model

    return folder, load_model(folder)


def _leaks(
    stimuli: StimulusSet, patches: PatchSet | None, model: tuple[Path, Model] | None, vgg16: str | None
) -> tuple[LeakReport | None, Finding]:
    """Whether a generated image shows a training patch."""
    rows = stimuli.table[stimuli.table["source"].str.startswith(("seed:", "composed:"), na=False)]
    if rows.empty:
        return None, Finding("leaks", "ok", "no generated image is from a model")
    if patches is None:
        return None, Finding(
            "leaks", "note", "not checked: give the patch set that the model was trained on (--patches)"
        )
    if importlib.util.find_spec("torch") is None:
        return None, Finding("leaks", "note", "not checked: needs the 'gan' extra")
    from gan.leaks.check import check_against, prepare
    from gan.networks.features import load_vgg16
    from lookalike.flows.sets.patient_overlap import unchecked, unchecked_earlier

    missing = "" if model is None else unchecked(patches, model[1]) or unchecked_earlier(patches, model[1])
    size = int(patches.about["size_px"])
    try:
        reference = prepare(patches, None if vgg16 is None else load_vgg16(vgg16), untouched=True)
        images = np.stack([as_stored(_at_size(stimuli.read(name), size)) for name in rows["stimulus_id"]])
        report = check_against(reference, images, list(rows.index + 1))  # rows of the set in place of seeds
    except LookalikeError as error:
        return None, Finding("leaks", "note", f"not checked: {error}")
    words = f"{report.summary}; compared by {' and '.join(report.null)}"
    words += f" (first {rows['stimulus_id'][report.suspects[0] - 1]})" if report.suspects else ""
    words += f"; but {missing}" if missing else ""
    outcome = {"leaks": "wrong", "suspects": "note", "none": "note" if missing else "ok"}[report.verdict]
    return report, Finding("leaks", outcome, words)  # type: ignore[arg-type]


def _at_size(pixels: np.ndarray, size: int) -> np.ndarray:
    """An image at the size of the patches, which the set may have enlarged."""
    return pixels if pixels.shape == (size, size) else resample(pixels, (size, size))

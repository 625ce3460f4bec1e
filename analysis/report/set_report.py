"""The check of a stimulus set as tables, a summary and a page: what is wrong, and what gives generated images away."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.image_cues.detectability import Detectability, cues_of_set
from analysis.report.figures.plots import GENERATED, REAL, gallery, plain
from analysis.report.number_text import share
from analysis.report.page import Block, Note, Page, Picture, Section, Small, Table
from analysis.report.realfake.sections import detectability_table
from analysis.report.results import Results, summarised, versions
from data.arrays import Floats
from data.files import sha256
from stimuli.images import quantise
from stimuli.sets import StimulusSet
from stimuli.sets.matching import rings
from stimuli.sets.traces import Finding

_EXTREMES = 8  # images at each end of the most telling cue
_GREY = "#6b6b6b"
_WORD = {"ok": "ok", "note": "note", "wrong": "**wrong**"}


@dataclass(frozen=True, eq=False)
class SetCheck:
    """What a check found. `detectability` is None where it could not be measured, and `reason` says why.

    `stimuli` is None where the set could not be read; `about` is its provenance as far as it could.
    """

    folder: Path
    findings: tuple[Finding, ...]
    stimuli: StimulusSet | None = None
    detectability: Detectability | None = None
    reason: str = ""
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """The findings that must be mended."""
        return tuple(one for one in self.findings if one.outcome == "wrong")

    @property
    def verdict(self) -> str:
        """One sentence on what is wrong."""
        notes = sum(one.outcome == "note" for one in self.findings)
        noted = f"; {notes} note{'s' if notes != 1 else ''}" if notes else ""
        if self.wrong:
            names = ", ".join(one.check for one in self.wrong)
            return f"{len(self.wrong)} of {len(self.findings)} checks found something wrong: {names}{noted}"
        return f"nothing wrong in {len(self.findings)} checks{noted}"

    @property
    def telling(self) -> tuple[tuple[str, float], ...]:
        """Cues (Holm-adjusted) and observers that discriminate at p < .05, with their AUC, the most telling first."""
        if self.detectability is None:
            return ()
        table = self.detectability.to_frame()
        found = table[table["p"] < 0.05]
        order = (found["auc"] - 0.5).abs().sort_values(ascending=False).index
        return tuple(
            (str(found.loc[place, "what"]).replace("_", " "), float(found.loc[place, "auc"])) for place in order
        )

    @property
    def cue_verdict(self) -> str:
        """One sentence on what gives generated images away."""
        if self.detectability is None:
            return f"not measured: {self.reason}" if self.reason else "not measured"
        images = (
            f"{self.detectability.cues.combined.real} real and {self.detectability.cues.combined.generated} generated"
        )
        if not self.telling:
            least = self.detectability.cues.combined.smallest_detectable
            seen = (
                f"; all cues together are found from an AUC of {share(least)} up (80% power)"
                if np.isfinite(least)
                else ""
            )
            return f"no cue and no model observer discriminates {images} images{seen}"
        each = ", ".join(f"{name} ({share(auc)})" for name, auc in self.telling)
        return f"{images} images are discriminated by {each}"


def set_results(check: SetCheck) -> Results:
    """The check as tables, a summary and a page."""
    tables = {"checks": pd.DataFrame([asdict(one) for one in check.findings])}
    if check.detectability is not None:
        tables["detectability"] = check.detectability.to_frame()
    return Results(summary_of(check), tables, _page(check))


def summary_of(check: SetCheck) -> dict[str, Any]:
    """The check as JSON can hold it."""
    measured = None if check.detectability is None else check.detectability.to_frame().to_dict("records")
    content = {
        "set": str(check.folder),
        "verdict": check.verdict,
        "cue_verdict": check.cue_verdict,
        "wrong": len(check.wrong),
        "checks": [asdict(one) for one in check.findings],
        "detectability": measured,
        "match": check.about.get("match"),
        "stimulus_set_sha256": None if check.stimuli is None else check.stimuli.sha256,
        "versions": versions(),
    }
    return summarised(content)


def _page(check: SetCheck) -> Page:
    rows = tuple((one.check, _WORD[one.outcome], one.words) for one in check.findings)
    kind: Literal["warning", "verdict"] = "warning" if check.wrong else "verdict"
    name = check.folder.resolve().name
    summary: list[Block] = [
        Note(f"{'Mend this set before anybody sees it' if check.wrong else 'Files and patients are in order'}.",
             (f"{check.verdict[0].upper()}{check.verdict[1:]}.",), kind),
        Note("What gives generated images away:", (f"{check.cue_verdict}.",), "note"),
        Table(("Check", "Outcome", "What was found"), rows, words=(1, 2)),
    ]  # fmt: skip
    sections = []
    if check.stimuli is not None and check.detectability is not None:
        sections = [_detectable(check.detectability), _appearance(check.stimuli, check.detectability)]
    path = check.folder / "stimuli.csv"
    return Page(
        title=f"Stimulus set {name}",
        subtitle=_subtitle(check),
        summary=tuple(summary),
        sections=tuple(sections),
        methods=_methods(check),
        inputs={"stimuli.csv": sha256(path)} if path.is_file() else {},
        versions=versions(),
    )


def _subtitle(check: SetCheck) -> str:
    if check.stimuli is None:
        return "A check before anybody is asked."
    counts = check.stimuli.table.groupby(["role", "truth"]).size()
    parts = ", ".join(f"{count} {role} {truth}" for (role, truth), count in counts.items())
    match = check.about.get("match")
    return f"A check before anybody is asked: {parts} images" + (f"; matched: {match['kind']}." if match else ".")


def _detectable(found: Detectability) -> Section:
    table, note = detectability_table(found)
    blocks: list[Block] = [
        "Measured on the main images alone. An area under the ROC curve far from .5 says that generated images differ "
        "in that way, whether or not anyone would notice: an artefact to remove, or to keep in mind. Below .5, real "
        "images have more of it.",
        Picture("detectability", auc_figure(found),
                "AUC of each cue and observer with its 95% interval; filled where p < .05 (cues: Holm-adjusted).",
                "AUC of every cue and model observer; the numbers are in the table below."),
        table,
        Small(note),
    ]  # fmt: skip
    return Section("What gives generated images away", tuple(blocks))


def _appearance(stimuli: StimulusSet, found: Detectability) -> Section:
    main = stimuli.select("main")
    images = np.stack([stimuli.read(name) for name in main["stimulus_id"]]).astype(np.float64)
    generated = (main["truth"] == "generated").to_numpy()
    blocks: list[Block] = [
        Picture("appearance", appearance_figure(images, generated),
                "Left: share of pixels at each grey level, over all images of a kind. Right: mean amplitude at each "
                "spatial frequency over all orientations; the shaded range holds the middle 80% of images.",
                "Grey-level histograms and amplitude spectra of real and generated images."),
    ]  # fmt: skip
    cue = max(found.cues.cues, key=lambda one: np.nan_to_num(one.distance))
    values = cues_of_set(stimuli)[cue.cue].to_numpy()
    known = np.flatnonzero(np.isfinite(values))
    count = min(_EXTREMES, len(known) // 2)
    if count:
        order = known[np.argsort(values[known], kind="stable")]
        ends = [*order[:count], *order[-count:]]
        truth = [f"{main['stimulus_id'][place]} {main['truth'][place]}" for place in ends]
        figure = gallery([stimuli.read(main["stimulus_id"][place]) for place in ends], truth, columns=count,
                         rows=("least", "most"))  # fmt: skip
        name = cue.cue.replace("_", " ")
        caption = f"The images with least and with most {name}, the single cue that tells most (AUC {share(cue.auc)})."
        blocks.append(Picture("extremes", figure, caption, f"Images with least and most {name}."))
    return Section("How the images differ", tuple(blocks))


def auc_figure(found: Detectability) -> Figure:
    """AUC and interval of every cue and observer, one line each."""
    table = found.to_frame()
    figure = Figure(figsize=(5.6, 0.8 + 0.2 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0.5, color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    for place, row in enumerate(table.itertuples()):
        if not np.isfinite(row.auc):
            axes.text(0.5, place, " undefined", fontsize=7.5, va="center")
            continue
        colour = REAL if row.kind == "cue" else "black"
        if np.isfinite(row.low):
            axes.plot([row.low, row.high], [place, place], color=colour, linewidth=1.3, zorder=2)
        filled = colour if row.p < 0.05 else "white"
        axes.plot(row.auc, place, "o", color=colour, markerfacecolor=filled, markersize=5, zorder=3)
    axes.set_yticks(range(len(table)), [name.replace("_", " ") for name in table["what"]])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("AUC, generated against real images", fontsize=8.5)
    plain(axes, left=False)
    return figure


def appearance_figure(images: Floats, generated: np.ndarray) -> Figure:
    """Grey-level histograms and amplitude spectra of both kinds of images (images, rows, columns), P-values."""
    figure = Figure(figsize=(7.1, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    ring = rings(images.shape[1:]).reshape(-1)
    most = min(images.shape[1:]) // 2
    amplitude = np.stack([
        (np.bincount(ring, np.abs(np.fft.fft2(image)).reshape(-1)) / np.bincount(ring))[1 : most + 1]
        for image in images
    ])  # fmt: skip
    cycles = np.arange(1, amplitude.shape[1] + 1)
    for words, flag, colour in (("real", False, REAL), ("generated", True, GENERATED)):
        part = images[generated == flag]
        if not len(part):
            continue
        shares = np.bincount(quantise(part, 8).reshape(-1), minlength=256).reshape(64, 4).sum(axis=1) / part.size
        left.plot(np.arange(2, 256, 4) / 255, shares, color=colour, linewidth=1.4, label=words, drawstyle="steps-mid")
        spectra = np.maximum(amplitude[generated == flag], 1e-12)
        low, high = np.percentile(spectra, [10, 90], axis=0)
        right.fill_between(cycles, low, high, color=colour, alpha=0.15, linewidth=0)
        right.plot(cycles, spectra.mean(axis=0), color=colour, linewidth=1.4, label=words)
    left.set_xlabel("grey level (P-value)", fontsize=8.5)
    left.set_ylabel("share of pixels", fontsize=8.5)
    left.set_xlim(0, 1)
    left.set_ylim(bottom=0)
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel("cycles per image", fontsize=8.5)
    right.set_ylabel("amplitude", fontsize=8.5)
    for axes in (left, right):
        plain(axes)
    left.legend(frameon=False, fontsize=7.5)
    return figure


def _methods(check: SetCheck) -> tuple[str, ...]:
    texts: list[str] = []
    if check.detectability is not None:
        texts.append(
            "How well simple image statistics discriminated real from generated images was measured by the area under "
            "the ROC curve with a patient’s images as one cluster, p adjusted by Holm’s method {holm1979}. A logistic "
            "classifier on all of them and Hotelling observers {barrett1993} on channels {gallas2003} were "
            "cross-validated with a patient’s images kept together; their null distribution relabels patients and "
            "retrains, in units of each standard error {chung2013}."
        )
    match = check.about.get("match")
    if match:
        texts.append(_matched(match))
    return tuple(texts)


def _matched(match: dict[str, Any]) -> str:
    what = "grey-level histogram" if match["kind"] == "grey-levels" else "amplitude spectrum over orientations"
    text = f"All images, real and generated, were given the same {what} {{willenbockel2010}}: the {match['reference']}."
    factor = match.get("contrast_factor", 1)
    return text if factor == 1 else f"{text} Their contrast was multiplied by {factor:.3f} so that none was clipped."

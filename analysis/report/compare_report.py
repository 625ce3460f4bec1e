"""The comparison of two studies as files: tables, a figure, a JSON and a page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from analysis.group.compare import Compared, Images, ParticipantComparison, Whose, by_hash, compare, signed
from analysis.mrmc.other_methods import MOST, MethodResult
from analysis.report import plots
from analysis.report.short_report import Leaflet, Picture, Table, p_value, save, versions
from analysis.result import frame_of, without_nan
from analysis.trials import load
from data.errors import LookalikeError
from data.external_tables import Mapped
from data.files import new_folder, refuse_occupied, write_json, write_table
from data.study import StudyFile

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

_METHODS = (
    "The main trials of session 1 were compared; retests, practice and catch trials were left out. Ratings join answer "
    "and confidence into one signed number, larger meaning more generated-looking. The area under each participant’s "
    "empirical ROC is the Mann–Whitney statistic {mann1947}, ties counting half. The difference of the mean areas has "
    "participants and images both as samples: its variance is the one-shot estimate from U-statistics "
    "{gallas2006+gallas2008}, for participants who judged in both that of their differences, for two groups that of "
    "two samples, and images that both sides show are taken as shared; the interval is a t interval with "
    "Satterthwaite’s degrees of freedom {satterthwaite1946+gaylor1969}.",
    "That the difference is smaller than a bound was tested by two one-sided tests at 5 % {schuirmann1987}.",
    "Secondary: the analysis of Obuchowski and Rockette {obuchowski1995} with Hillis’s degrees of freedom "
    "{hillis2007} (with the jackknife it is that of Dorfman, Berbaum and Metz {dorfman1992+hillis2008}), and a t "
    "interval over participants. "
    "Single participants were compared by the method of DeLong, DeLong and Clarke-Pearson {delong1988}, paired where "
    "the images are the same, and by U-statistics where only some are.",
)


@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def compare_studies(
    sources: tuple[Path, Path],
    out: Path,
    names: tuple[str, str] | None = None,
    *,
    study: StudyFile | None = None,
    mapped: Mapped = Mapped(),  # noqa: B008 - frozen
    delta: float | None = None,
    images: Whose | None = None,
    participants: Whose = "same",
    stimuli: tuple[StimulusSet, StimulusSet] | None = None,
) -> dict[str, Any]:
    """Compare two folders or tables, each as `report.analyze` takes it; return what `comparison.json` holds.

    Writes into the new folder `out`: `comparison.json`, `participants.tsv`, `methods.tsv`, the figure `comparison` as
    `.svg`, `.pdf` and `.png`, and `report.html`. `study`'s exclusions and `mapped` apply to both. With the `stimuli`
    that each side was shown, tables are checked against them and images known by their hashes. Raises
    `LookalikeError` as `analysis.trials.load` and `analysis.group.compare.compare` do, and for a folder of results.
    """
    refuse_occupied(out)
    for source in sources:
        if (source / "summary.json").is_file():
            raise LookalikeError(f"{source}: holds results; give the data that they were made from")
    sides = [
        load(source, study, shown, mapped if source.is_file() else Mapped())
        for source, shown in zip(sources, stimuli or (None, None), strict=True)
    ]
    called = names or _names(sources)
    told: Images | None = images
    if stimuli is not None and images is None:
        sides, told = [by_hash(side, shown) for side, shown in zip(sides, stimuli, strict=True)], "hashes"
    found = compare(sides[0], sides[1], called, delta=delta, images=told, participants=participants)
    files = {
        f"{name}: {file}": sha for name, side in zip(called, sides, strict=True) for file, sha in side.files.items()
    }
    content: dict[str, Any] = without_nan({**found.to_dict(), "versions": versions(), "files_sha256": files})
    with new_folder(out) as folder:
        write_json(folder / "comparison.json", content)
        write_table(folder / "participants.tsv", found.to_frame())
        write_table(folder / "methods.tsv", frame_of(found.methods))
        save(_leaflet(found, delta, files), folder)
    return content


def _names(sources: tuple[Path, Path]) -> tuple[str, str]:
    first, second = (source.resolve().stem if source.is_file() else source.resolve().name for source in sources)
    return (first, second) if first != second else (f"{first} (first)", f"{second} (second)")


def _leaflet(found: Compared, delta: float | None, files: dict[str, str]) -> Leaflet:
    first, second = found.names
    reasons = dict.fromkeys(one.reason for one in found.methods if one.reason)
    why = [f"Not used: {reason}." for reason in reasons]
    methods = Table(
        "The same difference by other methods",
        ("Method", "Sample", "Difference", f"{found.difference.level:.0%} interval", "p"),
        [_method_row(one) for one in found.methods],
        " ".join(("Secondary: they decide nothing. A t interval over participants takes the images as given.", *why)),
    )
    tables = [methods]
    if found.participants and len(found.participants) <= MOST:
        header = ("Participant", first, second, "Difference", "95% interval", "p", "Compared by")
        tables.insert(
            0,
            Table(
                "Each participant",
                header,
                [_row(one) for one in found.participants],
                "These speak of other images only.",
            ),
        )
    return Leaflet(
        title=f"{first} against {second}",
        under=f"Is the area under the ROC larger with {first} or with {second}?",
        verdict=found.verdict.capitalize(),
        words=found.words,
        remarks=found.remarks,
        pictures=[Picture("comparison", _figure(found, delta), _caption(found, delta))],
        tables=tables,
        methods=_METHODS if delta is not None else (_METHODS[0], _METHODS[2]),
        files=files,
    )


def _method_row(one: MethodResult) -> list[str]:
    bounds = f"{signed(one.low)} to {signed(one.high)}" if one.low == one.low else ""
    return [one.method, one.sample, signed(one.value), bounds, p_value(one.p)]


def _row(one: ParticipantComparison) -> list[str]:
    bounds = f"{signed(one.low)} to {signed(one.high)}" if one.low == one.low else one.reason or ""
    areas = ["n/a" if math.isnan(area) else f"{area:.3f}" for area in (one.first, one.second)]
    return [one.participant, *areas, signed(one.difference), bounds, p_value(one.p), one.method]


def _figure(found: Compared, delta: float | None) -> Figure:
    d = found.difference
    if found.participants:
        each = found.participants if len(found.participants) <= MOST else ()
        rows = {one.participant: (one.difference, one.low, one.high) for one in each}
        band = None if delta is None else (-delta, delta)
        label = f"difference of AUC, {found.names[0]} less {found.names[1]}"
        return plots.forest(rows, (d.difference, d.low, d.high), band, label, 0)
    sides = zip(found.names, (d.first, d.second), strict=True)
    return plots.forest({name: (one.auc, one.low, one.high) for name, one in sides}, None, None, "mean AUC", 0.5)


def _caption(found: Compared, delta: float | None) -> str:
    level = f"{found.difference.level:.0%}"
    if not found.participants:
        return f"Mean area under the ROC of the two groups with its {level} interval."
    grey = "" if delta is None else f"; grey: ± {delta:g}"
    return f"Difference of the areas of every participant and of all together, with {level} intervals{grey}."

"""The comparison of two studies: tables, a figure, a JSON file and a page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from analysis.group.compare import Compared, Images, ParticipantComparison, Whose, by_hash, compare, signed
from analysis.mrmc.other_methods import MOST, MethodResult
from analysis.report.figures import plots
from analysis.report.number_text import p_value
from analysis.report.page import Page, Picture, Section, Table, verdict_note
from analysis.report.results import Results, summarised, versions, write
from analysis.trials import Trials, load_trials
from data.errors import LookalikeError
from data.external_tables.mapping import TableMapping
from data.external_tables.read import recorded_here
from data.files import refuse_occupied
from data.results.result import frame_of
from data.study import StudyFile

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

_METHODS = (
    "The main trials of session 1 were compared; retests, practice and catch trials were left out. Ratings combine "
    "answer and confidence into one signed number, larger meaning more generated-looking. The area under each "
    "participant’s empirical ROC is the Mann–Whitney statistic {mann1947}, ties counting half. The difference of the "
    "mean areas has participants and images both as samples: its variance is the one-shot estimate from U-statistics "
    "{gallas2006+gallas2008}, that of their differences for participants who judged in both studies, that of two "
    "samples for two groups; images shown in both studies are taken as shared. The interval is a t interval with "
    "Satterthwaite’s degrees of freedom {satterthwaite1946+gaylor1969}.",
    "Equivalence, a difference smaller than the bound, was tested by two one-sided tests at 5% {schuirmann1987}.",
    "Secondary: the analysis of Obuchowski and Rockette {obuchowski1995} with Hillis’s degrees of freedom {hillis2007} "
    "(with the jackknife it is that of Dorfman, Berbaum and Metz {dorfman1992+hillis2008}), and a t interval over "
    "participants. Single participants were compared by the method of DeLong, DeLong and Clarke-Pearson {delong1988}, "
    "paired where the images are the same, and by U-statistics where only some are.",
)


def compare_studies(
    sources: tuple[Path, Path],
    out: Path,
    names: tuple[str, ...] | None = None,
    *,
    study: StudyFile | None = None,
    mapped: TableMapping = TableMapping(),  # noqa: B008 - frozen
    delta: float | None = None,
    images: Whose | None = None,
    participants: Whose = "same",
    stimuli: tuple[StimulusSet, StimulusSet] | None = None,
) -> dict[str, Any]:
    """Compare the AUCs of two studies into a new folder of tables, a figure and one report page.

    Writes `comparison.json` (what is returned), `participants.tsv`, `methods.tsv`, the figure `comparison` as `.svg`
    and `.png`, and `report.html`.

    Parameters
    ----------
    sources : tuple of two paths
        The data of each side: a folder that holds `sub-*` folders, or one table of all trials.
    out : path
        Folder to write; it must be new or empty.
    names : tuple of two str, optional
        What to call the two sides; by default their files' names.
    study : data.study.StudyFile, optional
        Study file whose exclusions apply to both sides.
    mapped : data.external_tables.mapping.TableMapping
        For external tables: our names of columns and words for theirs, for both sides.
    delta : float, optional
        Difference of AUC too small to matter, above 0, fixed in advance: equivalence is tested within ± delta.
    images : {"same", "different"}, optional
        Whether an id is the same image on both sides; by default as the stimulus sets say.
    participants : {"same", "different"}
        Whether a code is the same person on both sides.
    stimuli : tuple of two stimuli.sets.StimulusSet, optional
        The sets that the sides were shown: tables are checked against them, and images identified by their hashes.

    Returns
    -------
    dict
        Verdict, difference (first less second), other methods and participants, in plain Python types.

    Raises
    ------
    LookalikeError
        As `analysis.trials.load_trials` and `analysis.group.compare.compare` do, if a source is a folder of results,
        or if `out` holds anything.

    References
    ----------
    Gallas, B. D. (2006). One-shot estimate of MRMC variance: AUC. Academic Radiology, 13, 353-362.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from analysis.report.compare_report import compare_studies
    >>> rng = np.random.default_rng(1)
    >>> for name, skill in (("old.csv", 1.5), ("new.csv", 0.0)):
    ...     rows = pd.DataFrame({"participant": np.repeat(["p1", "p2", "p3"], 40), "stimulus_id": [*range(40)] * 3})
    ...     generated = rows["stimulus_id"] % 2 == 1
    ...     rows["truth"] = np.where(generated, "generated", "real")
    ...     rows["response"] = np.where(rng.normal(skill * generated, 1) > 0.5, "generated", "real")
    ...     rows.to_csv(name, index=False)
    >>> found = compare_studies(("old.csv", "new.csv"), "comparison", images="different")
    >>> found["names"], found["difference"]["difference"] > 0
    (['old', 'new'], True)
    """
    first, second = (Path(source) for source in sources)
    refuse_occupied(Path(out))
    if names is not None and (len(names) != 2 or names[0] == names[1]):
        raise LookalikeError("bad-names", f"names are {names}; two different names are needed")
    for source in (first, second):
        if (source / "summary.json").is_file():
            raise LookalikeError("folder-of-results", f"{source}: holds results; give the data behind them")
    sides = [
        load_trials(source, study, shown, TableMapping() if recorded_here(source) else mapped)
        for source, shown in zip((first, second), stimuli or (None, None), strict=True)
    ]
    called = _names((first, second)) if names is None else (names[0], names[1])
    identified: Images | None = images
    if stimuli is not None and images is None:
        sides, identified = [by_hash(side, shown) for side, shown in zip(sides, stimuli, strict=True)], "hashes"
    results: Results = comparison_results(
        (sides[0], sides[1]), called, delta=delta, images=identified, participants=participants
    )
    write(results, Path(out), "comparison")
    return results.summary


@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def comparison_results(
    sides: tuple[Trials, Trials],
    names: tuple[str, str],
    *,
    delta: float | None = None,
    images: Images | None = None,
    participants: Whose = "same",
) -> Results:
    """The results of `compare_studies` in memory: summary, tables by name, and the page."""
    found = compare(*sides, names, delta=delta, images=images, participants=participants)
    inputs = {
        f"{name}: {file}": sha for name, side in zip(names, sides, strict=True) for file, sha in side.files.items()
    }
    notes = [f"{name}: {note}" for name, side in zip(names, sides, strict=True) for note in (*side.notes, *side.doubts)]
    summary = summarised({**found.to_dict(), "notes": notes, "versions": versions(), "files_sha256": inputs})
    tables = {"participants": found.to_frame(), "methods": frame_of(found.methods)}
    return Results(summary, tables, _page(found, delta, inputs))


def _names(sources: tuple[Path, Path]) -> tuple[str, str]:
    first, second = (source.resolve().stem if source.is_file() else source.resolve().name for source in sources)
    return (first, second) if first != second else (f"{first} (first)", f"{second} (second)")


def _page(found: Compared, delta: float | None, inputs: dict[str, str]) -> Page:
    first, second = found.names
    reasons = dict.fromkeys(one.reason for one in found.methods if one.reason)
    note = "Secondary: these have no part in the verdict. A t interval over participants takes the images as given."
    methods = Table(
        ("Method", "Sample", f"Difference\n{found.difference.level:.0%} interval", "p"),
        tuple(_method_row(one) for one in found.methods),
        words=(1,),
        note=" ".join((note, *(f"Not used: {reason}." for reason in reasons))),
    )
    sections = [Section("The same difference by other methods", (methods,))]
    if found.participants and len(found.participants) <= MOST:
        header = ("Participant", first, second, "Difference\n95% CI", "p", "Compared by")
        rows = tuple(_row(one) for one in found.participants)
        each = Table(header, rows, words=(5,), note="These generalise to other images only.")
        sections.insert(0, Section("Participants", (each,)))
    alt = "Differences of the areas under the ROC with their intervals."
    return Page(
        title=f"{first} against {second}",
        subtitle=f"Is the area under the ROC larger with {first} or with {second}?",
        summary=(
            verdict_note(found.verdict, (found.words,)),
            *found.remarks,
            Picture("comparison", _figure(found, delta), _caption(found, delta), alt),
        ),
        sections=tuple(sections),
        methods=_METHODS if delta is not None else (_METHODS[0], _METHODS[2]),
        inputs=inputs,
        versions=versions(),
    )


def _method_row(one: MethodResult) -> tuple[str, ...]:
    return one.method, one.sample, _with_bounds(one.value, one.low, one.high), p_value(one.p)


def _row(one: ParticipantComparison) -> tuple[str, ...]:
    areas = ("n/a" if math.isnan(area) else f"{area:.3f}" for area in (one.first, one.second))
    difference = _with_bounds(one.difference, one.low, one.high, one.reason or "")
    return one.participant, *areas, difference, p_value(one.p), one.method


def _with_bounds(value: float, low: float, high: float, without: str = "") -> str:
    bounds = without if math.isnan(low) else f"{signed(low)} to {signed(high)}"
    return f"{signed(value)}\n{bounds}" if bounds else signed(value)


def _figure(found: Compared, delta: float | None) -> Figure:
    d = found.difference
    if found.participants:
        each = found.participants if len(found.participants) <= MOST else ()
        rows = {one.participant: (one.difference, one.low, one.high) for one in each}
        band = None if delta is None else (-delta, delta)
        label = f"difference of AUC, {found.names[0]} − {found.names[1]}"
        return plots.forest(rows, (d.difference, d.low, d.high), band, label, 0)
    sides = zip(found.names, (d.first, d.second), strict=True)
    return plots.forest({name: (one.auc, one.low, one.high) for name, one in sides}, None, None, "mean AUC", 0.5)


def _caption(found: Compared, delta: float | None) -> str:
    level = f"{found.difference.level:.0%}"
    if not found.participants:
        return f"Mean area under the ROC of the two groups with its {level} interval."
    grey = "" if delta is None else f"; grey: ± {delta:g}"
    return f"Difference of the areas of every participant and of all together, with {level} intervals{grey}."

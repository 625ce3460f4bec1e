"""A session run in its real window, at speed, by a simulated observer, with a checklist of what it found."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from data.bids import RECORD
from data.errors import LookalikeError
from data.files import read_table
from data.kinds.registry import find
from data.plan import Plan
from data.record import read_record
from data.shipped import EXAMPLE_STUDY
from data.study import StudyFile, read_study
from experiments.display.display_file import Display
from experiments.markers.markers import Markers
from experiments.records.bids import export_session
from experiments.records.record import Record, create_session
from experiments.rehearsal import checks
from experiments.rehearsal.checks import Check, failed
from experiments.rehearsal.stand_in import stand_in
from experiments.screen import Screen
from experiments.session.design import draw_plan, draw_seed
from experiments.session.devices import open_devices
from experiments.session.loop import Progress, run_session, silent
from experiments.session.run import open_window
from stimuli.loop_set import LoopSet
from stimuli.sets import StimulusSet
from stimuli.stimulus_source import Stimuli, read_stimuli

Made = TypeVar("Made")
CODE = "rehearsal"
SHORT_S = 0.03  # two frames: long enough to be drawn


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal found; `kept` is the folder with its data, if it was to be kept."""

    checks: tuple[Check, ...]
    kept: Path | None

    @property
    def failed(self) -> bool:
        """Whether a participant could not be run like this."""
        return any(one.outcome == "fail" for one in self.checks)


def rehearse(
    stimuli: Path,
    data: Path,
    study: Path | None = None,
    fullscreen: bool = False,
    display: Display | None = None,
    seed: int | None = None,
    keep: bool = False,
    progress: Progress = silent,
) -> Rehearsal:
    """Run a whole session in its window at speed, and check what a participant's session needs.

    Every text is shown, every image of the plan is drawn in a trial and every other one once; fixed exposures last two
    frames. Response box and markers are opened, and markers sent. The data go to a new temporary folder beside `data`,
    on the same disk, never into it.

    Parameters
    ----------
    stimuli : Path
        Folder of the stimulus set or of the loops.
    data : Path
        Folder that the participants' data will have; it is not touched, and need not exist.
    study : Path, optional
        Study file; by default the example study that ships with Lookalike.
    fullscreen, display
        As in `Setup`.
    seed : int, optional
        Seed of the plan; by default drawn at random.
    keep : bool
        Whether the temporary folder is kept.
    progress : callable, optional
        Called with (trials done, trials in all) after each answer.

    Returns
    -------
    Rehearsal
        The checklist. What is wrong with files, texts or the screen is a failed check, not an error.
    """
    near = next(folder for folder in (Path(data).absolute(), *Path(data).absolute().parents) if folder.is_dir())
    near = near.parent if near == Path(data).absolute() else near
    found: list[Check] = [checks.disk(near)]
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f"{CODE}-", dir=near))
    except OSError as error:
        return Rehearsal((*found, failed("disk", error)), None)
    try:
        _rehearse(Path(stimuli), scratch, study, fullscreen, display, seed, found, progress)
    finally:
        if not keep:
            shutil.rmtree(scratch, ignore_errors=True)
    return Rehearsal(tuple(found), scratch if keep else None)


def _rehearse(
    folder: Path,
    scratch: Path,
    study: Path | None,
    fullscreen: bool,
    display: Display | None,
    seed: int | None,
    found: list[Check],
    progress: Progress,
) -> None:
    """Add check after check to `found`; ends where one fails that the others need."""
    planned = _tried("study and task", found, lambda: read_study(study or EXAMPLE_STUDY))
    stimuli = _tried("images", found, lambda: read_stimuli(folder))
    if planned is None or stimuli is None:
        return
    plan = _tried("plan", found, lambda: _plan(stimuli, planned, draw_seed() if seed is None else seed))
    if plan is None:
        return
    found.append(Check("study and task", "ok", f"{planned.path.name}: {plan.kind}, {len(plan.trials)} trials"))
    found += [checks.duration(plan, stimuli), checks.retest(plan), checks.display_file(display)]
    screen = _tried("window", found, lambda: open_window(plan, stimuli, fullscreen, display))
    if screen is None:
        return
    try:
        found += [checks.texts(plan, screen), checks.fonts(screen), checks.image_size(screen, display)]
        found.append(_images(stimuli, screen))
        said: list[str] = []
        with ExitStack() as opened:
            devices = _tried(
                "devices", found, lambda: opened.enter_context(open_devices(plan, screen, person=True, say=said.append))
            )
            markers = devices.markers if devices is not None else Markers()
            _session(_hastened(plan), stimuli, scratch, screen, found, progress, markers)
        if devices is not None and (plan.box or plan.markers):
            found.append(checks.devices(plan, said))
    finally:
        screen.close()


def _tried(name: str, found: list[Check], make: Callable[[], Made]) -> Made | None:
    try:
        return make()
    except LookalikeError as error:
        found.append(failed(name, error))
        return None


def _plan(stimuli: Stimuli, study: StudyFile, seed: int) -> Plan:
    return draw_plan(stimuli, study, CODE, 1, seed)


def _hastened(plan: Plan) -> Plan:
    """The plan with every fixed time as short as can be drawn."""
    shorter = {name: min(getattr(plan, name), SHORT_S) for name in ("mask_s", "delay_s")}
    if plan.exposure_s is not None:
        shorter["exposure_s"] = SHORT_S
    trials = tuple(
        trial if trial.fixation_s is None else trial.model_copy(update={"fixation_s": SHORT_S}) for trial in plan.trials
    )
    return plan.model_copy(update={**shorter, "trials": trials})


def _images(stimuli: Stimuli, screen: Screen) -> Check:
    """Open and draw every image once."""
    names = _names(stimuli)
    for name in names:
        try:
            screen.prepare(stimuli.read(name))
            screen.flip()
        except LookalikeError as error:
            return failed("images", error)
    screen.blank()
    return Check("images", "ok", f"all {len(names)} opened and drawn")


def _names(stimuli: Stimuli) -> list[str]:
    if isinstance(stimuli, LoopSet):
        return list(stimuli.files)
    assert isinstance(stimuli, StimulusSet)
    return list(stimuli.by_id)


def _session(
    plan: Plan,
    stimuli: Stimuli,
    scratch: Path,
    screen: Screen,
    found: list[Check],
    progress: Progress,
    markers: Markers,
) -> None:
    """Run the session, and look at what it left."""
    responder = _tried("keys", found, lambda: stand_in(plan, screen, stimuli))
    if responder is None:
        return
    found.append(checks.keys(plan))
    plan = plan.model_copy(update={"display": screen.about})
    try:
        folder = create_session(scratch, plan)
        with Record(folder) as record:
            run_session(plan, stimuli, screen, responder, record, progress, markers=markers)
        table = export_session(scratch, plan.participant, plan.session)
    except LookalikeError as error:
        found.append(failed("session", error))
        return
    log = read_record(folder / RECORD)
    rows = int(read_table(table, ())[find(plan.kind).answer_column].notna().sum())
    found += [checks.answers(plan, log, rows), checks.frames(screen, log)]

"""A participant's first session: its plan is drawn and run, or one that stopped is resumed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from data.bids import PLAN, RECORD, session_folder
from data.errors import LookalikeError
from data.plan import Plan, read_plan
from data.record import Log, read_record
from data.shipped import EXAMPLE_STUDY
from data.study import StudyFile, read_study
from experiments.records.participants import check_may_begin, register_for
from experiments.records.record import find_unfinished, is_running, refuse_taken, sessions
from experiments.session.design import EarlierParticipants, draw_plan, draw_seed, swapped
from experiments.session.loop import Progress, silent
from experiments.session.run import Say, SessionResult, Setup, resume, run, to_stderr
from stimuli.stimulus_source import Stimuli, read_stimuli


def run_first_session(
    stimuli: Path,
    data: Path,
    participant: str,
    study: Path | None = None,
    seed: int | None = None,
    setup: Setup | None = None,
    progress: Progress = silent,
    say: Say = to_stderr,
    new: bool = False,
) -> SessionResult:
    """Draw the plan of a participant's first session and run it, or resume it if it stopped.

    Parameters
    ----------
    stimuli : Path
        Folder of the stimulus set, or of the morph loops of a matching task.
    data : Path
        Folder with the data of all participants; made if it does not exist.
    participant : str
        Code of 1 to 40 letters and digits. A person's code is registered beforehand
        (`register_participant`), or with `new`.
    study : Path, optional
        Study file; by default the example study that ships with Lookalike. A session that resumes keeps its own.
    seed : int, optional
        Seed (0 or more) of the choice and order of images; by default drawn at random. It is recorded in the plan.
    setup : Setup, optional
        Observer and screen; by default a person at a window.
    progress : callable, optional
        Called with (trials done, trials in all) after each answer.
    say : callable, optional
        Called with one line for the experimenter at a time: the study file, warnings about the display, whether the
        session resumes, and what differs from before. Prints to stderr by default.
    new : bool, optional
        Register the participant's code just before the first screen.

    Returns
    -------
    SessionResult
        Folder of the plan and record, exported table, and how many trials were answered.

    Raises
    ------
    LookalikeError
        If something is wrong before the first image; `data` is then unchanged. Codes include `not-registered`,
        `session-exists`, `session-running`, `set-too-small`, `stimuli-mismatch`, `other-set` and `study-mismatch`.

    Examples
    --------
    A simulated observer with d′ = 1 judges 100 images of noise without a window:

    >>> import experiments
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from stimuli.sets import Candidate, Layout, build_set
    >>> rng = np.random.default_rng(1)
    >>> real, generated = ([Candidate(rng.random((16, 16), dtype=np.float32), f"{source}:{n}") for n in range(50)]
    ...                    for source in ("patch", "seed"))
    >>> stimuli = build_set(Path("stimuli"), real, generated, Layout(main=100), {})
    >>> setup = experiments.Setup("simulated", window=False)
    >>> result = experiments.run_first_session(stimuli.folder, Path("data"), "sim1", seed=1, setup=setup)
    >>> result.answered, result.complete, result.table.name
    (100, True, 'sub-sim1_ses-1_task-realfake_beh.tsv')
    """
    unfinished = find_unfinished(data, participant, 1)
    setup = setup or Setup()
    if unfinished is None:
        refuse_taken(data, participant, 1)
        check_may_begin(data, participant, setup.observer, new)
    source = read_stimuli(stimuli)
    if unfinished is not None:
        plan, log = unfinished
        _refuse_other_settings(data, plan, log, None if study is None else read_study(study), seed)
        return resume(plan, log, source, data, setup, progress, say=say)
    chosen_seed, planned = draw_seed() if seed is None else seed, read_study(study or EXAMPLE_STUDY)
    begun = _begun(data, planned)
    took_part = [plan for plan in begun if _took_part(data, plan)]
    if setup.observer == "human":
        for line in _about_study(data, planned, begun, study is not None):
            say(line)
    plan = draw_plan(source, planned, participant, 1, chosen_seed, _earlier(data, took_part, planned, source))

    def ready() -> None:
        if new:
            register_for(data, participant, setup.observer, say)

    return run(plan, source, data, setup, progress, say=say, ready=ready)


def _plans(data: Path) -> list[Path]:
    """The plan files of all first sessions in `data`, of any task."""
    return sorted((Path(data) / "sourcedata").glob(f"sub-*/ses-1/{PLAN}"))


def _begun(data: Path, study: StudyFile) -> list[Plan]:
    """The plans of first sessions of this task in `data`.

    Damaged ones are skipped: one participant's damaged file must not stop another.
    """
    plans: list[Plan] = []
    for path in _plans(data):
        with suppress(LookalikeError):
            plans.append(read_plan(path))
    return [plan for plan in plans if plan.task == study.study.task]


def _took_part(data: Path, plan: Plan) -> bool:
    """Whether a first session has an answer, or may have one soon, as it is running."""
    path = session_folder(data, plan.participant, plan.session) / RECORD
    try:
        return bool(read_record(path).of("answer")) or is_running(path)
    except LookalikeError as error:
        return error.code == "damaged-file"  # it was written to


def _about_study(data: Path, study: StudyFile, begun: list[Plan], given: bool) -> list[str]:
    """Lines that name the study file. Raises `LookalikeError` if it is the default and others had another."""
    others = sum(plan.study_sha256 != study.sha256 for plan in begun)
    count = f"{others} of {len(begun)} participants here were run with another study file"
    if others and not given:
        raise LookalikeError(
            "study-mismatch",
            f"{data}: {count} than the shipped example, and --study is not given; give theirs, or another --data",
        )
    changed = [f"{study.path}: {count}, or with this one before it was changed"] if others else []
    return [f"study file: {study.path if given else 'the shipped example'}", *changed]


def _earlier(data: Path, took_part: list[Plan], study: StudyFile, source: Stimuli) -> EarlierParticipants:
    """How many participants there are, with which keys, and, where each has images of their own, which they saw.

    Participants who left before their first answer do not count, nor do those who withdrew: keys are balanced among
    those whose data stay. Images unique to each participant must be new in every task, so a damaged plan raises
    `LookalikeError` here.
    """
    task = study.need_task().task
    mappings, keys = [plan.keys for plan in took_part], task.key_mapping
    straight, other = mappings.count(keys), mappings.count(swapped(keys)) if keys else 0
    if task.images == "shared":
        return EarlierParticipants(straight + other, other)
    plans = [plan for plan in map(read_plan, _plans(data)) if plan.stimulus_set_sha256 == source.sha256]
    seen = (name for plan in plans for trial in plan.trials if trial.role != "practice" for name in trial.images)
    return EarlierParticipants(straight + other, other, frozenset(seen))


def _refuse_other_settings(data: Path, plan: Plan, log: Log, study: StudyFile | None, seed: int | None) -> None:
    """A session resumes as it was planned, or not at all."""
    who = f"participant {plan.participant}'s session {plan.session} stopped after {len(log.of('answer'))} trials and"
    later = [number for number in sessions(data, plan.participant) if number > plan.session]
    if any(_holds_answers(session_folder(data, plan.participant, number) / RECORD) for number in later):
        raise LookalikeError("later-session-exists", f"{who} was followed by a later one, so it cannot be resumed")
    if study is not None:
        _refuse_other_file(who, "study file", study.path, study.sha256, plan.study_sha256)
        task = study.need_task()
        _refuse_other_file(who, "task file", task.path, task.sha256, plan.task_sha256 or task.sha256)
    if seed is not None and seed != plan.seed:
        raise LookalikeError(
            "seed-mismatch", f"{who} was drawn with seed {plan.seed}, not {seed}; leave out --seed to resume it"
        )


def _holds_answers(record: Path) -> bool:
    """Whether a session was answered, or may be now; one that was opened and closed again holds nothing."""
    return record.exists() and (is_running(record) or bool(read_record(record).of("answer")))


def _refuse_other_file(who: str, what: str, path: Path, is_now: str, was: str) -> None:
    if is_now != was:
        raise LookalikeError(
            "study-mismatch",
            f"{path}: {who} was planned with another {what} ({was[:12]}, this one is {is_now[:12]}), or this one was "
            "changed since; give the one it was planned with, or use another --participant",
        )

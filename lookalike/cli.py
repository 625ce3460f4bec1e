"""The command line: parse, call, print.

Nothing heavy is imported before a command needs it, so that `--help` answers at once. A user's
mistake is one line on stderr and exit code 2; `lookalike --debug ...` shows where it came from.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from data.errors import LookalikeError
from data.shipped import DEFAULT_MODEL, EXAMPLE_STUDY
from lookalike.console import headline, need, progress, relative, say, shares, show, whole_numbers
from lookalike.options import (
    MAX_SEED,
    Data,
    DPrime,
    Fullscreen,
    Json,
    ModelFolder,
    Observer,
    Out,
    Participant,
    Script,
    Seed,
    SessionSeed,
    Truncation,
    Window,
)

EXAMPLE = """\b
Example, from mammograms to a figure:
  lookalike patches mammograms/ --out patches
  lookalike train patches --out runs/first
  lookalike stimuli build --patches patches --model runs/first/models/000200000-images --out study-1/stimuli
  lookalike run study-1/stimuli --data study-1 --participant k7q2m
  lookalike retest study-1/stimuli --data study-1 --participant k7q2m
  lookalike analyze study-1 --out results
"""

app = typer.Typer(
    name="lookalike",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: quick, and the examples keep their lines
    pretty_exceptions_enable=False,
    help="Medical images that do not exist, shown beside real ones, and a measure of whether anyone can tell.",
    epilog=EXAMPLE,
)
stimuli_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make stimulus sets.")
app.add_typer(stimuli_app, name="stimuli")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback instead of one line.")] = False,  # noqa: ARG001
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from data.version import VERSION

        print(VERSION)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def patches(
    source: Annotated[Path, typer.Argument(help="Folder of mammograms (PNG, JPEG, TIFF or DICOM) and boxes.csv.")],
    out: Out,
    boxes: Annotated[Path | None, typer.Option(help="Table of lesion boxes, if not SOURCE/boxes.csv.")] = None,
    size: Annotated[int, typer.Option(help="Side of a patch, px.")] = 64,
    context: Annotated[float, typer.Option(help="Side of a patch over the larger side of the lesion's box.")] = 2.0,
    split: Annotated[str, typer.Option(help="Percent of patients in train/select/study.")] = "70/10/20",
    key: Annotated[
        Path, typer.Option(help="Key of the patient codes; made if missing. Keep it, and keep it secret.")
    ] = Path(".lookalike/patient.key"),
    crops_per_box: Annotated[int, typer.Option(help="Above 1: that many displaced crops of each lesion.")] = 1,
    credit: Annotated[str, typer.Option(help="Attribution that the images' licence asks for.")] = "",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Cut square patches round lesions, split by patient.

    \b
    Example:
      lookalike patches mammograms/ --out patches --context 2
    """
    from stimuli.patches import Cut, cut_patches, read_key
    from stimuli.sources import read_source

    cut = Cut(size, context, shares(split), crops_per_box, seed)
    mammograms = read_source(source, boxes)
    with progress("mammograms", len(mammograms)) as advance:
        made = cut_patches(mammograms, out, read_key(key), cut, credit, advance)
    about = {name: made.about[name] for name in ("patches", "patients", "rejected")}
    show({"out": relative(out), **about, "key": relative(key)}, as_json)


@app.command()
def train(
    patches: Annotated[Path, typer.Argument(help="Patch set; only its train split is used.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run: new, or with --resume an old one.")],
    discriminator: Annotated[
        str, typer.Option(help="stylegan (the paper's) or frozen (pretrained features).")
    ] = "stylegan",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last snapshot in --out.")] = False,
    kimg: Annotated[float, typer.Option(help="Length: thousands of real images shown.")] = 200.0,
    batch: Annotated[int, typer.Option(help="Images per step.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="Of Adam, for both networks.")] = 2e-3,
    gamma: Annotated[float, typer.Option(help="Weight of the R1 gradient penalty.")] = 1.0,
    snapshot_kimg: Annotated[float, typer.Option(help="A model and a sample sheet every so often.")] = 10.0,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train a StyleGAN on a patch set; stop it at any time and --resume.

    \b
    Example:
      lookalike train patches --out runs/first --kimg 200
      lookalike train patches --out runs/first --kimg 400 --resume
    """
    need("gan")
    from gan.generator import Architecture
    from gan.train import Progress, Settings
    from gan.train import train as run
    from stimuli.patches import read_patches

    found = read_patches(patches)
    settings = Settings(
        Architecture(int(found.about["size_px"])),
        discriminator=discriminator,
        kimg=kimg,
        batch=batch,
        learning_rate=learning_rate,
        r1_gamma=gamma,
        snapshot_kimg=snapshot_kimg,
        seed=seed,
    )
    with progress("images", round(kimg * 1000)) as advance:
        shown = 0

        def report(now: Progress) -> None:
            nonlocal shown
            note = f"{now.images_per_s:.0f}/s  D {now.loss_d:.2f}  G {now.loss_g:.2f}"
            advance(now.images - shown, note)
            shown = now.images
            if now.snapshot is not None:
                say(f"{now.images:>9} images  {note}  -> {relative(now.snapshot)}")

        model = run(found, out, settings, resume=resume, progress=report)
    show({"model": relative(model), "samples": relative(out / "samples"), "log": relative(out / "log.jsonl")}, as_json)


@app.command()
def morph(
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    seeds: Annotated[str, typer.Option(help="Anchors, in order.")] = "1,2,3",
    frames: Annotated[int, typer.Option(help="Images on the loop.")] = 147,
    truncation: Truncation = 0.7,
    noise_seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Seed of the noise, the same in all frames.")
    ] = 0,
    bits: Annotated[int, typer.Option(help="Bits per pixel, 8 or 16.")] = 8,
    as_json: Json = False,
) -> None:
    """Make a morph loop A -> B -> C -> A in even steps.

    \b
    Example:
      lookalike morph --seeds 4,8,15 --frames 147 --out loop
    """
    need("gan")
    from gan.checkpoint import load_model
    from gan.morph import make_loop

    loop = make_loop(load_model(model), out, whole_numbers(seeds, "seeds"), frames, truncation, noise_seed, bits)
    result = {
        "loop": relative(out / "loop.json"),
        "picture": relative(out / "loop.gif"),
        "frames": len(loop.frames),
        "anchors_at_frames": list(loop.anchors),
        "steps": f"vary by {loop.evenness:.1%} ({loop.metric})",
    }
    show(result | ({"evenness": loop.evenness, "metric": loop.metric} if as_json else {}), as_json)


@stimuli_app.command("build")
def stimuli_build(
    patches: Annotated[Path, typer.Option("--patches", help="Patch set; only its study split is shown.")],
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    main: Annotated[int, typer.Option(help="Images to judge, half real.")] = 100,
    practice: Annotated[int, typer.Option(help="Practice images, half real, apart from the others.")] = 0,
    catch: Annotated[int, typer.Option(help="Known fakes, from --catch-model.")] = 0,
    catch_model: Annotated[Path | None, typer.Option(help="A worse model, such as an early snapshot.")] = None,
    disjoint_patients: Annotated[
        bool, typer.Option("--disjoint-patients", help="Vouch that the model was trained on none of these patients.")
    ] = False,
    truncation: Truncation = 0.7,
    first_seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Generated images are consecutive seeds from here.")
    ] = 0,
    size: Annotated[int | None, typer.Option(help="Side on disk, px: resampled once, both kinds alike.")] = None,
    bits: Annotated[int, typer.Option(help="Bits per pixel, 8 or 16.")] = 8,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Build a stimulus set: real patches of study patients and generated images.

    \b
    Example:
      lookalike stimuli build --patches patches --main 100 --size 256 --out study-1/stimuli
    """
    need("gan")
    from lookalike.build import Recipe, build
    from stimuli.sets import Layout

    recipe = Recipe(patches, model, truncation, first_seed, catch_model, disjoint_patients)
    made = build(out, recipe, Layout(main, practice, catch, size, bits, seed))
    roles = made.table.groupby(["role", "truth"]).size()
    counts = {f"{role} {truth}": int(count) for (role, truth), count in roles.items()}
    show({"out": relative(out), "images": counts, "rejected": made.about["rejected"], "sha256": made.sha256}, as_json)


@app.command()
def run(
    stimuli: Annotated[Path, typer.Argument(help="Stimulus set.")],
    data: Data,
    participant: Participant,
    study: Annotated[Path, typer.Option(help="Study file.", show_default="the shipped example")] = EXAMPLE_STUDY,
    observer: Observer = "human",
    script: Script = None,
    window: Window = True,
    fullscreen: Fullscreen = False,
    dprime: DPrime = 0.0,
    seed: SessionSeed = None,
    as_json: Json = False,
) -> None:
    """Run a participant's first session: real or generated, and how sure?

    \b
    Example:
      lookalike run study-1/stimuli --data study-1 --participant k7q2m --fullscreen
      lookalike run study-1/stimuli --data dry-run --participant sim1 --observer simulated --no-window
    """
    from experiments import realfake
    from lookalike.sessions import count, setup_for, show_session

    setup = setup_for(observer, window, fullscreen, script, dprime, participant)
    with progress("trials", None) as advance:
        result = realfake.run(stimuli, data, participant, study, seed, setup, count(advance))
    show_session(result, as_json)


@app.command()
def retest(
    stimuli: Annotated[Path, typer.Argument(help="The stimulus set of the first session.")],
    data: Data,
    participant: Participant,
    observer: Observer = "human",
    script: Script = None,
    window: Window = True,
    fullscreen: Fullscreen = False,
    dprime: DPrime = 0.0,
    seed: SessionSeed = None,
    as_json: Json = False,
) -> None:
    """Run a later session with the same images; nothing on screen says so.

    \b
    Example:
      lookalike retest study-1/stimuli --data study-1 --participant k7q2m --fullscreen
    """
    from experiments import retest as flow
    from lookalike.sessions import count, setup_for, show_session

    setup = setup_for(observer, window, fullscreen, script, dprime, participant)
    with progress("trials", None) as advance:
        result = flow.run(stimuli, data, participant, seed, setup, count(advance))
    show_session(result, as_json)


@app.command()
def export(
    data: Annotated[Path, typer.Argument(help="Folder of all participants' data.")],
    as_json: Json = False,
) -> None:
    """Make the tables of recorded sessions that have none yet, as after a crash.

    \b
    Example:
      lookalike export study-1
    """
    from experiments.export import export_all

    sessions = export_all(data)
    if as_json:
        show({"sessions": [asdict(one) for one in sessions]}, True)
    for one in () if as_json else sessions:
        answered = f"{one.answered} of {'?' if one.trials is None else one.trials} answered"
        where = one.problem or ("" if one.table is None else relative(one.table))
        print(f"{one.participant}  session {one.session}  {answered}  {one.outcome}  {where}")
    if any(one.outcome == "failed" for one in sessions):
        raise typer.Exit(1)


@app.command()
def analyze(
    data: Annotated[Path, typer.Argument(help="Folder that holds the sub-* folders.")],
    out: Out,
    study: Annotated[Path | None, typer.Option(help="Study file; its exclusions apply.")] = None,
    stimuli: Annotated[Path | None, typer.Option(help="Stimulus set that every record must come from.")] = None,
    as_json: Json = False,
) -> None:
    """Analyse: ROC, AUC, d' and test-retest similarity, with figure and report.

    \b
    Example:
      lookalike analyze study-1 --study study.toml --out results
    """
    from analysis.report import analyze as run_analysis
    from data.study import read_study
    from stimuli.sets import read_set

    summary = run_analysis(
        data, out, None if study is None else read_study(study), None if stimuli is None else read_set(stimuli).sha256
    )
    if study is None and summary["study"]["studies_in_sessions_sha256"]:
        say("lookalike: no --study was given, so the exclusions of the sessions' study file are not applied")
    if as_json:
        show(summary, True)
    else:
        show(headline(summary, out), False)


@app.command()
def demo(
    out: Out = Path("demo-output"),
    model: ModelFolder = DEFAULT_MODEL,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """See everything work: mammograms to ROC figure, with simulated observers.

    \b
    Example:
      lookalike demo --out demo-output
    """
    need("gan")
    need("demo")
    from data.files import read_json
    from lookalike import demo as flow

    made = flow.run(out, model, seed)
    folders = {name: relative(path) for name, path in asdict(made).items()}
    show({**folders, **headline(read_json(made.results / "summary.json"), made.results)}, as_json)
    say(f"\nNote: {flow.WARNING}\nReal images: {flow.CREDIT}.")


def main() -> None:
    """Entry point: run a command; a `LookalikeError` becomes one line and exit code 2."""
    try:
        app()
    except LookalikeError as error:
        if "--debug" in sys.argv:
            raise
        say(f"lookalike: {' '.join(str(error).split())}")
        sys.exit(2)
    except OSError as error:
        # The file system said no: a full disk, a folder that may not be written, a file in the way.
        if "--debug" in sys.argv:
            raise
        where = f"{error.filename}: " if error.filename else ""
        say(f"lookalike: {where}{error.strerror or error}; what was finished is safe; free space or write elsewhere")
        sys.exit(2)

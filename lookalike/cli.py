"""The command line: parse, call, print.

Nothing heavy is imported before a command needs it, so that `--help` answers at once. A user's
mistake is one line on stderr and exit code 2; `lookalike --debug ...` shows where it came from.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from data.errors import LookalikeError
from data.shipped import DEFAULT_MODEL, EXAMPLE_STUDY
from lookalike.console import need, progress, relative, say, shares, show, whole_numbers

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

Out = Annotated[Path, typer.Option("--out", help="New folder to write; never overwrites.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
ModelFolder = Annotated[Path, typer.Option("--model", help="Model folder.", show_default="the shipped one")]
Truncation = Annotated[float, typer.Option(min=0, max=1, help="Psi: 1 is full variety, 0 the mean image.")]
Data = Annotated[Path, typer.Option("--data", help="Folder of all participants' data.")]
Participant = Annotated[str, typer.Option("--participant", help="Random code, letters and digits; never a name.")]
Observer = Annotated[str, typer.Option(help="human, scripted or simulated.")]
Script = Annotated[Path | None, typer.Option(help="Answers of a scripted observer: CSV.")]
Window = Annotated[bool, typer.Option("--window/--no-window", help="Show the images in a PsychoPy window.")]
Fullscreen = Annotated[bool, typer.Option("--fullscreen", help="Use the whole screen.")]
SessionSeed = Annotated[int | None, typer.Option("--seed", help="Seed of the order (default: drawn, recorded).")]
DPrime = Annotated[float, typer.Option("--dprime", help="Sensitivity of a simulated observer.")]


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

        model = run(found, out, settings, resume=resume, progress=report)
    show({"model": relative(model), "samples": relative(out / "samples"), "log": relative(out / "log.jsonl")}, as_json)


@app.command()
def morph(
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    seeds: Annotated[str, typer.Option(help="Anchors, in order.")] = "1,2,3",
    frames: Annotated[int, typer.Option(help="Images on the loop.")] = 147,
    truncation: Truncation = 0.7,
    noise_seed: Annotated[int, typer.Option(help="Seed of the noise, the same in all frames.")] = 0,
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
        "anchors": list(loop.anchors),
        "metric": loop.metric,
        "evenness": round(loop.evenness, 5),
    }
    show(result, as_json)


@stimuli_app.command("build")
def stimuli_build(
    patches: Annotated[Path, typer.Option("--patches", help="Patch set; only its study split is shown.")],
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    main: Annotated[int, typer.Option(help="Images to judge, half real.")] = 100,
    practice: Annotated[int, typer.Option(help="Practice images, half real, apart from the others.")] = 0,
    catch: Annotated[int, typer.Option(help="Known fakes, from --catch-model.")] = 0,
    catch_model: Annotated[Path | None, typer.Option(help="A worse model, such as an early snapshot.")] = None,
    truncation: Truncation = 0.7,
    first_seed: Annotated[int, typer.Option(help="Generated images are consecutive seeds from here.")] = 0,
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

    recipe = Recipe(patches, model, truncation, first_seed, catch_model)
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

    setup = _setup(observer, window, fullscreen, script, dprime, participant)
    with progress("trials", None) as advance:
        result = realfake.run(stimuli, data, participant, study, seed, setup, _count(advance))
    _show_session(result, as_json)


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

    setup = _setup(observer, window, fullscreen, script, dprime, participant)
    with progress("trials", None) as advance:
        result = flow.run(stimuli, data, participant, seed, setup, _count(advance))
    _show_session(result, as_json)


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
    if as_json:
        show(summary, True)
    else:
        show(_headline(summary, out), False)


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
    show({**folders, **_headline(read_json(made.results / "summary.json"), made.results)}, as_json)
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


def _setup(observer: str, window: bool, fullscreen: bool, script: Path | None, dprime: float, participant: str) -> Any:
    """Who answers and on what; a simulated observer is the same one whenever the code is the same."""
    from zlib import crc32

    from data.observers import Observer as Simulated
    from experiments.sitting import Setup

    if observer not in ("human", "scripted", "simulated"):
        raise LookalikeError(f"observer is {observer!r}; it is human, scripted or simulated")
    if window:
        need("lab")
    simulated = Simulated(dprime=dprime, image_sd=0.5, own_sd=0.6, seed=crc32(participant.encode()))
    return Setup(observer, window, fullscreen, script, simulated)  # type: ignore[arg-type]


def _count(advance: Any) -> Any:
    """A session's progress (done, total) as steps of a progress bar."""
    return lambda done, total: advance(1, total=total) if done else None


def _show_session(result: Any, as_json: bool) -> None:
    shown = {
        "participant": result.participant,
        "session": result.session,
        "answered": f"{result.answered} of {result.trials}",
        "complete": result.complete,
        "seed": result.seed,
        "table": relative(result.table),
        "record": relative(result.folder),
    }
    show(shown | ({"answered": result.answered, "trials": result.trials} if as_json else {}), as_json)
    if not result.complete:
        raise typer.Exit(1)


def _headline(summary: dict[str, Any], out: Path) -> dict[str, Any]:
    """The few numbers to print after an analysis; the rest is in the files."""
    shown: dict[str, Any] = {}
    for group in summary["groups"]:
        kind = f"{group['participants']} {group['observer']}"
        for name, label, digits in (("dprime", "d'", 2), ("auc", "AUC", 3), ("similarity", "retest similarity", 2)):
            shown[f"{label}, {kind}"] = _mean(group[name], digits)
    files = {"figure": out / "figure5.png", "report": out / "report.html", "tables": out / "participants.tsv"}
    return shown | {name: relative(path) for name, path in files.items()}


def _mean(mean: dict[str, Any], digits: int) -> str:
    if mean["mean"] is None:
        return f"undefined ({mean['reason']})"
    text = f"mean {mean['mean']:.{digits}f}"
    if mean["low"] is None:
        return f"{text} ({mean['reason']})"
    return f"{text} [{mean['low']:.{digits}f}, {mean['high']:.{digits}f}], {mean['level']:.0%} CI over {mean['n']}"

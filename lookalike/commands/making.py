"""Commands for whoever makes stimuli: from mammograms to patches, a generator, loops and stimulus sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.shipped import DEFAULT_MODEL
from lookalike.console import need, progress, relative, say, shares, show, whole_numbers
from lookalike.options import MAX_SEED, DisjointPatients, Json, ModelFolder, Out, Seed, Truncation, Weights

app = typer.Typer()
stimuli_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make stimulus sets.")
app.add_typer(stimuli_app, name="stimuli")


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
    new_key = not key.exists()
    with progress("mammograms", len(mammograms)) as advance:
        made = cut_patches(mammograms, out, read_key(key), cut, credit, advance)
    if new_key:
        say(f"{relative(key)}: a new key; with another one these patients get other codes and change sides, so keep it")
    about = {name: made.about[name] for name in ("patches", "patients", "rejected")}
    show({"out": relative(out), **about, "key": relative(key)}, as_json)


@app.command()
def train(
    patches: Annotated[Path, typer.Argument(help="Patch set; only its train split is used.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run: new, or with --resume an old one.")],
    preset: Annotated[
        str | None,
        typer.Option(help="tiny (64 px), small (128 px) or paper (256 px, full width). [default: by patch size]"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last snapshot in --out.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print plan, time and memory; train nothing.")] = False,
    discriminator: Annotated[
        str | None, typer.Option(help="stylegan (the paper's) or frozen (pretrained features).")
    ] = None,
    kimg: Annotated[float | None, typer.Option(help="Length: thousands of real images shown.")] = None,
    batch: Annotated[int | None, typer.Option(help="Images per step, over all processes.")] = None,
    resolution: Annotated[int | None, typer.Option(help="Side of the images, px: a power of two, 32 to 1024.")] = None,
    channel_base: Annotated[int | None, typer.Option(help="Channels at r px: at most this / r ...")] = None,
    channel_max: Annotated[int | None, typer.Option(help="... and at most this.")] = None,
    latent: Annotated[int | None, typer.Option(help="Dimensions of z and w.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam, below 128 px; above it grows.")] = None,
    gamma: Annotated[float | None, typer.Option(help="Weight of stylegan's R1 penalty; the paper's is 10.")] = None,
    ada_target: Annotated[float | None, typer.Option(help="Of stylegan's adaptive augmentation; 0 is none.")] = None,
    moments: Annotated[float | None, typer.Option(help="With frozen: weight of matching features' moments.")] = None,
    style_mixing: Annotated[float | None, typer.Option(help="Share of images made with two codes.")] = None,
    symmetry: Annotated[str | None, typer.Option(help="Turns that change nothing: none, mirror or dihedral.")] = None,
    progressive: Annotated[
        bool | None, typer.Option("--progressive/--no-progressive", help="Grow from 8 px, size by size.")
    ] = None,
    stage_kimg: Annotated[float | None, typer.Option(help="Of growing: how long at each size ...")] = None,
    fade_kimg: Annotated[float | None, typer.Option(help="... and how long to fade in the next.")] = None,
    snapshot_kimg: Annotated[float | None, typer.Option(help="A model and a sample sheet every so often.")] = None,
    precision: Annotated[str | None, typer.Option(help="no (32 bits) or bf16.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=MAX_SEED, help="Seed of everything random.")] = None,
    as_json: Json = False,
) -> None:
    """Train a StyleGAN on a patch set; stop it at any time and --resume.

    What is not given is the preset's, or with --resume the run's. Under 'accelerate launch' several
    processes share each batch.

    \b
    Example:
      lookalike train patches --out runs/first --preset tiny --dry-run
      lookalike train patches --out runs/first --preset tiny --kimg 200
      lookalike train patches --out runs/first --kimg 400 --resume
      accelerate launch --multi_gpu --num_processes 2 -m lookalike train patches --out runs/second
    """
    need("gan")
    from lookalike.flows.train import chosen, plan_of, watch
    from stimuli.patches import read_patches

    widths = {"channel_base": channel_base, "channel_max": channel_max, "z_dim": latent, "w_dim": latent}
    options = {
        "discriminator": discriminator,
        "kimg": kimg,
        "batch": batch,
        "learning_rate": learning_rate,
        "r1_gamma": gamma,
        "ada_target": ada_target,
        "moments": moments,
        "style_mixing": style_mixing,
        "symmetry": symmetry,
        "progressive": progressive,
        "stage_kimg": stage_kimg,
        "fade_kimg": fade_kimg,
        "snapshot_kimg": snapshot_kimg,
        "precision": precision,
        "seed": seed,
    }
    found = read_patches(patches)
    shape = {"resolution": resolution, **widths}
    settings = chosen(preset, int(found.about["size_px"]), shape, options, out if resume else None)
    show(plan_of(found, settings, as_json) if dry_run else watch(found, out, settings, resume), as_json)


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
    disjoint_patients: DisjointPatients = False,
    safe: Annotated[bool, typer.Option("--safe", help="Pass over images too near a training patch.")] = False,
    vgg16: Weights = None,
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
    from lookalike.flows.build import Recipe, build
    from stimuli.sets import Layout

    recipe = Recipe(patches, model, truncation, first_seed, catch_model, disjoint_patients, safe, vgg16)
    made = build(out, recipe, Layout(main, practice, catch, size, bits, seed))
    roles = made.table.groupby(["role", "truth"]).size()
    counts = {f"{role} {truth}": int(count) for (role, truth), count in roles.items()}
    show({"out": relative(out), "images": counts, "rejected": made.about["rejected"], "sha256": made.sha256}, as_json)

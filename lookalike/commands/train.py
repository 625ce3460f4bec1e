"""`lookalike train`: from a patch set to a generator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lookalike.console import need, show
from lookalike.options import MAX_SEED, Json


def train(
    patches: Annotated[Path, typer.Argument(help="Patch set; only its train split is used.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run: a new one, or with --resume an earlier one.")],
    preset: Annotated[
        str | None,
        typer.Option(help="Preset: tiny (64 px), small (128 px) or paper (256 px). [default: by patch size]"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continuation of the run in --out from its last snapshot.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan with time and memory, without training.")] = False,
    discriminator: Annotated[
        str | None, typer.Option(help="Discriminator: stylegan (the paper's) or frozen (pretrained features).")
    ] = None,
    kimg: Annotated[float | None, typer.Option(help="Length, thousands of training images shown.")] = None,
    batch: Annotated[
        int | None, typer.Option(help="Images per step over all processes, a multiple of 4 per process.")
    ] = None,
    resolution: Annotated[
        int | None, typer.Option(help="Side of the images, px: a power of two from 8 to 1024.")
    ] = None,
    channel_base: Annotated[
        int | None, typer.Option(help="Channels of a layer of r px: at most this number / r.")
    ] = None,
    channel_max: Annotated[int | None, typer.Option(help="Channels of any layer, at most.")] = None,
    latent: Annotated[int | None, typer.Option(help="Dimensions of z and w.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Adam's learning rate below 128 px; raised at larger sizes.")
    ] = None,
    gamma: Annotated[
        float | None, typer.Option(help="Weight of stylegan's R1 penalty, 0 or more; the paper's is 10.")
    ] = None,
    ada_target: Annotated[
        float | None, typer.Option(help="Target of stylegan's adaptive augmentation, 0 (none) to 1.")
    ] = None,
    moments: Annotated[float | None, typer.Option(help="Weight of feature moments with frozen, 0 or more.")] = None,
    style_mixing: Annotated[
        float | None, typer.Option(help="Share of images generated from two codes, 0 to 1.")
    ] = None,
    symmetry: Annotated[
        str | None, typer.Option(help="Symmetry of the images: none, mirror or dihedral (mirror and quarter turns).")
    ] = None,
    progressive: Annotated[
        bool | None,
        typer.Option("--progressive/--no-progressive", help="Progressive growing from 8 px, or full size throughout."),
    ] = None,
    stage_kimg: Annotated[
        float | None, typer.Option(help="Training at each size of --progressive, thousands of images.")
    ] = None,
    fade_kimg: Annotated[
        float | None, typer.Option(help="Fade from one size to the next, thousands of images.")
    ] = None,
    snapshot_kimg: Annotated[
        float | None, typer.Option(help="Interval between snapshots (model and samples), thousands of images.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="Mixed precision: no (32 bits) or bf16.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=MAX_SEED, help="Random seed.")] = None,
    as_json: Json = False,
) -> None:
    """Train a StyleGAN on a patch set; stop any time and --resume.

    An option that is not given has the preset's value, or with --resume the run's. Under 'accelerate launch'
    several processes share each batch.

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

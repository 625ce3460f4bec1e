"""`lookalike train`: from a patch set to a generator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data.errors import LookalikeError
from lookalike.console import need, show
from lookalike.options import MAX_SEED, Json

TrainingPatches = Annotated[Path, typer.Argument(help="Patch set; only its train split is used.")]
RunFolder = Annotated[
    Path, typer.Option("--out", help="Folder of the run: a new one, or with --resume an earlier one.")
]
Preset = Annotated[
    str | None,
    typer.Option(help="Preset: tiny (64 px), small (128 px) or paper (256 px). [default: by patch size]"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continuation of the run in --out from its last snapshot.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Plan with time and memory, without training.")]
Discriminator = Annotated[
    str | None,
    typer.Option(
        help="Discriminator: stylegan (the paper's), frozen (pretrained features), pixels, or ensemble (both)."
    ),
]
StartFrom = Annotated[
    Path | None, typer.Option("--from", help="Stored model that the run starts from, of this size or smaller.")
]
WarmUpKimg = Annotated[
    float | None,
    typer.Option(
        help="Wait of the generator for a new discriminator, thousands of images. [default with --from: 5; 1 with the "
        "model's own]"
    ),
]
CoolDownKimg = Annotated[
    float | None, typer.Option(help="Fall of the learning rate to 0 at the end, thousands of images.")
]
LastLayers = Annotated[
    int | None, typer.Option(help="Styled layers that learn with --from, counted from the last; 0 is all.")
]
KeepCoarse = Annotated[
    float | None, typer.Option(help="Weight of keeping the coarse content of the images of --from, 0 or more.")
]
PathWeight = Annotated[float | None, typer.Option(help="Weight of the penalty on steep paths in W, 0 or more.")]
PixelGamma = Annotated[float | None, typer.Option(help="Weight of the gradient penalty on pixels, 0 or more.")]
PixelWeight = Annotated[float | None, typer.Option(help="Weight of the pixel discriminator, 0 or more.")]
Relativistic = Annotated[
    bool | None,
    typer.Option("--relativistic/--no-relativistic", help="Comparison of each real image with a generated one."),
]
Kimg = Annotated[float | None, typer.Option(help="Length, thousands of training images shown.")]
Batch = Annotated[int | None, typer.Option(help="Images per step over all processes, a multiple of 4 per process.")]
Resolution = Annotated[int | None, typer.Option(help="Side of the images, px: a power of two from 8 to 1024.")]
ChannelBase = Annotated[int | None, typer.Option(help="Channels of a layer of r px: at most this number / r.")]
ChannelMax = Annotated[int | None, typer.Option(help="Channels of any layer, at most.")]
Filter = Annotated[
    int | None, typer.Option("--filter", help="Side of a linear filter that ends the generator, px: 0 (none), 3 to 15.")
]
Latent = Annotated[int | None, typer.Option(help="Dimensions of z and w.")]
LearningRate = Annotated[float | None, typer.Option(help="Adam's learning rate below 128 px; raised at larger sizes.")]
Gamma = Annotated[float | None, typer.Option(help="Weight of stylegan's R1 penalty, 0 or more; the paper's is 10.")]
AdaTarget = Annotated[float | None, typer.Option(help="Target of stylegan's adaptive augmentation, 0 (none) to 1.")]
Moments = Annotated[float | None, typer.Option(help="Weight of feature moments with frozen, 0 or more.")]
PixelMoments = Annotated[
    float | None, typer.Option(help="Weight of matching fine detail, borders and layout, not with stylegan, 0 or more.")
]
FileTraces = Annotated[
    bool | None,
    typer.Option(
        "--file-traces/--no-file-traces",
        help="Storage of generated images in files like those of the patches (JPEG, 8 bits). [default: where known]",
    ),
]
StyleMixing = Annotated[float | None, typer.Option(help="Share of images generated from two codes, 0 to 1.")]
Symmetry = Annotated[
    str | None, typer.Option(help="Symmetry of the images: none, mirror or dihedral (mirror and quarter turns).")
]
Progressive = Annotated[
    bool | None,
    typer.Option("--progressive/--no-progressive", help="Progressive growing from 8 px, or full size throughout."),
]
StageKimg = Annotated[float | None, typer.Option(help="Training at each size of --progressive, thousands of images.")]
FadeKimg = Annotated[float | None, typer.Option(help="Fade from one size to the next, thousands of images.")]
SnapshotKimg = Annotated[
    float | None, typer.Option(help="Interval between snapshots (model and samples), thousands of images.")
]
Precision = Annotated[str | None, typer.Option(help="Mixed precision: no (32 bits) or bf16.")]
TrainingSeed = Annotated[int | None, typer.Option(min=0, max=MAX_SEED, help="Random seed.")]


def train(
    patches: TrainingPatches,
    out: RunFolder,
    preset: Preset = None,
    resume: Resume = False,
    start_from: StartFrom = None,
    dry_run: DryRun = False,
    discriminator: Discriminator = None,
    kimg: Kimg = None,
    batch: Batch = None,
    resolution: Resolution = None,
    channel_base: ChannelBase = None,
    channel_max: ChannelMax = None,
    latent: Latent = None,
    filter_px: Filter = None,
    learning_rate: LearningRate = None,
    gamma: Gamma = None,
    pixel_gamma: PixelGamma = None,
    pixel_weight: PixelWeight = None,
    relativistic: Relativistic = None,
    ada_target: AdaTarget = None,
    moments: Moments = None,
    pixel_moments: PixelMoments = None,
    file_traces: FileTraces = None,
    style_mixing: StyleMixing = None,
    symmetry: Symmetry = None,
    warm_up_kimg: WarmUpKimg = None,
    cool_down_kimg: CoolDownKimg = None,
    last_layers: LastLayers = None,
    keep_coarse: KeepCoarse = None,
    path_weight: PathWeight = None,
    progressive: Progressive = None,
    stage_kimg: StageKimg = None,
    fade_kimg: FadeKimg = None,
    snapshot_kimg: SnapshotKimg = None,
    precision: Precision = None,
    seed: TrainingSeed = None,
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
      lookalike train patches --out runs/more --from data/models/mammogram-64 --discriminator ensemble --warm-up-kimg 5
      accelerate launch --multi_gpu --num_processes 2 -m lookalike train patches --out runs/second
    """
    if start_from and resume:
        raise LookalikeError(
            "conflicting-options", "--from starts a new run and --resume an earlier one; give one of them"
        )
    need("gan")
    from lookalike.flows.train import chosen, plan_of, waiting, watch
    from stimuli.patches import read_patches

    widths = {"channel_base": channel_base, "channel_max": channel_max, "z_dim": latent, "w_dim": latent}
    steps = {"kimg": kimg, "batch": batch, "snapshot_kimg": snapshot_kimg, "precision": precision, "seed": seed}
    losses = {"discriminator": discriminator, "learning_rate": learning_rate, "r1_gamma": gamma, "moments": moments}
    pixels = {"pixel_gamma": pixel_gamma, "pixel_weight": pixel_weight, "relativistic": relativistic}
    pixels["pixel_moments"] = pixel_moments
    images = {"ada_target": ada_target, "style_mixing": style_mixing, "symmetry": symmetry, "file_traces": file_traces}
    growth = {"progressive": progressive, "stage_kimg": stage_kimg, "fade_kimg": fade_kimg}
    kept = {
        "warm_up_kimg": warm_up_kimg,
        "cool_down_kimg": cool_down_kimg,
        "last_layers": last_layers,
        "keep_coarse": keep_coarse,
        "path_weight": path_weight,
    }
    options = {**steps, **losses, **pixels, **images, **growth, **kept}
    found = read_patches(patches)
    shape = {"resolution": resolution, "filter_px": filter_px, **widths}
    settings = chosen(preset, int(found.about["size_px"]), shape, options, out if resume else None)
    if start_from and warm_up_kimg is None:
        settings = waiting(settings, start_from)
    if dry_run:
        show(plan_of(found, settings, as_json, start_from), as_json)
    else:
        show(watch(found, out, settings, resume, start_from), as_json)

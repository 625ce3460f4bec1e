"""`lookalike train-encoder`: from a model and a patch set to the model's encoder."""

from __future__ import annotations

from typing import Annotated

import typer

from data.shipped import DEFAULT_MODEL
from lookalike.commands.training.train import (
    Batch,
    DryRun,
    Kimg,
    LearningRate,
    Resume,
    RunFolder,
    SnapshotKimg,
    Symmetry,
    TrainingPatches,
    TrainingSeed,
)
from lookalike.console import need, show
from lookalike.options import DisjointPatients, Json, ModelFolder, Weights

Adversary = Annotated[
    str | None, typer.Option(help="Adversary: none, stylegan (the paper's) or frozen (pretrained features).")
]
AdversarialWeight = Annotated[float | None, typer.Option(help="Weight of the adversarial term; the paper's is 0.1.")]
PerceptualWeight = Annotated[
    float | None,
    typer.Option(help="Weight of the perceptual term; the paper's is 5e-5. [default: calibrated]", show_default=False),
]
Blocks = Annotated[int | None, typer.Option(help="Residual blocks; the paper has 8.")]
Base = Annotated[int | None, typer.Option(help="Channels of the first convolution.")]
PairKimg = Annotated[
    float | None, typer.Option(help="Start on generated images, whose codes are known, thousands of images.")
]


def train_encoder(
    patches: TrainingPatches,
    out: RunFolder,
    model: ModelFolder = DEFAULT_MODEL,
    resume: Resume = False,
    dry_run: DryRun = False,
    kimg: Kimg = None,
    pair_kimg: PairKimg = None,
    batch: Batch = None,
    learning_rate: LearningRate = None,
    adversary: Adversary = None,
    adversarial_weight: AdversarialWeight = None,
    perceptual_weight: PerceptualWeight = None,
    blocks: Blocks = None,
    base: Base = None,
    symmetry: Symmetry = None,
    snapshot_kimg: SnapshotKimg = None,
    seed: TrainingSeed = None,
    vgg16: Weights = None,
    disjoint_patients: DisjointPatients = False,
    as_json: Json = False,
) -> None:
    """Train the encoder that inverts a model's images.

    Stop any time and --resume. The generator stays as it is. An option that is not given has its usual value, or with
    --resume the run's.

    \b
    Example:
      lookalike train-encoder patches --out runs/encoder --dry-run
      lookalike train-encoder patches --out runs/encoder
      lookalike train-encoder patches --model runs/first/models/000200000-images --out runs/other --adversary frozen
    """
    need("gan")
    from gan.checkpoint import load_model
    from gan.networks.features import load_vgg16
    from lookalike.console import say
    from lookalike.flows.invert import chosen_encoder, plan_of_encoder, watch_encoder
    from lookalike.flows.sets.patient_overlap import refuse_overlap
    from stimuli.patches import read_patches

    options = {"kimg": kimg, "pair_kimg": pair_kimg, "batch": batch, "learning_rate": learning_rate, "seed": seed}
    losses = {"adversary": adversary, "adversarial_weight": adversarial_weight, "perceptual_weight": perceptual_weight}
    images = {"symmetry": symmetry, "snapshot_kimg": snapshot_kimg}
    settings = chosen_encoder(
        {**options, **losses, **images}, {"blocks": blocks, "base": base}, out if resume else None
    )
    found, loaded = read_patches(patches), load_model(model)
    refuse_overlap(found, loaded, model, "select", disjoint_patients)  # the encoder's errors are told on these
    features = load_vgg16(vgg16, say)
    if dry_run:
        show(plan_of_encoder(loaded, features, found, settings, as_json), as_json)
    else:
        show(watch_encoder(loaded, features, found, out, settings, resume), as_json)

"""Build stimulus sets; make classic stimuli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import LookalikeError
from data.shipped import DEFAULT_MODEL
from lookalike.console import need, numbers, relative, show
from lookalike.options import (
    Bits,
    DisjointPatients,
    FirstSeed,
    Json,
    ModelFolder,
    Out,
    OwnTruncation,
    Seed,
    Weights,
    number,
)
from lookalike.quick_group import sub_commands

if TYPE_CHECKING:
    from stimuli.sets import StimulusSet

app = sub_commands(__doc__)


@app.command()
def build(
    patches: Annotated[
        Path, typer.Option("--patches", help="Patch set; the real images come from its study split only.")
    ],
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    main: Annotated[int, typer.Option(help="Images of the main trials, half of them real.")] = 100,
    practice: Annotated[int, typer.Option(help="Practice images, half of them real, not used again.")] = 0,
    catch: Annotated[int, typer.Option(help="Catch images: known fakes, from --catch-model or --catch-classic.")] = 0,
    catch_model: Annotated[
        Path | None, typer.Option(help="Folder of a worse model, such as an early snapshot.")
    ] = None,
    catch_classic: Annotated[
        str | None,
        typer.Option(
            help="Contrasts of classic catch images, with commas, from faint to plain: see 'stimuli classic'."
        ),
    ] = None,
    composed: Annotated[
        Path | None,
        typer.Option(help="Images from 'compose' instead of seeds'; the set then tells their textures and shapes."),
    ] = None,
    disjoint_patients: DisjointPatients = False,
    safe: Annotated[
        bool,
        typer.Option("--safe", help="Exclusion of images too close to a training patch; their number is recorded."),
    ] = False,
    vgg16: Weights = None,
    truncation: OwnTruncation = None,
    first_seed: FirstSeed = 0,
    size: Annotated[
        int | None, typer.Option(help="Side of the stored images, px: real and generated resampled alike, once.")
    ] = None,
    bits: Bits = 8,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Build a set of real patches and generated images.

    The real patches are of study patients, on whom the model was not trained.

    \b
    Example:
      lookalike stimuli build --patches patches --main 100 --size 256 --out study-1/stimuli
    """
    grades = () if catch_classic is None else tuple(numbers(catch_classic, "--catch-classic"))
    if grades and catch_model is not None:
        raise LookalikeError(
            "conflicting-options", "--catch-classic and --catch-model both make catch images; give one"
        )
    if grades and not catch:
        raise LookalikeError(
            "unused-option", "--catch-classic means nothing without --catch; give the number of images"
        )
    need("gan")
    from lookalike.flows.build import Recipe, build_stimuli
    from stimuli.sets import Layout

    recipe = Recipe(
        patches, model, truncation, first_seed, catch_model, disjoint_patients, safe, vgg16, composed, grades
    )
    _show_set(build_stimuli(out, recipe, Layout(main, practice, catch, size, bits, seed)), out, as_json)


@app.command()
def classic(
    patches: Annotated[
        Path, typer.Option("--patches", help="Patch set; the backgrounds are tissue of its study patients.")
    ],
    out: Out,
    frames: Annotated[
        int | None, typer.Option(help="Number of images on the loop. [default: 147]", show_default=False)
    ] = None,
    main: Annotated[
        int | None,
        typer.Option(help="A stimulus set instead of a loop: images of the main trials, half of them real patches."),
    ] = None,
    practice: Annotated[int, typer.Option(help="Practice images of the set, half of them real.")] = 0,
    contrast: Annotated[
        float, typer.Option(**number("--contrast"), help="P-value added by the shape, -1 to 1; negative is darker.")
    ] = 0.2,
    edge: Annotated[
        float,
        typer.Option(
            **number("--edge"), help="Softness of the edge: SD of its Gaussian, as a share of the image's side."
        ),
    ] = 0.02,
    radius: Annotated[
        float, typer.Option(**number("--radius"), help="Mean radius of the shape, as a share of the image's side.")
    ] = 0.22,
    irregularity: Annotated[
        float, typer.Option(**number("--irregularity"), help="SD of the radius around the contour over its mean.")
    ] = 0.15,
    slope: Annotated[
        float,
        typer.Option(
            **number("--slope"), help="Fall of the contour's amplitudes with frequency k, as k to the minus this."
        ),
    ] = 1.5,
    highest: Annotated[int, typer.Option(help="Highest frequency of the contour, cycles per turn.")] = 8,
    lesion_free: Annotated[
        bool,
        typer.Option(
            "--lesion-free",
            help="Your confirmation that the patches show normal tissue; otherwise their lesions are replaced, unless "
            "they were cut with 'patches --normal'.",
        ),
    ] = False,
    backgrounds: Annotated[
        Path | None,
        typer.Option(
            help="With --main: patch set whose tissue is behind the shapes, such as one of 'patches --normal'. "
            "[default: the set of --patches]",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of the stored images, px. [default: the patches']", show_default=False)
    ] = None,
    bits: Bits = 8,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Make classic stimuli: smooth random shapes on real tissue.

    A loop through three shapes with soft edges or, with --main, a set of such images and real patches.

    \b
    Example:
      lookalike stimuli classic --patches patches --out loop
      lookalike stimuli classic --patches patches --main 100 --contrast 0.1 --out study-0/stimuli
    """
    from lookalike.flows.classic import classic_loop, classic_set
    from stimuli.classic.contours import Spectrum
    from stimuli.classic.loop import ClassicLoop
    from stimuli.classic.rendering import Look
    from stimuli.sets import MAX_PX, Layout

    look = Look(Spectrum(irregularity, slope, highest), radius, edge, contrast)
    if main is not None:
        if frames is not None:
            raise LookalikeError("conflicting-options", "--main makes a set and --frames a loop; leave one out")
        if lesion_free:
            raise LookalikeError(
                "conflicting-options", "--main shows patches as they are, so they need lesions; leave out --lesion-free"
            )
        layout = Layout(main, practice, 0, size, bits, seed)
        _show_set(classic_set(out, patches, look, layout, backgrounds), out, as_json)
        return
    if backgrounds is not None:
        raise LookalikeError(
            "unused-option", "--backgrounds is for sets (--main); a loop's tissue is that of --patches"
        )
    if practice:
        raise LookalikeError("unused-option", "--practice means nothing for a loop; leave it out, or give --main")
    if size is not None and not 1 <= size <= MAX_PX:
        raise LookalikeError("out-of-range", f"--size is {size} px; it must be from 1 to {MAX_PX}")
    settings = ClassicLoop(look, 147 if frames is None else frames, seed, bits)
    loop = classic_loop(out, patches, settings, size, lesion_free)
    show(
        {
            "loop": relative(out / "loop.json"),
            "picture": relative(out / "ring.png"),
            "frames": len(loop.frames),
            "anchors_at_frames": list(loop.anchors),
            "tissue": loop.measures["tissue"],
            "step": f"{loop.frames[0].step:.4f} ({loop.metric})",
        },
        as_json,
    )


def _show_set(made: StimulusSet, out: Path, as_json: bool) -> None:
    roles = made.table.groupby(["role", "truth"]).size()
    counts = {f"{role} {truth}": int(count) for (role, truth), count in roles.items()}
    show({"out": relative(out), "images": counts, "rejected": made.about["rejected"], "sha256": made.sha256}, as_json)

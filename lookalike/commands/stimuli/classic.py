"""`lookalike stimuli classic`: smooth random shapes on real tissue, as loops or a set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import LookalikeError
from lookalike.commands.stimuli.made import show_set
from lookalike.commands.stimuli.options import Edge, StoredSize
from lookalike.console import progress, relative, show
from lookalike.options import Bits, Json, Out, Seed, number

if TYPE_CHECKING:
    import pandas as pd


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
    count: Annotated[
        int | None,
        typer.Option(help="A folder of this many loops, each of other shapes on another patient's tissue."),
    ] = None,
    practice: Annotated[int, typer.Option(help="Practice images of the set, half of them real.")] = 0,
    contrast: Annotated[
        float, typer.Option(**number("--contrast"), help="P-value added by the shape, -1 to 1; negative is darker.")
    ] = 0.2,
    edge: Edge = 0.02,
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
    size: StoredSize = None,
    bits: Bits = 8,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Make classic stimuli: smooth random shapes on real tissue.

    A loop through three shapes with soft edges; with --count, several loops; with --main, a set of such images and
    real patches.

    \b
    Example:
      lookalike stimuli classic --patches patches --out loop
      lookalike stimuli classic --patches patches --count 20 --out loops
      lookalike stimuli classic --patches patches --main 100 --contrast 0.1 --out study-0/stimuli
    """
    from lookalike.flows.sets.classic import classic_family, classic_loop, classic_set
    from stimuli.classic.contours import Spectrum
    from stimuli.classic.loop import ClassicLoop
    from stimuli.classic.rendering import Look
    from stimuli.sets import MAX_PX, Layout

    look = Look(Spectrum(irregularity, slope, highest), radius, edge, contrast)
    if main is not None:
        if frames is not None:
            raise LookalikeError("conflicting-options", "--main makes a set and --frames a loop; leave one out")
        if count is not None:
            raise LookalikeError("conflicting-options", "--main makes a set and --count loops; leave one out")
        if lesion_free:
            raise LookalikeError(
                "conflicting-options", "--main shows patches as they are, so they need lesions; leave out --lesion-free"
            )
        layout = Layout(main, practice, 0, size, bits, seed)
        show_set(classic_set(out, patches, look, layout, backgrounds), out, as_json)
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
    if count is not None:
        with progress("loops", count) as advance:
            table = classic_family(out, patches, settings, count, size, lesion_free, advance)
        show(
            {"loops": relative(out), "number": count, "step": _range(table["step"])}
            | ({"table": table.to_dict("records")} if as_json else {}),
            as_json,
        )
        return
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


def _range(steps: pd.Series[float]) -> str:
    """The smallest and the largest step of the loops."""
    return f"{steps.min():.4f} to {steps.max():.4f} (RMS radius)"

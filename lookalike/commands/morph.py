"""`lookalike morph`: morph loops and paths between generated, inverted or composed images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from data.errors import LookalikeError
from data.shipped import DEFAULT_MODEL
from lookalike.console import need, progress, relative, show, whole_numbers
from lookalike.options import MAX_SEED, Bits, Json, ModelFolder, Out, OwnTruncation, Weights, number


def morph(
    out: Out,
    model: ModelFolder = DEFAULT_MODEL,
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Anchors in order, with commas: seeds, codes files (all their images), FILE#NAME for one image. "
            "[default: 1,2,3; with --around 1,2]",
            show_default=False,
        ),
    ] = None,
    frames: Annotated[int, typer.Option(help="Number of images on each loop.")] = 147,
    path: Annotated[str, typer.Option(help="Shape of the loop: round, or straight between anchors.")] = "round",
    open_path: Annotated[
        bool, typer.Option("--open", help="Path from the first anchor to the last, not back.")
    ] = False,
    metric: Annotated[
        str, typer.Option(help="Distance in which steps are even: nlpd, vgg, nlpd+vgg, ssim or pixel.")
    ] = "nlpd",
    truncation: OwnTruncation = None,
    noise_seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_SEED,
            help="Seed of one noise for all seeds' images. [default: each image's own]",
            show_default=False,
        ),
    ] = None,
    count: Annotated[
        int | None, typer.Option(help="Number of loops in a family; their anchors are chosen far apart and plausible.")
    ] = None,
    anchors: Annotated[
        int | None, typer.Option(help="Anchors of each loop in a family. [default: 3]", show_default=False)
    ] = None,
    first_seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_SEED,
            help="First of the seeds from which a family's anchors are chosen. [default: 0]",
            show_default=False,
        ),
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            help="Loops tried for each loop of a family; the one whose steps vary least in VGG16 is made. [default: 1]",
            show_default=False,
        ),
    ] = None,
    around: Annotated[
        str | None, typer.Option(help="Seed, or FILE#NAME, of an image to circle; --seeds then gives two directions.")
    ] = None,
    distance: Annotated[
        float | None, typer.Option(**number("--distance"), help="Distance of the circle from its image, in the metric.")
    ] = None,
    scale: Annotated[
        Path | None,
        typer.Option("--scale", help="Result of 'scale --loop': that loop again, in equal steps to the eye."),
    ] = None,
    patches: Annotated[
        Path | None, typer.Option(help="Patch set for the report: distance to the nearest real patch.")
    ] = None,
    bits: Bits = 8,
    mp4: Annotated[bool, typer.Option("--mp4", help="A film of each loop as MP4, beside the GIF.")] = False,
    vgg16: Weights = None,
    as_json: Json = False,
) -> None:
    """Make a morph loop A -> B -> C -> A in even steps.

    Or an open path, a ring around an image, or a family of loops.

    \b
    Example:
      lookalike morph --seeds 4,8,15 --out loop
      lookalike morph --count 20 --candidates 6 --out loops
      lookalike morph --around 4 --distance 0.4 --seeds 8,15 --out ring
      lookalike morph --seeds 4,inverted/codes.json#p17 --open --out path
      lookalike morph --scale scaled --out even
    """
    need("gan", *(["video"] if mp4 else []))
    _refuse_conflicts(count, around, distance, open_path, path)
    if count is not None:
        _refuse_unused("a family of loops (--count)", {"--seeds": seeds, "--noise-seed": noise_seed})
    else:
        _refuse_unused(
            "one loop, without --count,",
            {"--anchors": anchors, "--first-seed": first_seed, "--candidates": candidates},
        )
    if around is not None:
        _refuse_unused("a ring (--around)", {"--noise-seed": noise_seed})
    if scale is not None:
        given = {"--seeds": seeds, "--count": count, "--around": around, "--noise-seed": noise_seed}
        given |= {"--open": open_path or None, "--path": None if path == "round" else path}
        given |= {"--metric": None if metric == "nlpd" else metric}
        _refuse_unused("a loop on a scale (--scale)", given)
    from gan.checkpoint import load_model
    from gan.morphing.loop import LoopSettings, make_loop
    from gan.morphing.metrics import metric_of
    from gan.networks.features import VARIABLE, load_vgg16
    from lookalike.flows.morph import Family, anchors_around, make_family, read_anchors, scaled_loop
    from stimuli.patches import read_patches

    generator, real = load_model(model), read_patches(patches) if patches else None
    shape, measured = "open" if open_path else path, None
    if scale is not None:
        measured, chosen, shape, metric = scaled_loop(generator, scale)
    settings = LoopSettings(frames, shape, metric, bits, mp4)
    needed = "vgg" in metric or patches or (candidates or 1) > 1
    network = load_vgg16(vgg16) if vgg16 or os.environ.get(VARIABLE) or needed else None
    if count is not None:
        with progress("loops", count) as advance:
            several = 1 if candidates is None else candidates
            family = Family(count, 3 if anchors is None else anchors, first_seed or 0, several)
            table = make_family(generator, out, family, truncation, settings, network, real, advance)
        medians = table.select_dtypes("number").median()
        named = {name.replace("_", " "): f"{value:.3g} (median)" for name, value in medians.items()}
        plain = {"measures": table.to_dict("records")}
        show({"loops": relative(out), "number": count} | (plain if as_json else named), as_json)
        return
    if around is not None and distance is not None:
        directions = whole_numbers(seeds or "1,2", "--seeds")
        chosen = anchors_around(generator, around, distance, directions, truncation, metric_of(metric, network))
    elif measured is None:
        chosen = read_anchors(generator, seeds or "1,2,3", truncation, noise_seed)
    loop = make_loop(generator, out, chosen, settings, network, real, scale=measured)
    result: dict[str, Any] = {
        "loop": relative(out / "loop.json"),
        "picture": relative(out / ("ring.png" if loop.closed else "strip.png")),
        "frames": len(loop.frames),
        "anchors_at_frames": list(loop.anchors),
    }
    if as_json:
        show(result | {"evenness": loop.evenness, "metric": loop.metric, "measures": loop.measures}, True)
        return
    others = [
        f"{value:.1%} in {name}"
        for name, value in loop.measures["variation"].items()
        if name != metric or measured is not None
    ]
    result["steps"] = f"vary by {loop.evenness:.1%} ({loop.metric}); {', '.join(others)}"
    if measured is not None:
        result["each step"] = f"{loop.measures['scale']['jnd_per_step']:.3g} JNDs"
    if loop.closed:
        farthest, folded = loop.measures["far_side"]["farthest_deg"], loop.measures["folds"]
        result["far side"] = f"the least similar image is {farthest:.0f} degrees away on average"
        result["folds"] = f"{folded:.0%} of frames look like frames far from them" if folded else "none"
    if "nearest_real_patch" in loop.measures:
        near = loop.measures["nearest_real_patch"]
        result["nearest real patch"] = ", ".join(f"{key.replace('_', ' ')} {value:.3g}" for key, value in near.items())
    show(result, False)


def _refuse_unused(what: str, options: dict[str, Any]) -> None:
    for option, value in options.items():
        if value is not None:
            raise LookalikeError("unused-option", f"{option} means nothing for {what}; leave it out")


def _refuse_conflicts(
    count: int | None, around: str | None, distance: float | None, open_path: bool, path: str
) -> None:
    if (around is None) != (distance is None):
        raise LookalikeError("missing-option", "--around and --distance belong together; give both or neither")
    if around is not None and (count is not None or open_path):
        raise LookalikeError("conflicting-options", "--around makes one closed loop; leave out --count and --open")
    if open_path and path == "straight":
        raise LookalikeError("conflicting-options", "--open is a path of its own; leave out --path")

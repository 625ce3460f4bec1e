"""Are perceptual scales recovered? Bias and coverage of `analysis.difference_scale` in simulated experiments.

    python -m benchmarks.scaling                    the table of docs/scaling.md; about an hour on one core
    python -m benchmarks.scaling --share 0.1        a tenth of the experiments

Twelve images on a loop (30° apart), triads as `data.draw_triads` draws them, one participant. Shapes: even steps; steps
that vary smoothly, the largest four times the smallest; a quarter of the loop with steps four times as large as the
rest. Everything follows from the seed.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from analysis.scaling.difference_scale import difference_scale
from analysis.scaling.outcome import DifferenceScale
from data.scales import Scale
from data.simulated.comparer import SimulatedComparer, draw_triads

IMAGES, RESAMPLES, EXPERIMENTS = 12, 200, 200
SHAPES = {
    "even": np.ones(IMAGES),
    "smooth": 1 + 0.6 * np.cos(np.arange(IMAGES) * 2 * np.pi / IMAGES),
    "abrupt": np.where(np.arange(IMAGES) < IMAGES // 4, 4.0, 1.0),
}
# Shape, JNDs round, how images look, triads, share of lapses.
DESIGNS = (
    ("even", 12.0, "arc", 600, 0.0),
    ("even", 12.0, "chord", 600, 0.0),
    ("even", 24.0, "arc", 600, 0.0),
    ("smooth", 12.0, "chord", 600, 0.0),
    ("smooth", 24.0, "arc", 600, 0.0),
    ("smooth", 24.0, "chord", 600, 0.0),
    ("abrupt", 24.0, "arc", 600, 0.0),
    ("abrupt", 24.0, "chord", 600, 0.0),
    ("smooth", 24.0, "arc", 300, 0.0),
    ("smooth", 24.0, "arc", 1200, 0.0),
    ("smooth", 24.0, "arc", 600, 0.03),
)
WHERE = tuple(float(one) for one in np.arange(IMAGES) * 360 / IMAGES)


def experiments(
    shape: str, length: float, distance: str, triads: int, lapse: float, count: int
) -> tuple[Scale, list[DifferenceScale]]:
    """The true scale, and what so many experiments found."""
    sizes = SHAPES[shape] / SHAPES[shape].sum() * length
    true = Scale(WHERE, tuple(sizes.tolist()), closed=True)
    found = []
    for seed in range(count):
        rng = np.random.default_rng([seed, int(length), triads])
        shown = draw_triads(WHERE, triads, closed=True, rng=rng)
        answers = SimulatedComparer(true, distance, lapse).answer(shown, rng)  # type: ignore[arg-type]
        found.append(difference_scale(answers, resamples=RESAMPLES, seed=seed))
    return true, found


def row(shape: str, length: float, distance: str, triads: int, lapse: float, count: int) -> str:
    """One line of the table."""
    true, found = experiments(shape, length, distance, triads, lapse, count)
    steps = np.asarray(true.steps_jnd)
    share = np.cumsum([0.0, *steps[:-1]]) / steps.sum()
    off = np.array([one.share - share for one in found]) * 360
    lengths = np.array([one.length_jnd.value for one in found])
    held = np.array([(one.share_low <= share) & (share <= one.share_high) for one in found])[:, 1:]
    step_held = np.array([(one.low_jnd <= steps) & (steps <= one.high_jnd) for one in found])
    length_held = np.mean([one.length_jnd.low <= length <= one.length_jnd.high for one in found])
    right = np.mean([one.distance == distance for one in found])
    uneven = np.mean([one.evenness.p < 0.05 for one in found])
    misfit = np.mean([one.participants[0].goodness.deviance_p < 0.05 for one in found])
    cells = (
        shape,
        f"{length:g}",
        distance,
        str(triads),
        f"{lapse:.0%}",
        str(count),
        f"{np.abs(off.mean(axis=0)).max():.1f}°",
        f"{np.sqrt(np.mean(off[:, 1:] ** 2)):.1f}°",
        f"{held.mean():.3f}".removeprefix("0"),
        f"{step_held.mean():.3f}".removeprefix("0"),
        f"{lengths.mean() / length - 1:+.1%}".replace("-", "−"),
        f"{length_held:.3f}".removeprefix("0"),
        f"{right:.0%}",
        f"{uneven:.1%}",
        f"{misfit:.1%}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="share of the experiments")
    count = max(2, round(parser.parse_args().share * EXPERIMENTS))
    header = "shape | JNDs round | looks | triads | lapses | n | bias | error | position held | step held | length | "
    header += "length held | right model | uneven | misfit"
    print(f"| {header} |\n|{'---|' * (header.count('|') + 1)}")
    for design in DESIGNS:
        print(row(*design, count), flush=True)
    print(f"{count} experiments a line, {RESAMPLES} bootstrap samples each", file=sys.stderr)


if __name__ == "__main__":
    main()

"""How often the primary interval holds the true AUC, and how often a difference is found where there is none.

    python -m benchmarks.coverage                    the table of docs/coverage.md; about two minutes
    python -m benchmarks.coverage --dprime 1         coverage away from chance
    python -m benchmarks.coverage --studies 0.1      a tenth of the studies

Each study draws new participants and new images (`data.simulated.populations`): participants whose d′ have an SD (the
spread), and images that all participants see alike with an SD of a total of 1 (the image effect). Eight ratings, and no
lapses. Everything follows from the seed.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from typing import NamedTuple

import numpy as np

from analysis.mrmc import mrmc
from analysis.readings import from_matrix
from data.simulated.populations import Population, draw_ratings

STUDIES = {2: 4000, 3: 4000, 5: 1500, 10: 1500, 40: 500}  # by participants; few cost least and err most
IMAGES, SPREADS, EFFECTS = (40, 100), (0.0, 0.3, 0.8), (0.0, 0.3)
_BATCH = 500


class Outcome(NamedTuple):
    """Of each study: its AUC, the bounds of its 90% interval and its p of a difference from .5."""

    auc: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray

    def covers(self, true: float) -> float:
        return float(np.mean((self.low <= true) & (true <= self.high)))


def simulate(dprime: float, participants: int, images: int, spread: float, effect: float, studies: int) -> Outcome:
    """Analyse so many simulated studies; a study without an interval covers nothing and finds nothing."""
    generated = np.arange(images) % 2 == 1
    truth = np.where(generated, "generated", "real")
    population = Population(dprime=dprime, between_sd=spread, image_sd=effect, lapse=0.0)
    rng = np.random.default_rng([participants, images, int(10 * spread), int(10 * effect), int(10 * dprime)])
    rows = []
    for start in range(0, studies, _BATCH):
        for ratings in draw_ratings(population, participants, generated, rng, studies=min(_BATCH, studies - start)):
            found = mrmc.mrmc_auc(from_matrix(truth, ratings))
            rows.append((found.auc, found.low, found.high, found.p_chance))
    return Outcome(*np.array(rows).T)


def table(dprime: float, share: float) -> list[str]:
    """Lines of a Markdown table: coverage and, at chance, errors; one column per spread and effect."""
    settings = list(product(SPREADS, EFFECTS))
    sizes = list(product(STUDIES, IMAGES))
    found = {}
    for people, images in sizes:
        for spread, effect in settings:
            studies = max(int(share * STUDIES[people]), 2)
            found[people, images, spread, effect] = simulate(dprime, people, images, spread, effect, studies)
        print(f"d′ {dprime:g}, {people} participants x {images} images", file=sys.stderr, flush=True)
    # Every study's AUC is unbiased, so all of them together tell the true mean AUC.
    true = {
        one: 0.5
        if dprime == 0
        else np.average([found[size + one].auc.mean() for size in sizes], weights=[n * r for n, r in sizes])
        for one in settings
    }
    head = [f"spread {spread:g}, images {effect:g}" for spread, effect in settings]
    lines = [f"| participants | images | {' | '.join(head)} |", "|---" * (2 + len(head)) + "|"]
    for people, images in sizes:
        cells = [_cell(found[(people, images, *one)], float(true[one]), dprime == 0) for one in settings]
        lines.append(f"| {people} | {images} | {' | '.join(cells)} |")
    return lines


def _cell(found: Outcome, true: float, chance: bool) -> str:
    text = f"{found.covers(true):.3f}".removeprefix("0")
    return f"{text}, {np.mean(found.p < 0.05):.1%}" if chance else text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=float, default=1.0, help="share of the studies of each size")
    parser.add_argument("--dprime", type=float, default=0.0, help="mean d′ of the participants")
    chosen = parser.parse_args()
    print("\n".join(table(chosen.dprime, chosen.studies)))


if __name__ == "__main__":
    main()

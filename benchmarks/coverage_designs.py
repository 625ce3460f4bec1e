"""How often alike conditions are told apart, and how often intervals of d' at the answer hold (docs/coverage.md).

    python -m benchmarks.coverage_designs                 about five minutes
    python -m benchmarks.coverage_designs --studies 100   fewer studies

Every study has new participants and new images: 30 real and 30 generated ones in each of three conditions that are
alike, with a mean d' of 1. Participants' d' have an SD of .3, and .2 more in each condition; what all see alike in an
image has an SD of .6 of a total of 1.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from analysis.mrmc.answers import mrmc_answers
from analysis.mrmc.equality import mrmc_equality
from analysis.mrmc.mrmc import mrmc_difference
from analysis.multiplicity import holm
from analysis.readings import from_trials

CONDITIONS, IMAGES, DPRIME = 3, 60, 1.0
DESIGNS = {
    "same participants, same images": (False, "all"),
    "same participants, same real images": (False, "real"),
    "same participants, other images": (False, "none"),
    "groups, same images": (True, "all"),
    "groups, other images": (True, "none"),
}


def study(design: str, readers: int, seed: int) -> pd.DataFrame:
    """One study's ratings as a table for `analysis.readings.from_trials`."""
    groups, shared = DESIGNS[design]
    rng = np.random.default_rng(seed)
    truth, parts = np.arange(IMAGES) % 2 == 1, []
    effect, skill = 0.6 * rng.normal(size=CONDITIONS * IMAGES), 0.3 * rng.normal(size=CONDITIONS * readers)
    first = np.zeros((readers, IMAGES))
    for condition in range(CONDITIONS):
        own = {"all": 0, "real": truth, "none": 1}[shared]
        shown = np.arange(IMAGES) + condition * IMAGES * own
        people = np.arange(readers) + condition * readers * groups
        dprime = DPRIME + skill[people] + 0.2 * rng.normal(size=readers)
        evidence = dprime[:, np.newaxis] * (truth - 0.5) + effect[shown] + 0.8 * rng.normal(size=(readers, IMAGES))
        rating = np.searchsorted([-1.3, -0.8, -0.4, 0, 0.4, 0.8, 1.3], evidence) - 3.5
        first = rating if condition == 0 else first
        if shared == "real":
            rating = np.where(truth, rating, first)  # one answer to a real image serves all conditions
        parts.append(
            pd.DataFrame(
                {
                    "participant": np.repeat([f"p{one}" for one in people], IMAGES),
                    "stimulus_id": np.tile([f"i{one}" for one in shown], readers),
                    "truth": np.tile(np.where(truth, "generated", "real"), readers),
                    "modality": f"c{condition}",
                    "rating": rating.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def errors(design: str, readers: int, studies: int) -> list[float]:
    """Shares of studies in which alike conditions differ: areas together, any pair, d' together; and of d' held."""
    found = []
    for seed in range(studies):
        rated = from_trials(study(design, readers, seed))
        pairs = [(f"c{a}", f"c{b}") for a in range(CONDITIONS) for b in range(a + 1, CONDITIONS)]
        p = holm([mrmc_difference(rated, pair).p for pair in pairs])
        one = mrmc_answers(rated.where(["c0"]))
        held = np.nan if one.reason else float(one.low <= DPRIME <= one.high)
        equal, at_answer = mrmc_equality(rated), mrmc_equality(rated, "dprime")
        found.append((equal.p < 0.05, np.nanmin(p) < 0.05, at_answer.p < 0.05, held))
    return [float(one) for one in np.nanmean(np.array(found, dtype=float), axis=0)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--studies", type=int, default=500)
    studies = options.parse_args().studies
    print("| design | participants | areas together | any pair, adjusted | d′ together | d′ interval (95%) |")
    print("|---|---|---|---|---|---|")
    for design in DESIGNS:
        for readers in (3, 6, 12):
            together, pair, dprime, held = errors(design, readers, studies)
            cells = f"{together:.1%} | {pair:.1%} | {dprime:.1%} | {f'{held:.3f}'.removeprefix('0')}"
            print(f"| {design} | {readers} | {cells} |", flush=True)


if __name__ == "__main__":
    main()

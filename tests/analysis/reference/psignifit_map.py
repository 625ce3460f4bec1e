"""Reference values of psychometric functions: psignifit's, with flat priors, so that its mode is maximum likelihood.

Run in this folder, where psignifit 4.3 is installed (GPL; Lookalike does not need it): python psignifit_map.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psignifit

NORMAL_AT_95 = 1.6448536269514722


def answers(seed: int, levels: list[float], trials: int, threshold: float, width: float, guess: float, lapse: float):
    from scipy.stats import norm

    rng = np.random.default_rng(seed)
    shape = norm.cdf(2 * NORMAL_AT_95 * (np.array(levels) - threshold) / width)
    yes = rng.binomial(trials, guess + (1 - guess - lapse) * shape)
    return [[x, int(said), trials] for x, said in zip(levels, yes, strict=True)]


def fitted(data: list[list[float]], kind: str) -> dict:
    flat = dict.fromkeys(("threshold", "width", "lambda"), np.ones_like)
    found = psignifit.psignifit(
        np.array(data, dtype=float),
        sigmoid="norm",
        experiment_type=kind,
        estimate_type="MAP",
        fixed_parameters={"eta": 1e-8},
        priors=flat,
        grid_steps={"threshold": 60, "width": 60, "lambda": 40},
        bounds={"lambda": (0, 0.1)},
    )
    at = found.get_parameter_estimate("MAP")
    return {"data": data, "kind": kind, "threshold": at["threshold"], "width": at["width"], "lapse": at["lambda"]}


cases = {
    "ends_of_a_morph": fitted(answers(1, [20, 50, 80, 110, 140, 170], 50, 95, 70, 0.03, 0.03), "equal asymptote"),
    "forced_choice": fitted(answers(5, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 100, 0.25, 0.25, 0.5, 0.05), "2AFC"),
}
content = {"about": "psignifit's mode under flat priors", "versions": {"psignifit": version("psignifit")}, **cases}
Path("psignifit.json").write_text(json.dumps(content, indent=1, default=float) + "\n")

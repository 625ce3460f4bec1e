"""Is a threshold recovered? Simulated observers in adaptive sessions, for the table in docs/thresholds.md.

python -m benchmarks.thresholds [observers]
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from analysis.scaling.psychometric import psychometric_functions
from data.kinds.adaptive import estimate
from data.plan import Grade, Image, Plan, PlannedTrial
from data.record import Event
from data.simulated.detector import SimulatedDetector
from data.simulated.psychometric import CHANCE
from experiments.session.adaptive import ByQuestPlus

LEVELS = tuple(float(one) for one in 0.01 * 2 ** (np.arange(8) / 2))  # .01 to .113
LAPSE = 0.02


@dataclass(frozen=True)
class Condition:
    """A kind of observer and a length of session."""

    threshold: float
    spread: float
    trials: int
    each: int


CONDITIONS = (
    Condition(0.02, 0.15, 60, 12),
    Condition(0.034, 0.15, 60, 12),
    Condition(0.057, 0.15, 60, 12),
    Condition(0.034, 0.08, 60, 12),
    Condition(0.034, 0.3, 60, 12),
    Condition(0.034, 0.15, 40, 12),
    Condition(0.034, 0.15, 100, 20),
    Condition(0.034, 0.15, 60, 60),
)


def session(condition: Condition, seed: int) -> tuple[Plan, list[Event]]:
    """One observer's answers, as a session records them."""
    image = {"truth": "generated", "sha256": "0" * 64}
    grades = tuple(
        Grade(
            level=level,
            images=tuple(Image(stimulus_id=f"{level}-{n}", file="f", **image) for n in range(condition.each)),
        )
        for level in LEVELS
    )
    sides = np.random.default_rng(seed).permutation(condition.trials) % 2
    real = {"truth": "real", "role": "main", "sha256": "0" * 64, "file": "f"}
    trials = tuple(
        PlannedTrial(trial=n, stimulus_id=f"r{n}", fake_on="left" if side else "right", **real)
        for n, side in enumerate(sides, start=1)
    )
    plan = Plan(
        participant=f"sim{seed}", session=1, task="threshold", seed=seed, study_name="", study_sha256="",
        stimulus_set_sha256="", confidence_levels=0, told_prevalence=0.5, max_run=None, kind="threshold",
        keys={"left": "left", "right": "right"}, versions={}, grades=grades, trials=trials,
    )  # fmt: skip
    who, chooser, answers = SimulatedDetector(condition.threshold, condition.spread, LAPSE, seed), ByQuestPlus(plan), []
    for planned in trials:
        trial = chooser.choose(planned, answers)
        assert trial.level is not None
        correct = who.is_correct(trial.level, 0.0, 1, trial.trial)
        response = trial.fake_on if correct else {"left": "right", "right": "left"}[str(trial.fake_on)]
        answers.append({"trial": trial.trial, "level": trial.level, "response": response})
    return plan, answers


def row_of(condition: Condition, observers: int) -> dict[str, float]:
    """Bias, error and coverage of both estimates, in per cent of the threshold."""
    true = np.log10(condition.threshold)
    posterior, held, fitted, fit_held = [], [], [], []
    for seed in range(observers):
        plan, answers = session(condition, seed)
        belief = estimate(plan, answers).threshold
        posterior.append(np.log10(belief.mean) - true)
        held.append(belief.low <= condition.threshold <= belief.high)
        sides = {trial.trial: trial.fake_on for trial in plan.trials}
        table = pd.DataFrame(answers).assign(level=lambda one: np.log10(one["level"]))
        table["response"] = ["yes" if one["response"] == sides[one["trial"]] else "no" for one in answers]
        function = psychometric_functions(
            table[["level", "response"]], guess=CHANCE, resamples=200, seed=seed
        ).participants[0]
        if function.reason is None:
            fitted.append(function.threshold.value - true)
            fit_held.append(function.threshold.low <= true <= function.threshold.high)

    def percent(logs: float) -> float:
        return round(100 * (10**logs - 1), 1)

    return {
        "bias": percent(float(np.mean(posterior))),
        "error": percent(float(np.sqrt(np.mean(np.square(posterior))))),
        "held": round(float(np.mean(held)), 3),
        "ml bias": percent(float(np.median(fitted))),
        "ml error": percent(float(np.sqrt(np.mean(np.square(fitted))))),
        "ml held": round(float(np.mean(fit_held)), 3),
        "ml defined": round(len(fitted) / observers, 3),
    }


def main() -> None:
    """Print the table, one line for each condition."""
    observers = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"{observers} observers a line, levels {LEVELS[0]:g} to {LEVELS[-1]:.3g}, {LAPSE:.0%} lapses")
    for condition in CONDITIONS:
        print({**asdict(condition), **row_of(condition, observers)}, flush=True)


if __name__ == "__main__":
    main()

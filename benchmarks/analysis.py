"""How fast the analysis is, beside the field's other tools where they are installed.

    python -m benchmarks.analysis              everything, the median of five
    python -m benchmarks.analysis --only roc   one part: roc, fits, mrmc, power, report
    python -m benchmarks.analysis --json > figures.json

Peers are measured in the same run on the same numbers: scikit-learn for AUCs and their bootstrap, pROC (R) if
`Rscript` has it, metadpy if it is installed. A peer that is not there is said to be missing. Times are wall
seconds of one process.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from analysis.group import mixed_probit
from analysis.group.power import power
from analysis.mrmc import mrmc
from analysis.readings import from_matrix
from analysis.roc import binormal, roc
from analysis.roc import bootstrap as roc_bootstrap
from analysis.roc import clusters as roc_clusters
from analysis.sdt import metacognition
from data.simulated.populations import Population, draw_ratings
from lookalike.memory import reuse_freed_memory

RUNS = 5
MILLION = 1_000_000
rng = np.random.default_rng(0)


def seconds(call: Callable[[], object], runs: int = RUNS) -> float:
    """The median of some runs, after one that warms up."""
    call()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def words(generated: np.ndarray) -> np.ndarray:
    return np.where(generated, "generated", "real")


def roc_rows() -> list[dict[str, object]]:
    generated = rng.random(MILLION) < 0.5
    scores = rng.normal(size=MILLION) + 0.3 * generated
    ratings = np.floor(2 * scores).clip(-4, 3)
    truth = words(generated)
    few = slice(0, 100)
    study = draw_ratings(Population(), 10, np.arange(100) % 2 == 1, rng)[0]
    people, images = np.indices(study.shape)
    trials = (words(images.ravel() % 2 == 1), study.ravel().astype(float), people.ravel(), images.ravel())

    def sklearn_bootstrap(count: int, resamples: int) -> None:
        one, two = (np.flatnonzero(generated[:count] == kind) for kind in (True, False))
        for _ in range(resamples):
            drawn = np.concatenate([rng.choice(one, one.size), rng.choice(two, two.size)])
            roc_auc_score(generated[drawn], ratings[drawn])

    boot = roc_bootstrap.auc_bootstrap
    return [
        row("DeLong, 1,000,000 continuous scores", 0.25, lambda: roc.roc_auc(truth, scores))
        | peer("scikit-learn, AUC without its error", lambda: roc_auc_score(generated, scores))
        | proc("ci.auc(r, method='delong')", generated, scores),
        row("2,000 stratified resamples of 100 ratings", 0.010, lambda: boot(truth[few], ratings[few], 1))
        | peer("scikit-learn in a loop, 20 resamples × 100", lambda: sklearn_bootstrap(100, 20), 100)
        | proc("ci.auc(r, method='bootstrap', boot.n=2000, progress='none')", generated[few], ratings[few]),
        row("2,000 stratified resamples of 1,000,000 ratings", 0.150, lambda: boot(truth, ratings, 1))
        | peer("scikit-learn in a loop, 1 resample × 2,000", lambda: sklearn_bootstrap(MILLION, 1), 2000),
        row(
            "2,000 resamples of participants and images, 10 x 100",
            1.0,
            lambda: roc_clusters.clustered_bootstrap(*trials, 1),
        ),
    ]


def fit_rows() -> list[dict[str, object]]:
    generated = np.arange(200) % 2 == 1
    ratings = draw_ratings(Population(dprime=1.0), 1, generated, rng)[0, 0]
    truth, said, sure = words(generated), words(ratings > 0), np.abs(ratings).astype(float)
    rows = [
        row("binormal fit, 200 trials", 0.010, lambda: binormal.binormal_fit(truth, ratings)),
        row("meta-d′ fit, 200 trials", 0.020, lambda: metacognition.meta_dprime(truth, said, sure)),
    ]
    if find_spec("metadpy") is None:
        return [rows[0], rows[1] | {"peer": "metadpy: not installed"}]
    from metadpy.mle import fit_metad

    levels = (-4, -3, -2, -1, 1, 2, 3, 4)
    real, fake = ([np.sum((generated == kind) & (ratings == r)) + 1 / 8 for r in levels] for kind in (False, True))
    return [rows[0], rows[1] | peer("metadpy", lambda: fit_metad(np.array(real), np.array(fake), nRatings=4))]


def mrmc_rows() -> list[dict[str, object]]:
    rows = []
    for people, images, aim in ((10, 100, None), (1000, 200, None)):
        generated = np.arange(images) % 2 == 1
        ratings = draw_ratings(Population(), people, generated, rng)[0].astype(float)
        readings = from_matrix(words(generated), ratings)
        rows.append(row(f"MRMC, {people} x {images}", aim, lambda r=readings: mrmc.mrmc_auc(r, delta=0.084)))
    generated = np.arange(100) % 2 == 1
    said = draw_ratings(Population(), 20, generated, rng)[0] > 0
    people, images = np.indices(said.shape)
    table = pd.DataFrame(
        {
            "participant": [f"p{n}" for n in people.flat],
            "stimulus_id": [f"s{n}" for n in images.flat],
            "truth": words(generated[images.ravel()]),
            "response": words(said.ravel()),
        }
    )
    return [*rows, row("probit of participants and images, 20 x 100", None, lambda: mixed_probit.mixed_probit(table))]


def power_rows() -> list[dict[str, object]]:
    call = lambda: power(Population(), 10, 100, delta=0.084, studies=2000)  # noqa: E731
    return [row("2,000 simulated studies of 10 x 100", 20.0, call, runs=1)]


def report_rows() -> list[dict[str, object]]:
    """`lookalike analyze` of many participants, in a process of its own: seconds, processor seconds, peak memory."""
    return [analyze_row(630, 30, 15.0), analyze_row(1000, 200, 20.0)]


def analyze_row(count: int, trials: int, aim: float) -> dict[str, object]:
    import sys

    generated = np.arange(trials) % 2 == 1
    ratings = draw_ratings(Population(), count, generated, rng)[0]
    people, images = np.indices(ratings.shape)
    table = pd.DataFrame(
        {
            "participant": [f"p{n:04d}" for n in people.flat],
            "stimulus_id": [f"s{n:03d}" for n in images.flat],
            "truth": words(generated[images.ravel()]),
            "response": words(ratings.ravel() > 0),
            "confidence": np.abs(ratings.ravel()),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trials.csv"
        table.to_csv(path, index=False)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "lookalike", "analyze", str(path), "--out", str(Path(folder) / "results")]
        subprocess.run(command, check=True, capture_output=True)
        took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "what": f"lookalike analyze, {count:,} participants x {trials} trials",
        "s": round(took, 2),
        "aim_s": aim,
        "processor_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "mib": round(after.ru_maxrss / 1024),
    }


def row(what: str, aim: float | None, call: Callable[[], object], runs: int = RUNS) -> dict[str, object]:
    return {"what": what, "s": float(f"{seconds(call, runs):.3g}"), "aim_s": aim}


def peer(name: str, call: Callable[[], object], times: int = 1) -> dict[str, object]:
    """A peer's seconds; `times` that of what is called."""
    return {"peer": name, "peer_s": float(f"{times * seconds(call, 3):.3g}")}


def proc(call: str, generated: np.ndarray, scores: np.ndarray) -> dict[str, object]:
    """The seconds of a call of pROC on `r`, the curve."""
    if shutil.which("Rscript") is None:
        return {"proc": "R is not installed"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.csv"
        pd.DataFrame({"truth": generated.astype(int), "score": scores}).to_csv(path, index=False)
        script = f"""suppressMessages(library(pROC)); d <- read.csv("{path}")
            r <- roc(d$truth, d$score, direction="<", levels=c(0, 1), quiet=TRUE)
            t <- system.time(x <- {call}); cat(t[["elapsed"]])"""
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True)
    return {"proc_s": float(done.stdout)} if done.returncode == 0 else {"proc": "pROC is not installed"}


PARTS = {"roc": roc_rows, "fits": fit_rows, "mrmc": mrmc_rows, "power": power_rows, "report": report_rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    reuse_freed_memory()
    rows = []
    for name, part in PARTS.items():
        if chosen.only in (None, name):
            for one in part():
                rows.append(one)
                if not chosen.json:
                    print("  ".join(f"{key} {value}" for key, value in one.items() if value is not None), flush=True)
    machine = {"processor": platform.machine(), "python": platform.python_version(), "numpy": np.__version__}
    print(json.dumps({"machine": machine, "rows": rows}, indent=2) if chosen.json else machine)


if __name__ == "__main__":
    main()

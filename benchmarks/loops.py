"""How long loops take, and how even they are in each metric.

    python -m benchmarks.loops                        20 loops of 147 frames with the shipped model, steps even in NLPD
    python -m benchmarks.loops --candidates 6         of six candidates each the one that varies least in VGG16
    python -m benchmarks.loops --metric vgg --loops 5
    python -m benchmarks.loops --path straight --json > figures.json

Each loop's anchors are chosen as `lookalike morph --count` chooses them. Times are wall and processor seconds of
choosing anchors and of `make_loop` with its report, files and pictures, without loading the model. VGG takes part if
`LOOKALIKE_VGG16` names its weights. Coefficients of variation are those of the stored 8-bit frames.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from data.shipped import DEFAULT_MODEL
from gan.checkpoint import load_model
from gan.morphing.loop import LoopSettings, make_loop
from gan.networks.features import VARIABLE, load_vgg16
from lookalike.flows.morph import Family, anchors_of, flat
from lookalike.memory import reuse_freed_memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--loops", type=int, default=20)
    parser.add_argument("--frames", type=int, default=147)
    parser.add_argument("--candidates", type=int, default=1)
    parser.add_argument("--metric", default="nlpd")
    parser.add_argument("--path", default="round")
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    reuse_freed_memory()  # as every command of `lookalike` does
    model = load_model(chosen.model)
    vgg16 = load_vgg16() if os.environ.get(VARIABLE) else None
    settings = LoopSettings(chosen.frames, chosen.path, chosen.metric, chosen.bits)
    family = Family(chosen.loops, candidates=chosen.candidates)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(chosen.loops):
            began, used = time.perf_counter(), time.process_time()
            anchors = anchors_of(model, family, number, None, settings, vgg16)
            loop = make_loop(model, Path(folder) / str(number), anchors, settings, vgg16)
            taken = {"wall_s": time.perf_counter() - began, "processor_s": time.process_time() - used}
            rows.append(taken | flat(loop))
    summary = {
        name: {"median": float(np.median(values)), "min": min(values), "max": max(values)}
        for name in rows[0]
        for values in [[row[name] for row in rows]]
    }
    machine = {"threads": torch.get_num_threads(), "torch": torch.__version__}
    if chosen.json:
        print(json.dumps({"machine": machine, "settings": vars(chosen) | {"model": str(chosen.model)}, "rows": rows}))
        return
    print(f"{len(rows)} loops of {chosen.frames} frames, {chosen.path}, even in {chosen.metric}; {machine}")
    for name, value in summary.items():
        print(f"  {name:28} median {value['median']:.3g}  ({value['min']:.3g} to {value['max']:.3g})")


if __name__ == "__main__":
    main()

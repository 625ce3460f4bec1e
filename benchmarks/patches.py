"""How long a collection takes to become patches, and the memory that all processes together hold.

    LOOKALIKE_DATA=../shared/data python -m benchmarks.patches
    LOOKALIKE_DATA=../shared/data python -m benchmarks.patches --only dicom --dicom 200 --json > figures.json

`cbis-ddsm` is 1,231 mammograms as 800 x 800 JPEG, `dicom` a given number of copies of one as DICOM of 4432 x 2864 px
(RLE Lossless), each of a patient of its own. Each row is one `lookalike patches`, started anew: wall and processor
seconds with its start, and the largest sum over its processes of the memory that is theirs alone (PSS where the kernel
tells it), sampled ten times a second. *Serial* is a plain loop in one process over the same functions, without writing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from stimuli.images import resample
from stimuli.sources.boxes_table import read_source

_STEP_S = 0.1
_PAGES = ("smaps_rollup", "Pss:")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("jpeg", "masks", "normal", "dicom", "serial"))
    parser.add_argument("--dicom", type=int, default=200, help="copies of the DICOM file")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    data = Path(os.environ["LOOKALIKE_DATA"])
    jpeg = data / "cbis-ddsm"
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        parts: dict[str, Callable[[], dict[str, float]]] = {
            "jpeg": lambda: _command(work / "jpeg", jpeg),
            "masks": lambda: _command(work / "masks", jpeg, "--masks", jpeg / "masks"),
            "normal": lambda: _command(work / "normal", jpeg, "--normal"),
            "dicom": lambda: _command(work / "dicom", _copies(data / "cbis-ddsm-dicom", work / "film", chosen.dicom)),
            "serial": lambda: _serial(jpeg),
        }
        rows = {name: run() for name, run in parts.items() if chosen.only in (None, name)}
    if chosen.json:
        print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()[0], **rows}, indent=1))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(pd.DataFrame(rows).T.round(2).to_string())


def _command(out: Path, source: Path, *words: object) -> dict[str, float]:
    """Run `lookalike patches` and measure it."""
    call = [sys.executable, "-m", "lookalike", "patches", source, *words, "--out", out, "--key", out.parent / "key"]
    before, began = _children(), time.perf_counter()
    process = subprocess.Popen(list(map(str, call)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0.0
    while process.poll() is None:
        most = max(most, sum(map(_mebibytes, _tree(process.pid))))
        time.sleep(_STEP_S)
    if process.returncode:
        raise SystemExit(f"lookalike patches {source} failed")
    wall = time.perf_counter() - began
    return {"wall_s": wall, "processor_s": _children() - before, "memory_mib": most}


def _serial(source: Path) -> dict[str, float]:
    """Decode every mammogram and resample a patch of each lesion, one after the other."""
    began, used = time.perf_counter(), time.process_time()
    for mammogram in read_source(source):
        pixels = mammogram.read().pixels
        for lesion in mammogram.lesions:
            resample(pixels, (64, 64), (lesion.x, lesion.y, lesion.x + lesion.width, lesion.y + lesion.height))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall_s": time.perf_counter() - began, "processor_s": time.process_time() - used, "memory_mib": peak}


def _copies(source: Path, folder: Path, count: int) -> Path:
    folder.mkdir()
    box = {"x": 1200, "y": 2000, "width": 300, "height": 300}
    names = [f"{number:05d}.dcm" for number in range(count)]
    for name in names:
        (folder / name).symlink_to(source / "1-130.dcm")
    rows = [{"file": name, "patient_id": name.removesuffix(".dcm"), **box} for name in names]
    pd.DataFrame(rows).to_csv(folder / "boxes.csv", index=False)
    return folder


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(pid: int) -> Iterator[int]:
    """A process and all that it started."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended
        return
    for child in children:
        yield from _tree(int(child))


def _mebibytes(pid: int) -> float:
    file, name = _PAGES
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


if __name__ == "__main__":
    main()

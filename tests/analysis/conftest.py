"""Sessions on disk as an experiment leaves them, filled by simulated observers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.bids import write_beh
from data.simulated.observers import Observer
from stimuli.sets import StimulusSet

STIMULI = "a1" * 32


@pytest.fixture(scope="session")
def stimuli() -> StimulusSet:
    """The stimulus set that `write_session` shows, as read; its images are nowhere."""
    rows = [
        {
            "stimulus_id": f"s{n:03d}",
            "file": f"images/s{n:03d}.png",
            "truth": ("real", "generated")[n % 2],
            "role": "main",
        }
        for n in range(100)
    ]
    return StimulusSet(Path("shown"), pd.DataFrame(rows), {}, STIMULI)


@pytest.fixture(scope="session")
def write_session() -> Callable[..., Path]:
    """Write one session: `write_session(folder, participant, session, change=None, trials=100, **sidecar)`."""
    return _write_session


def _answers(observer: Observer, session: int, trials: int = 100) -> pd.DataFrame:
    order = np.random.default_rng([observer.seed, session]).permutation(trials)
    rows: list[dict[str, Any]] = []
    for place, image in enumerate(order, start=1):
        truth, stimulus = ("real", "generated")[image % 2], f"s{image:03d}"
        answer = observer.judge(stimulus, truth, session)
        rows.append(
            {
                "trial": place,
                "stimulus_id": stimulus,
                "stim_file": f"images/{stimulus}.png",
                "role": "main",
                "truth": truth,
                "response": answer.response,
                "confidence": answer.confidence,
                "response_time": answer.response_time,
                "confidence_time": answer.confidence_time,
                "onset": 3.0 * place,
            }
        )
    return pd.DataFrame(rows)


def _write_session(
    folder: Path,
    participant: str,
    session: int = 1,
    change: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    trials: int = 100,
    observer: Observer | None = None,
    **sidecar: Any,
) -> Path:
    seed = int.from_bytes(participant.encode(), "big") % 1000
    frame = _answers(observer or Observer(dprime=0.5, own_sd=0.8, seed=seed), session, trials)
    about = {"TaskName": "realfake", "StimulusSetSHA256": STIMULI, "Observer": "human", "Complete": True, **sidecar}
    return write_beh(folder, change(frame) if change else frame, participant, session, "realfake", about)

"""How detectable generated images are, before people are asked: simple cues, and model observers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.image_cues import cues
from analysis.image_cues.channel_banks import energy_bank, gabor_bank, laguerre_gauss_bank
from analysis.image_cues.cues import CueReport
from analysis.image_cues.model_observer import ModelObserver, NoisyObserver, model_observer, with_internal_noise
from data.errors import LookalikeError
from data.results.result import Result
from stimuli.images import Pixels
from stimuli.sets import StimulusSet

BANKS = (laguerre_gauss_bank, gabor_bank, energy_bank)


@dataclass(frozen=True, eq=False)
class Detectability(Result):
    """How well cues and model observers discriminate real from generated in one set of images."""

    cues: CueReport
    observers: tuple[ModelObserver, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per cue (p Holm-adjusted), for all cues together and per model observer."""
        single = self.cues.to_frame()
        single = single.assign(what=single["cue"], kind="cue", p=single["p_holm"])
        trained = [("all cues", "classifier", self.cues.combined)]
        trained += [(one.observer, "model observer", one.found) for one in self.observers]
        rows = [one.to_frame().assign(what=what, kind=kind) for what, kind, one in trained]
        columns = ["what", "kind", "auc", "low", "high", "level", "p", "null_high", "smallest_detectable", "reason"]
        return pd.concat([single, *rows], ignore_index=True).reindex(columns=columns)

    def as_people(self, dprime: float) -> list[NoisyObserver]:
        """The model observers with the internal noise that brings each to people's `dprime` on these images.

        Empty unless `dprime` is above 0: noise cannot take an observer below chance.
        """
        return [with_internal_noise(one, dprime=dprime) for one in self.observers] if 0 < dprime < np.inf else []


def detectability(
    images: Iterable[npt.ArrayLike], truth: npt.ArrayLike, groups: npt.ArrayLike | None, *, seed: int = 0
) -> Detectability:
    """How well cues and model observers discriminate real from generated images, before people are asked.

    Parameters
    ----------
    images : iterable of array_like, each of shape (rows, columns)
        P-values in [0, 1]; an array (images, rows, columns) or anything that can be gone through several times.
    truth : array_like of str, shape (images,)
        "real" or "generated".
    groups : array_like, shape (images,), or None
        Patients' codes, as in `grouped_auc`.
    seed : int, optional
        Of folds and permutations.

    Returns
    -------
    Detectability
        The `cues` (`measure_cues`, `compare_cues`) and the `observers`, one for each bank of channels
        (`model_observer`).

    Raises
    ------
    LookalikeError
        As `measure_cues`, `compare_cues` and `model_observer` do.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis import detectability
    >>> images = np.random.default_rng(1).normal(0.5, 0.05, (60, 16, 16)).clip(0, 1)
    >>> found = detectability(images, ["real", "generated"] * 30, None)
    >>> found.to_frame()[["what", "auc"]].round(2).head(3).to_dict("records")
    [{'what': 'mean', 'auc': 0.58}, {'what': 'contrast', 'auc': 0.54}, {'what': 'skewness', 'auc': 0.53}]
    """
    found = cues.compare_cues(cues.measure_cues(images), truth, groups, seed=seed)
    return Detectability(found, tuple(model_observer(images, truth, groups, bank, seed=seed) for bank in BANKS))


def detectability_of_set(stimuli: StimulusSet, *, seed: int = 0) -> Detectability:
    """The same for the main images of a stimulus set, with real images grouped by patient.

    Raises `LookalikeError` if there is no main image, a real one has no patient, or a file is missing or altered.
    """
    main = stimuli.select("main")
    if main.empty:
        raise LookalikeError("no-main-image", f"{stimuli.folder}: has no main image")
    nameless = main[(main["truth"] == "real") & main["patient"].isna()]
    if len(nameless):
        raise LookalikeError(
            "missing-value",
            f"{stimuli.folder / 'stimuli.csv'}: {len(nameless)} real images have no patient, first "
            f"{nameless['stimulus_id'].iloc[0]}: images of one patient must stay together; fill in the column",
        )
    images = _Stored(stimuli, tuple(main["stimulus_id"]))
    return detectability(images, main["truth"].to_numpy(), np.asarray(main["patient"], dtype=object), seed=seed)


def cues_of_set(stimuli: StimulusSet) -> pd.DataFrame:
    """The cues of the main images of a stimulus set: stimulus_id and one column per cue (`cues.measure_cues`)."""
    ids = tuple(stimuli.select("main")["stimulus_id"])
    table = cues.measure_cues(_Stored(stimuli, ids))
    table.insert(0, "stimulus_id", ids)
    return table


@dataclass(frozen=True)
class _Stored:
    """Images of a set, read from disk whenever they are iterated over."""

    stimuli: StimulusSet
    ids: tuple[str, ...]

    def __iter__(self) -> Iterator[Pixels]:
        return map(self.stimuli.read, self.ids)

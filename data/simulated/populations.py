"""Simulated observers in numbers: a population, its members, and whole studies at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints
from zlib import crc32

import numpy as np
import numpy.typing as npt
from pydantic import Field, create_model

from data.arrays import Flags, Ints
from data.errors import LookalikeError
from data.settings import Section, read_settings
from data.simulated.observers import Observer, standard_normal, usual_cuts

Evidence = npt.NDArray[np.float32]
Ratings = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Population:
    """Whom and what a study samples: observers whose d' and criterion vary, and images that vary.

    Attributes
    ----------
    dprime, between_sd : float
        Mean d' and its SD between observers.
    criterion, criterion_sd : float
        Mean criterion and its SD between observers.
    image_sd, own_sd, lapse, confidence_cuts, signal_sd, confidence_noise, fatigue, slowing : float
        Those of every observer; see `Observer`.
    serial_response, serial_evidence, median_time_s, image_seed : float
        Likewise.

    Examples
    --------
    >>> from data import Population
    >>> able = Population(dprime=1.5, between_sd=0.0)
    >>> able.member("k7q2m").dprime, able.by_trial
    (1.5, False)
    """

    dprime: float = 0.0
    between_sd: float = 0.2
    criterion_sd: float = 0.3
    image_sd: float = 0.5
    own_sd: float = 0.6
    lapse: float = 0.01
    confidence_cuts: tuple[float, ...] = usual_cuts(4)
    criterion: float = 0.0
    signal_sd: float = 1.0
    confidence_noise: float = 0.0
    fatigue: float = 0.0
    slowing: float = 0.0
    serial_response: float = 0.0
    serial_evidence: float = 0.0
    median_time_s: float = 1.6
    image_seed: int = 0

    def __post_init__(self) -> None:
        for name in ("between_sd", "criterion_sd"):
            if not 0 <= getattr(self, name) < np.inf:
                raise LookalikeError("out-of-range", f"{name} is {getattr(self, name)}; it must be at least 0")
        self.observer(self.dprime, self.criterion)  # the rest is an observer's

    def observer(self, dprime: float, criterion: float, **others: Any) -> Observer:
        """One member, with a d' and a criterion of its own; `others` are its other parameters where they differ."""
        own = ("dprime", "between_sd", "criterion", "criterion_sd")
        shared = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in own}
        return Observer(dprime, criterion, **{**shared, **others})

    def member(self, code: str) -> Observer:
        """The member of this name; the same name is the same observer, also in a retest."""
        return self.observer(
            self.dprime + self.between_sd * standard_normal("dprime of", code),
            self.criterion + self.criterion_sd * standard_normal("criterion of", code),
            seed=crc32(code.encode()),
        )

    @property
    def by_trial(self) -> bool:
        """Whether an answer depends on when the image was shown."""
        return bool(self.fatigue or self.serial_response or self.serial_evidence)


# The default observer: right in about 69% of trials, and not the same at each presentation.
USUAL = Population(dprime=1.0, between_sd=0.0, criterion_sd=0.0, lapse=0.0)
# The same parameters as settings of a file, which pydantic holds to their types; a TOML list becomes a tuple.
_SETTINGS: dict[str, Any] = {name: (kind, getattr(USUAL, name)) for name, kind in get_type_hints(Population).items()}
_SETTINGS["confidence_cuts"] = (tuple[float, ...], Field(USUAL.confidence_cuts, strict=False))
_Parameters = create_model("_Parameters", __base__=Section, **_SETTINGS)


def read_population(path: Path) -> Population:
    """Read a simulated observer's parameters from TOML.

    Parameters
    ----------
    path : Path
        A TOML file whose keys are attributes of `Population`.

    Returns
    -------
    Population
        What the file leaves out is as in `USUAL`: d' 1, and no variation between observers.

    Raises
    ------
    LookalikeError
        If the file is missing, or a key is unknown or holds anything but a number (`confidence_cuts`: a list of them).

    Examples
    --------
    >>> from pathlib import Path
    >>> from data import read_population
    >>> _ = Path("observer.toml").write_text("dprime = 0.5")
    >>> read_population(Path("observer.toml")).dprime
    0.5
    """
    settings, _ = read_settings(path, _Parameters, "no such file; give the TOML file of a simulated observer")
    try:
        return Population(**dict(settings))
    except LookalikeError as error:
        raise LookalikeError(error.code, f"{path}: {error}") from None


def draw_group(count: int, seed: int, population: Population = Population()) -> list[Observer]:
    """Draw observers of a population, who all see the same images.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        The source of randomness; a larger group of the same seed keeps its first members.
    population : Population
        Whom to draw from.

    Returns
    -------
    list of Observer, length count
        The observers.

    Examples
    --------
    >>> from data import Population, draw_group
    >>> group = draw_group(3, seed=1, population=Population(dprime=0.5))
    >>> [round(one.dprime, 2) for one in group]
    [0.57, 0.68, 0.62]
    """
    rng = np.random.default_rng(seed)
    return [
        population.observer(
            dprime=float(population.dprime + population.between_sd * rng.standard_normal()),
            criterion=float(population.criterion + population.criterion_sd * rng.standard_normal()),
            median_time_s=float(population.median_time_s * np.exp(0.2 * rng.standard_normal())),
            seed=int(rng.integers(2**31)),
            image_seed=seed,
        )
        for _ in range(count)
    ]


def draw_ratings(
    population: Population,
    participants: int,
    generated: Flags,
    rng: np.random.Generator,
    *,
    studies: int = 1,
    own_images: bool = False,
) -> Ratings:
    """Simulate session 1 of whole studies at once, for simulations that need thousands of them.

    The same model as `Observer.judge`, without times and names. Every study draws new observers and new images. Where
    the trial matters (`Population.by_trial`), each participant sees the images in an order of its own, drawn uniformly.

    Parameters
    ----------
    population : Population
        Whom and what the studies sample.
    participants : int
        Participants of each study.
    generated : ndarray of bool, shape (images,)
        Which images are generated.
    rng : numpy.random.Generator
        The source of randomness.
    studies : int
        How many studies.
    own_images : bool
        Whether each participant has images of its own, instead of the same ones as all others in its study.

    Returns
    -------
    ndarray of int8, shape (studies, participants, images)
        Signed ratings, −k to −1 and 1 to k, in the order of `generated`; above 0 is "generated".

    Examples
    --------
    >>> import numpy as np
    >>> from data import Population, draw_ratings
    >>> generated = np.arange(100) % 2 == 0
    >>> ratings = draw_ratings(Population(dprime=1.0), 6, generated, np.random.default_rng(1), studies=20)
    >>> ratings.shape, bool(ratings[..., generated].mean() > ratings[..., ~generated].mean())
    ((20, 6, 100), True)
    """
    shape = (studies, participants, generated.size)
    dprime = population.dprime + population.between_sd * rng.standard_normal(shape[:2], dtype=np.float32)
    criterion = population.criterion + population.criterion_sd * rng.standard_normal(shape[:2], dtype=np.float32)
    images = rng.standard_normal(shape if own_images else (studies, 1, generated.size), dtype=np.float32)
    # One draw for what is the observer's own and for internal noise: within one session they are alike.
    rest = np.float32(np.sqrt(1 - population.image_sd**2))
    evidence = rng.standard_normal(shape, dtype=np.float32)
    evidence *= rest
    evidence += np.float32(population.image_sd) * images
    evidence *= np.where(generated, population.signal_sd, 1.0).astype(np.float32)
    order = rng.permuted(np.tile(np.arange(generated.size), (*shape[:2], 1)), axis=-1) if population.by_trial else None
    means = dprime[..., None] * np.where(generated, 0.5, -0.5).astype(np.float32)
    if order is not None:
        means *= np.exp(-population.fatigue * np.argsort(order, axis=-1) / 100).astype(np.float32)
    evidence += means
    guesses = _guesses(population, shape, rng)
    distance = evidence - criterion[..., None]
    if order is not None:
        distance += _pull(population, evidence, distance, guesses, order)
    ratings = _signed(distance, population, rng)
    return np.where(guesses != 0, guesses, ratings)


def _guesses(population: Population, shape: tuple[int, ...], rng: np.random.Generator) -> Ratings:
    """The ratings of lapsed trials, 0 elsewhere."""
    guesses = np.zeros(shape, np.int8)
    if population.lapse > 0:
        levels = len(population.confidence_cuts) + 1
        lapsed = rng.random(shape, dtype=np.float32) < population.lapse
        count = int(lapsed.sum())
        guesses[lapsed] = (rng.integers(1, levels + 1, count) * rng.choice([-1, 1], count)).astype(np.int8)
    return guesses


def _pull(population: Population, evidence: Evidence, distance: Evidence, guesses: Ratings, order: Ints) -> Evidence:
    """By how much the previous trial moves each image's evidence, relative to the criterion."""
    was: Evidence = np.take_along_axis(evidence, order, -1)
    alone: Evidence = np.take_along_axis(distance, order, -1)
    guess: Ratings = np.take_along_axis(guesses, order, -1)
    shift = np.zeros_like(alone)
    for trial in range(1, order.shape[-1]):
        before = trial - 1
        said = np.where(guess[..., before] != 0, guess[..., before], alone[..., before] + shift[..., before]) > 0
        answer = np.float32(population.serial_response) * (said.astype(np.float32) - np.float32(0.5))
        shift[..., trial] = answer + np.float32(population.serial_evidence) * was[..., before]
    back = np.empty_like(shift)
    np.put_along_axis(back, order, shift, -1)
    return back


def _signed(distance: Evidence, population: Population, rng: np.random.Generator) -> Ratings:
    """Distances from the criterion to signed ratings."""
    seen = distance
    if population.confidence_noise > 0:
        seen = distance + np.float32(population.confidence_noise) * rng.standard_normal(
            distance.shape, dtype=np.float32
        )
    size = np.where(distance > 0, seen, -seen)
    confidence = np.ones(distance.shape, np.int8)
    for cut in population.confidence_cuts:
        confidence += size > cut
    return np.where(distance > 0, confidence, -confidence).astype(np.int8)

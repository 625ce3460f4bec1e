"""The group's d′ from every single answer: a crossed random-effects probit of participants by images.

Means over participants take the images as fixed; here both are a sample. Participant p says
"generated" of image i with probability

    Φ(b₀ + b₁ x + u_p + v_p x + w_i),    x = +½ for a generated image, −½ for a real one,

so that b₁ is the group's d′ and −b₀ its criterion (DeCarlo 1998, Psychol. Methods 3:186; crossed with
images: Rouder & Lu 2005, Psychon. Bull. Rev. 12:573). Participants differ in criterion (u) and d′ (v), and
the two may be correlated. An image has one truth, so it can have no slope of its own; a slope that
varies by image would only make generated images differ more, or less, than real ones. So the real
images and the generated images have each their own SD of w.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import ndtri

from analysis import intervals
from analysis.group.laplace import Answers, Information, Laplace, triangle
from analysis.readings import check_trials
from analysis.trials import is_generated
from data.arrays import Flags, Floats
from data.errors import check_choice
from data.results.result import UNDEFINED, Estimate, Result

# An SD below this is estimated as 0; one above that, or a mean, has run away from any data.
ZERO, RUNAWAY = 1e-3, 8.0
BIAS, DPRIME = np.array([0.5, 0.5]), np.array([-1.0, 1.0])  # b₀ and b₁ in terms of μ_real and μ_generated


@dataclass(frozen=True, eq=False)
class Probit(Result):
    """The group's d′ and criterion, with how much participants and images differ.

    `dprime` (b₁) and `criterion` (−b₀) are in SDs of the evidence that one image gives one participant.
    `marginal_dprime` is in the units of `yesno` and of bounds ±δ: the d′ that the hit and false-alarm rates of
    an average participant would show over many images, whose differences are noise there. It is
    nearer to 0. `dprime_sd` and `criterion_sd` are the SDs between participants, `correlation` that of d′ with
    criterion, `real_image_sd` and `generated_image_sd` the SDs of image effects. Bounds are at `level`.

    `answered` trials were fitted, of `participants` with `real` and `generated` images; `unanswered` were left
    out. `singular` says that a variance is estimated as 0 or a correlation as ±1: often no more than
    a sign of few participants or images. What is undefined is NaN; `reason` says why, and what is singular.
    """

    participants: int
    real: int
    generated: int
    answered: int
    unanswered: int
    dprime: Estimate
    criterion: Estimate
    marginal_dprime: Estimate
    dprime_sd: float
    criterion_sd: float
    correlation: float
    real_image_sd: float
    generated_image_sd: float
    log_likelihood: float
    level: float
    information: Information
    converged: bool
    singular: bool
    reason: str | None


def mixed_probit(trials: pd.DataFrame, level: float = 0.95, information: Information = "observed") -> Probit:
    """The group's d′ from every single answer: a crossed random-effects probit of participants by images.

    Parameters
    ----------
    trials : pandas.DataFrame
        One session of each participant: participant, stimulus_id, truth and response (`data.trials`). A missing
        response is left out and counted.
    level : float, optional
        Level of the intervals, in (0, 1).
    information : {"observed", "expected"}, optional
        Of Laplace's approximation to the likelihood's integral over participants and images. "expected" gives what
        lme4's `glmer` (probit, nAGQ = 1) prints, to about 1e-4; the default is nearer to the exact likelihood where
        images have few answers: with 6 answers an image, true image SDs of .50 come out as .477 (exact maximum .484)
        instead of .460.

    Returns
    -------
    Probit
        `dprime`, `criterion` and `marginal_dprime` (in the units of `dprime`'s bounds) with standard errors and bounds;
        the SDs between participants and between images. What is undefined is NaN and `reason` says why.

    Raises
    ------
    LookalikeError
        For a missing column, participant or image, an unknown word, an image that a participant judged twice or that
        has two truths; rows are named.

    Notes
    -----
    `se` is the maximum-likelihood standard error, from the curvature of the log-likelihood in all parameters. The
    interval is a t interval: the variances that n participants or n images contribute are raised by n / (n − 1), as
    likelihood underestimates them, and the degrees of freedom follow Satterthwaite. At .95 it covers .96–.98 with 6 and
    with 10 participants and .94 with 20 (eleven times 300 or 400 simulated studies of 40 to 100 images, SDs of d′ from
    0 to .6); ± 1.96 SE covers .89–.97 there.

    References
    ----------
    DeCarlo 1998, Psychol. Methods 3:186; Rouder & Lu 2005, Psychon. Bull. Rev. 12:573; Satterthwaite 1946, Biometrics
    Bull. 2:110.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from analysis import mixed_probit
    >>> rng = np.random.default_rng(1)
    >>> person, image = np.divmod(np.arange(320), 40)
    >>> evidence = rng.normal(np.where(image % 2, 0.5, -0.5)) + 0.5 * rng.normal(size=40)[image]
    >>> truth, response = np.where(image % 2, "generated", "real"), np.where(evidence > 0, "generated", "real")
    >>> trials = pd.DataFrame({"participant": person, "stimulus_id": image, "truth": truth, "response": response})
    >>> found = mixed_probit(trials)
    >>> round(found.dprime.value, 2), round(found.dprime.low, 2), round(found.dprime.high, 2)
    (1.25, 0.81, 1.7)
    """
    check_choice(information, get_args(Information), "information")
    answers, unanswered = _coded(trials)
    undefined = _undefined(answers)
    empty = Probit(
        participants=answers.participants,
        real=answers.real,
        generated=answers.images - answers.real,
        answered=answers.sign.size,
        unanswered=unanswered,
        dprime=UNDEFINED,
        criterion=UNDEFINED,
        marginal_dprime=UNDEFINED,
        dprime_sd=np.nan,
        criterion_sd=np.nan,
        correlation=np.nan,
        real_image_sd=np.nan,
        generated_image_sd=np.nan,
        log_likelihood=np.nan,
        level=level,
        information=information,
        converged=False,
        singular=False,
        reason=undefined,
    )
    if undefined:
        return empty
    fit = _maximise(answers, information)
    return replace(empty, reason=fit) if isinstance(fit, str) else _result(empty, fit)


@dataclass(frozen=True, eq=False)
class _Fit:
    """The seven parameters of `analysis.group.laplace` at the maximum, their covariance, and which are free."""

    parameters: Floats
    covariance: Floats
    free: Flags
    log_likelihood: float


def _coded(trials: pd.DataFrame) -> tuple[Answers, int]:
    """The answered trials as codes, real images first, and the number of unanswered ones."""
    check_trials(trials, "response")
    answered = trials[trials["response"].notna()]
    people, participants = pd.factorize(answered["participant"])
    shown, images = pd.factorize(answered["stimulus_id"])
    generated = np.zeros(len(images), dtype=np.bool_)
    generated[shown] = is_generated(answered["truth"])
    place = np.argsort(np.argsort(generated, kind="stable"))
    answers = Answers(
        participant=people.astype(np.int64),
        image=place[shown].astype(np.int64),
        sign=np.where(is_generated(answered["response"]), 1.0, -1.0),
        participants=len(participants),
        images=len(images),
        real=int(np.sum(~generated)),
    )
    return answers, len(trials) - len(answered)


def _undefined(answers: Answers) -> str | None:
    """Why there can be no estimate at all."""
    generated = answers.image >= answers.real
    for word, of_truth in (("real", ~generated), ("generated", generated)):
        said = np.unique(answers.sign[of_truth])
        if not said.size:
            return f"no {word} image was answered"
        if said.size == 1:
            answer = "generated" if said[0] > 0 else "real"
            return f"every answer to a {word} image is '{answer}': d′ has no finite estimate"
    return None if answers.participants > 1 else "one participant: a group needs at least two"


def _maximise(answers: Answers, information: Information) -> _Fit | str:
    """The maximum, or why there is none."""
    likelihood, free = Laplace(answers, information), _free(answers)
    start, scale = _start(answers)
    start[~free] = 0

    def of_free(values: Floats) -> tuple[float, Floats]:
        value, gradient = likelihood(_filled(values, free))
        return value, gradient[free]

    options = {"gtol": 1e-3, "hess_inv0": np.diag(scale[free])}
    found = minimize(of_free, start[free], jac=True, method="BFGS", options=options)
    parameters = _tidied(_filled(found.x, free))
    if np.abs(parameters).max() > RUNAWAY:
        return "the answers separate real from generated images, or participants, too well: an estimate is infinite"
    _, gradient = of_free(parameters[free])
    steps = 1e-4 * np.eye(int(free.sum()))
    # The likelihood is even in every SD, so that steps across 0 are allowed.
    hessian = np.array([of_free(parameters[free] + e)[1] - of_free(parameters[free] - e)[1] for e in steps]) / 2e-4
    roots, axes = np.linalg.eigh((hessian + hessian.T) / 2)
    # A covariance that is 0 has directions without any meaning; they take no part.
    used = roots > 1e-6 * roots.max()
    covariance = np.zeros((free.size, free.size))
    covariance[np.ix_(free, free)] = (axes[:, used] / roots[used]) @ axes[:, used].T
    step = covariance[np.ix_(free, free)] @ gradient
    if roots.min() < -1e-3 * roots.max():
        return "did not converge: the likelihood has no maximum where the search ended"
    if gradient @ step > 1e-4:
        return f"did not converge: the log-likelihood could still rise by about {gradient @ step / 2:.2g}"
    # What is left to the maximum is one Newton step, since the curvature is known by now.
    parameters[free] -= step
    parameters = _tidied(parameters)
    return _Fit(parameters, covariance, free, -of_free(parameters[free])[0])


def _free(answers: Answers) -> Flags:
    """Which parameters the answers determine: (7,).

    Without an image that two participants judged, image effects are part of the noise. Without a
    participant who judged both kinds, nothing is known of how the two effects of a participant go together.
    """
    counts = np.bincount(answers.image, minlength=answers.images)
    kinds = pd.Series(answers.image >= answers.real).groupby(answers.participant).nunique()
    shared = [bool((part > 1).any()) for part in (counts[: answers.real], counts[answers.real :])]
    return np.array([True, True, True, bool((kinds > 1).any()), True, *shared])


def _start(answers: Answers) -> tuple[Floats, Floats]:
    """Where the search begins, and roughly the variances of the parameters there."""
    generated = answers.image >= answers.real
    trials = np.array([np.sum(~generated), np.sum(generated)])
    yes = np.array([np.sum(answers.sign[part] > 0) for part in (~generated, generated)])
    mu = 1.15 * ndtri((yes + 0.5) / (trials + 1))
    images = np.array([answers.real, answers.images - answers.real])
    variance = 0.16
    scale = [variance / answers.participants + variance / images + 1.6 / trials]
    scale += [np.full(3, variance / answers.participants / 2), variance / images / 2]
    return np.concatenate([mu, [0.4, 0.2, 0.35, 0.4, 0.4]]), np.concatenate(scale)


def _filled(values: Floats, free: Flags) -> Floats:
    parameters = np.zeros(free.size)
    parameters[free] = values
    return parameters


def _tidied(parameters: Floats) -> Floats:
    """The same parameters with positive SDs, those that are nearly 0 made 0."""
    turn = np.stack([BIAS, DPRIME])
    left, sds, right = np.linalg.svd(turn @ triangle(parameters))
    m = np.linalg.solve(turn, left * np.where(sds < ZERO, 0, sds)) @ right
    lower = np.asarray(np.linalg.qr(m.T, mode="r")).T
    lower = lower * np.where(np.diag(lower) < 0, -1, 1)
    sigma = np.abs(parameters[5:])
    return np.concatenate([parameters[:2], lower[np.tril_indices(2)], np.where(sigma < ZERO, 0, sigma)])


def _result(empty: Probit, fit: _Fit) -> Probit:
    m, sigma = triangle(fit.parameters), fit.parameters[5:]
    bias, dprime = BIAS @ m, DPRIME @ m
    criterion_sd, dprime_sd = float(np.linalg.norm(bias)), float(np.linalg.norm(dprime))
    correlation = -float(bias @ dprime) / (criterion_sd * dprime_sd) if min(criterion_sd, dprime_sd) > ZERO else np.nan
    found = replace(
        empty,
        dprime=_estimate(empty, fit, *_linear(DPRIME, fit.parameters)),
        criterion=_estimate(empty, fit, *_linear(-BIAS, fit.parameters)),
        marginal_dprime=_estimate(empty, fit, *_marginal(fit.parameters)),
        dprime_sd=dprime_sd if fit.free[3] else np.nan,
        criterion_sd=criterion_sd if fit.free[3] else np.nan,
        correlation=correlation if fit.free[3] else np.nan,
        real_image_sd=float(sigma[0]) if fit.free[5] else np.nan,
        generated_image_sd=float(sigma[1]) if fit.free[6] else np.nan,
        log_likelihood=fit.log_likelihood,
        converged=True,
    )
    singular, undetermined = _singular(found), _undetermined(found)
    remarks = [f"singular fit: {', '.join(singular)}"] if singular else []
    return replace(found, singular=bool(singular), reason="; ".join(remarks + undetermined) or None)


def _singular(found: Probit) -> list[str]:
    """What is estimated as 0, or as a correlation of ±1 (what is NaN is neither)."""
    said = {
        "participants do not differ in d′": found.dprime_sd <= ZERO,
        "participants do not differ in criterion": found.criterion_sd <= ZERO,
        "participants' d′ and criterion correlate perfectly": abs(found.correlation) > 1 - 1e-6,
        "real images do not differ": found.real_image_sd <= ZERO,
        "generated images do not differ": found.generated_image_sd <= ZERO,
    }
    return [words for words, true in said.items() if true]


def _undetermined(found: Probit) -> list[str]:
    """What the design cannot determine."""
    said = {
        "no participant judged real and generated images, so their SDs are undefined": np.isnan(found.dprime_sd),
        "no real image was judged by two participants, so its effect counts as noise": np.isnan(found.real_image_sd),
        "no generated image was judged by two participants, so its effect counts as noise": np.isnan(
            found.generated_image_sd
        ),
    }
    return [words for words, true in said.items() if true]


def _linear(weights: Floats, parameters: Floats) -> tuple[float, Floats]:
    """A weighted sum of μ_real and μ_generated, with its slope (7,) in the parameters."""
    return float(weights @ parameters[:2]), np.concatenate([weights, np.zeros(5)])


def _marginal(parameters: Floats) -> tuple[float, Floats]:
    """z(H) − z(F) of an average participant over images: P = Φ(μ_t / √(1 + σ_t²)); with its slope (7,)."""
    mu, sigma = parameters[:2], parameters[5:]
    spread = np.sqrt(1 + sigma**2)
    slope = np.concatenate([DPRIME / spread, np.zeros(3), -DPRIME * mu * sigma / spread**3])
    return float(DPRIME @ (mu / spread)), slope


def _estimate(about: Probit, fit: _Fit, value: float, slope: Floats) -> Estimate:
    """A function of the parameters, by its `slope` (7,) there, with a t interval (see `mixed_probit`)."""
    variance = float(slope @ fit.covariance @ slope)
    of_participants = float(np.sum((slope[:2] @ triangle(fit.parameters)) ** 2))
    counts = np.array([about.participants, about.real, about.generated])
    degrees = np.maximum(counts - 1, 1)
    found = np.array([of_participants, *(slope[:2] * fit.parameters[5:]) ** 2]) / counts
    raised = found * (1 + 1 / degrees)
    # What no component explains is the noise of trials, known in itself; but it blurs what is seen of the components.
    noise = max(variance - float(found.sum()), 0.0) * np.array([1, *(slope[:2] ** 2 / np.sum(slope[:2] ** 2))])
    corrected = variance + float(np.sum(raised - found))
    freedom = corrected**2 / float(np.sum((raised + noise) ** 2 / degrees))
    margin = intervals.critical(about.level, freedom) * np.sqrt(corrected)
    return Estimate(value, float(np.sqrt(variance)), float(value - margin), float(value + margin))

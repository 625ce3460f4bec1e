"""The methods of a real/generated study, as paragraphs that can be copied into a paper."""

from __future__ import annotations

from analysis.mrmc.other_methods import MOST
from analysis.report import sequences
from analysis.report.realfake import curves, individuals
from analysis.report.realfake.findings import Findings
from analysis.sdt.categories import categories

_TRIALS = (
    "**Trials.** Only main trials of session 1 enter d′ and the ROC; retests are never pooled with them, and practice "
    "and catch trials never count among them. Unanswered trials are left out and counted. No trial was removed for "
    "being unusual: findings such as answers within 0.2 s {whelan2008} are listed with what was done about them. "
    "Generated images are the signal. Ratings combine answer and confidence into one signed number, larger meaning "
    "more generated-looking; this direction is fixed and never chosen from the data."
)
_CORRECTIONS = {
    "log-linear": "each corrected log-linearly, (x + .5)/(n + 1) {hautus1995}",
    "replace": "with 0 and 1 replaced by 1/(2n) and 1 − 1/(2n) {macmillan1985}",
    "none": "not corrected, so that nothing is reported where one is 0 or 1",
}
_YES_NO = (
    "**Yes/no.** With hit rate H and false-alarm rate F, {correction}, d′ = z(H) − z(F) and c = −[z(H) + z(F)]/2 "
    "{macmillan2005}; the standard error of d′ follows Gourevitch and Galanter {gourevitch1967}, and its 95% interval "
    "is d′ ± 1.96 SE."
)
_AREAS = (
    "**Areas under the ROC.** The area under the empirical ROC is the Mann–Whitney statistic {mann1947}, with ties "
    "counting half; its variance is DeLong’s {delong1988}, computed from midranks {sun2014}, and its interval is "
    "symmetric on the logit scale {pepe2003}."
)
_EACH_AREA = (
    " A second interval comes from 2,000 bootstrap resamples stratified by truth, bias-corrected and accelerated "
    "{efron1987}. The permutation test of chance shuffles the labels real and generated; it is exact unless marked. "
    "The partial area over false-alarm rates 0 to .2 is standardised following McClish {mcclish1989}. The binormal "
    "model, real images N(0, 1) and generated images N(μ, σ²), was fitted to the counts of ratings by maximum "
    "likelihood {dorfman1969}; A_z = Φ(d_a/√2), d_a = μ √(2/(1 + σ²)); its fit was tested by Pearson’s X², σ = 1 by "
    "the likelihood ratio."
)
_PRIMARY = (
    "**Primary result.** The endpoint is the area averaged over participants, with participants and images both "
    "counted as samples. Its variance is the one-shot estimate from U-statistics {gallas2006+gallas2008}, a negative "
    "covariance counting as 0 {hillis2007}, and not less than the variance with participants fixed; the interval is a "
    "t interval with Satterthwaite’s degrees of freedom {satterthwaite1946+gaylor1969}, or, with fewer than five "
    "participants, their number less one {obuchowski1995}. With a mean area from .95 up (or to .05), a permutation "
    "test of the images’ labels decided instead. An interval of confidence 1 − 2α inside the bounds is equivalent to "
    "two one-sided tests at α {schuirmann1987}; a difference from .5 was tested two-sided at 2α. “Near chance” was to "
    "be claimed only with bounds fixed in the study file before the first trial, the planned number of participants, "
    "one look at the data, participants whose true areas have an SD within the bounds and none of whom is beyond them "
    "by an interval at Bonferroni’s level, and known fakes discriminated from the real images by more than the bound. "
    "The share of observers who discriminate is the Bayesian prevalence {ince2021} from permutation tests of each "
    "participant, at 2.5% in each direction, with its 95% highest-density interval. The numbers of participants needed"
    " come from the variance components of these data."
)
_OTHERS = (
    "**Other methods for the same area** (secondary): the analysis of Obuchowski and Rockette {obuchowski1995} with "
    "Hillis’s degrees of freedom {hillis2007} and covariances by DeLong, jackknife and bootstrap (with the jackknife "
    "it is that of Dorfman, Berbaum and Metz {dorfman1992+hillis2008}); a t interval over participants; the bootstrap "
    "of participants and images together {owen2007}, BCa; permutation of the images’ labels, the same for all "
    "participants."
)
_CONFIDENCE = (
    "**Confidence.** meta-d′ is the d′ of an ideal observer whose confidence discriminates correct from wrong answers "
    "as well as the confidence in the data does {maniscalco2012}, {model}; half a trial was added to each pair of "
    "truth and response. M-diff is meta-d′ − d′, and M-ratio is given only where the interval of d′ excludes 0. meta-I "
    "is the information, in bits, that confidence carries about accuracy {dayan2023}. It, the type-2 ROC {galvin2003} "
    "and Goodman and Kruskal’s γ between confidence and accuracy {goodman1963} are in "
    "`participants.tsv`. Intervals in the figure are Wilson’s {wilson1927}."
)
_MODELS = {
    "fleming": "with the response criterion kept in place {fleming2017}, which is defined at d′ = 0 too",
    "maniscalco-lau": "with the response criterion in proportion to d′, which is undefined at d′ = 0",
}
_RETEST = (
    "**Retest.** Similarity is the simple matching coefficient of Sokal and Michener {sokal1958}, matches divided by "
    "shared images answered in both sessions, with a Wilson interval {wilson1927}; the similarity expected by chance "
    "follows from the two sessions’ shares of “generated”, and its p is exact given these (hypergeometric, one-sided). "
    "κ is Cohen’s {cohen1960}, AC1 Gwet’s {gwet2008}; weighted κ of the ratings has quadratic weights "
    "{cohen1968+fleiss1969}; the ICC of ratings is for absolute agreement of single ratings {mcgraw1996}. Internal "
    "noise is the maximum-likelihood estimate from the double pass {burgess1988}, with bounds by the profile "
    "likelihood. The change of d′ is the retest’s less session 1’s on the images answered in both, with "
    "rates always corrected log-linearly; its interval takes the pairing of answers to the same images into account."
)
_SERIAL = (
    "**Serial dependence.** Each participant’s answers were regressed (logistic, Firth’s penalised likelihood "
    "{firth1993}) on present truth, previous answer, previous truth and a slow drift; the effects were compared with "
    "those in orders re-drawn as a plan’s are, and averaged. Bounds are expanded percentiles {hesterberg2015} of "
    "resampled participants; the next image’s truth and the answer five trials back are controls."
)


def methods(found: Findings) -> tuple[str, ...]:
    """The paragraphs that cover what the page of this study shows."""
    texts = [
        _TRIALS,
        _YES_NO.replace("{correction}", _CORRECTIONS[found.by.correction]),
        _AREAS + (_EACH_AREA if len(found.areas) <= MOST else ""),
        _PRIMARY,
        _OTHERS,
        _means(found),
    ]
    if "calibration" in found.figures:
        texts.append(_CONFIDENCE.replace("{model}", _MODELS[found.by.model]) + _group_ratio(found) + _categories(found))
    if found.rates is not None and len(found.rates):
        texts.append(curves.METHODS)
    if found.retested:
        texts.append(_RETEST)
    if any(one.own is not None for one in found.individuals):
        texts.append(individuals.METHODS)
    if len(found.groups) == 1:
        texts.append(_images(found))
    if found.detectability is not None:
        texts.append(_detectability(found))
    if "serial" in found.figures:
        texts.append(_SERIAL)
    effects = sequences.methods([one.sequence for one in found.individuals])
    texts.append(f"**Sequence and time on task.** {effects}")
    return tuple(texts)


def _group_ratio(found: Findings) -> str:
    if not any(group.m_ratio and group.m_ratio.reason is None for group in found.groups):
        return ""
    return (
        " The M-ratio of the group comes from a hierarchical model of all participants’ answers and confidences "
        "{fleming2017}, d′ normal and M-ratio lognormal over participants; its posterior was integrated on a grid."
    )


def _categories(found: Findings) -> str:
    made = categories(found.trials.measure)[1]
    text = "For these, for the binormal model and for the figure of ratings, "
    return "" if made is None else f" {text}{made}; the ROC and its area take every value as it is."


def _means(found: Findings) -> str:
    tost = interval = ""
    if any(group.tost for group in found.groups):
        tost = " Equivalence of the mean d′ was tested by two one-sided t tests {schuirmann1987}."
    if any(group.interval for group in found.groups):
        interval = ", and that of “inside the bounds” against “outside” {morey2011}"
    return (
        "**Means over participants** (secondary) have t intervals. They generalise to other observers judging these "
        "same images; variation among images is not in them, so conclusions about other images of the same kind need a "
        f"wider interval.{tost} Hedges’ g is the mean d′ in SDs between participants, corrected for bias "
        "{hedges1981}. Bayes factors of the mean d′ are the JZS t test’s {rouder2009}, one with a normal prior as "
        f"wide as the expected effect {{dienes2014}}{interval}. The SD of true d′ between observers is the "
        "restricted-maximum-likelihood estimate of the variation beyond the standard errors, with bounds by the "
        "Q-profile method {viechtbauer2007}. The model of every answer is a probit regression with crossed random "
        "effects of participants (criterion and d′) and images {decarlo1998+rouder2005}, fitted by Laplace’s "
        "approximation, with t intervals and Satterthwaite’s degrees of freedom."
    )


def _images(found: Findings) -> str:
    text = (
        "**Images.** Agreement of observers is the share of agreeing pairs of answers to an image and Krippendorff’s α "
        "{krippendorff2004}, with bounds from resampled images; the intraclass correlations of the ratings are Shrout "
        "and Fleiss’s {shrout1979}, with participants as a sample of raters."
    )
    if found.relations is not None and found.relations["p_holm"].notna().any():
        text += (
            " Cues are related to mean ratings within truth by Spearman’s correlation with Bonett and Wright’s "
            "interval {bonett2000}, p adjusted by Holm’s method {holm1979}."
        )
    return text


def _detectability(found: Findings) -> str:
    text = (
        "**Cues and model observers.** Single cues were compared by their area with Wilcoxon’s test, with a patient’s "
        "images as one cluster, p adjusted by Holm’s method {holm1979}. The classifier and the Hotelling observers "
        "{barrett1993} on channels {gallas2003} were cross-validated with a patient’s images kept together; their null "
        "distribution relabels patients and retrains, in units of each standard error {chung2013}."
    )
    if len(found.groups) == 1 and found.groups[0].dprime.mean > 0:
        text += (
            " Internal noise, normal and added to the decision variable, was set so that the observer’s area is "
            "Φ(d′/√2) at the mean d′."
        )
    return text

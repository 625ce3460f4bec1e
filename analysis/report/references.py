"""The works that the methods of a report cite, and their numbering in the order of citation."""

from __future__ import annotations

REFERENCES = {
    "barrett1993": "Barrett, H. H., Yao, J., Rolland, J. P., & Myers, K. J. (1993). Model observers for assessment of "
    "image quality. Proceedings of the National Academy of Sciences, 90, 9758–9765.",
    "bonett2000": "Bonett, D. G., & Wright, T. A. (2000). Sample size requirements for estimating Pearson, Kendall and "
    "Spearman correlations. Psychometrika, 65, 23–28.",
    "burgess1988": "Burgess, A. E., & Colborne, B. (1988). Visual signal detection. IV. Observer inconsistency. "
    "Journal of the Optical Society of America A, 5, 617–627.",
    "christensen2009": "Christensen, R. H. B., & Brockhoff, P. B. (2009). Estimation and inference in the "
    "same–different test. Food Quality and Preference, 20, 514–520.",
    "chen2014": "Chen, W., Wunderlich, A., Petrick, N., & Gallas, B. D. (2014). Multireader multicase reader studies "
    "with binary agreement data: simulation, analysis, validation, and sizing. Journal of Medical Imaging, 1, 031011.",
    "chung2013": "Chung, E., & Romano, J. P. (2013). Exact and asymptotically robust permutation tests. "
    "Annals of Statistics, 41, 484–507.",
    "cohen1960": "Cohen, J. (1960). A coefficient of agreement for nominal scales. Educational and Psychological "
    "Measurement, 20, 37–46.",
    "cohen1968": "Cohen, J. (1968). Weighted kappa: nominal scale agreement with provision for scaled disagreement or "
    "partial credit. Psychological Bulletin, 70, 213–220.",
    "davison1997": "Davison, A. C., & Hinkley, D. V. (1997). Bootstrap methods and their application. Cambridge "
    "University Press.",
    "dayan2023": "Dayan, P. (2023). Metacognitive information theory. Open Mind, 7, 392–411.",
    "decarlo1998": "DeCarlo, L. T. (1998). Signal detection theory and generalized linear models. "
    "Psychological Methods, 3, 186–205.",
    "delong1988": "DeLong, E. R., DeLong, D. M., & Clarke-Pearson, D. L. (1988). Comparing the areas under two or more "
    "correlated receiver operating characteristic curves: a nonparametric approach. Biometrics, 44, 837–845.",
    "devinck2012": "Devinck, F., & Knoblauch, K. (2012). A common signal detection model accounts for both perception "
    "and discrimination of the watercolor effect. Journal of Vision, 12, 19.",
    "dienes2014": "Dienes, Z. (2014). Using Bayes to get the most out of non-significant results. "
    "Frontiers in Psychology, 5, 781.",
    "dorfman1969": "Dorfman, D. D., & Alf, E. (1969). Maximum-likelihood estimation of parameters of signal-detection "
    "theory and determination of confidence intervals: rating-method data. Journal of Mathematical Psychology, 6, "
    "487–496.",
    "dorfman1992": "Dorfman, D. D., Berbaum, K. S., & Metz, C. E. (1992). Receiver operating characteristic rating "
    "analysis: generalization to the population of readers and patients with the jackknife method. Investigative "
    "Radiology, 27, 723–731.",
    "dorfman2000": "Dorfman, D. D., & Berbaum, K. S. (2000). A contaminated binormal model for ROC data: part II. A "
    "formal model. Academic Radiology, 7, 427–437.",
    "efron1987": "Efron, B. (1987). Better bootstrap confidence intervals. Journal of the American Statistical "
    "Association, 82, 171–185.",
    "finn2015": "Finn, E. S., Shen, X., Scheinost, D., Rosenberg, M. D., Huang, J., Chun, M. M., Papademetris, X., & "
    "Constable, R. T. (2015). Functional connectome fingerprinting: identifying individuals using patterns of brain "
    "connectivity. Nature Neuroscience, 18, 1664–1671.",
    "firth1993": "Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika, 80, 27–38.",
    "fischer2014": "Fischer, J., & Whitney, D. (2014). Serial dependence in visual perception. "
    "Nature Neuroscience, 17, 738–743.",
    "fleiss1969": "Fleiss, J. L., Cohen, J., & Everitt, B. S. (1969). Large sample standard errors of kappa and "
    "weighted kappa. Psychological Bulletin, 72, 323–327.",
    "fleming2017": "Fleming, S. M. (2017). HMeta-d: hierarchical Bayesian estimation of metacognitive efficiency from "
    "confidence ratings. Neuroscience of Consciousness, 2017, nix007.",
    "galvin2003": "Galvin, S. J., Podd, J. V., Drga, V., & Whitmore, J. (2003). Type 2 tasks in the theory of signal "
    "detectability: discrimination between correct and incorrect decisions. Psychonomic Bulletin & Review, 10, "
    "843–876.",
    "gallas2003": "Gallas, B. D., & Barrett, H. H. (2003). Validating the use of channels to estimate the ideal linear "
    "observer. Journal of the Optical Society of America A, 20, 1725–1738.",
    "gallas2006": "Gallas, B. D. (2006). One-shot estimate of MRMC variance: AUC. Academic Radiology, 13, 353–362.",
    "gallas2008": "Gallas, B. D., & Brown, D. G. (2008). Reader studies for validation of CAD systems. "
    "Neural Networks, 21, 387–397.",
    "gaylor1969": "Gaylor, D. W., & Hopper, F. N. (1969). Estimating the degrees of freedom for linear combinations of "
    "mean squares by Satterthwaite’s formula. Technometrics, 11, 691–706.",
    "goodman1963": "Goodman, L. A., & Kruskal, W. H. (1963). Measures of association for cross classifications III: "
    "approximate sampling theory. Journal of the American Statistical Association, 58, 310–364.",
    "gourevitch1967": "Gourevitch, V., & Galanter, E. (1967). A significance test for one parameter isosensitivity "
    "functions. Psychometrika, 32, 25–33.",
    "gwet2008": "Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high "
    "agreement. British Journal of Mathematical and Statistical Psychology, 61, 29–48.",
    "macmillan1985": "Macmillan, N. A., & Kaplan, H. L. (1985). Detection theory analysis of group data: estimating "
    "sensitivity from average hit and false-alarm rates. Psychological Bulletin, 98, 185–199.",
    "hautus1995": "Hautus, M. J. (1995). Corrections for extreme proportions and their biasing effects on estimated "
    "values of d′. Behavior Research Methods, Instruments, & Computers, 27, 46–51.",
    "hedges1981": "Hedges, L. V. (1981). Distribution theory for Glass’s estimator of effect size and related "
    "estimators. Journal of Educational Statistics, 6, 107–128.",
    "hesterberg2015": "Hesterberg, T. C. (2015). What teachers should know about the bootstrap: resampling in the "
    "undergraduate statistics curriculum. American Statistician, 69, 371–386.",
    "hillis2007": "Hillis, S. L. (2007). A comparison of denominator degrees of freedom methods for multiple observer "
    "ROC analysis. Statistics in Medicine, 26, 596–619.",
    "hillis2008": "Hillis, S. L., Berbaum, K. S., & Metz, C. E. (2008). Recent developments in the "
    "Dorfman–Berbaum–Metz procedure for multireader ROC study analysis. Academic Radiology, 15, 647–661.",
    "hillis2014": "Hillis, S. L. (2014). A marginal-mean ANOVA approach for analyzing multireader multicase "
    "radiological imaging data. Statistics in Medicine, 33, 330–360.",
    "holm1979": "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of "
    "Statistics, 6, 65–70.",
    "ince2021": "Ince, R. A. A., Paton, A. T., Kay, J. W., & Schyns, P. G. (2021). Bayesian inference of population "
    "prevalence. eLife, 10, e62461.",
    "knoblauch2008": "Knoblauch, K., & Maloney, L. T. (2008). MLDS: maximum likelihood difference scaling in R. "
    "Journal of Statistical Software, 25, 1–26.",
    "krippendorff2004": "Krippendorff, K. (2004). Content analysis: an introduction to its methodology (2nd ed.). "
    "Sage.",
    "laird1982": "Laird, N. M., & Ware, J. H. (1982). Random-effects models for longitudinal data. Biometrics, 38, "
    "963–974.",
    "macmillan2005": "Macmillan, N. A., & Creelman, C. D. (2005). Detection theory: a user’s guide (2nd ed.). Erlbaum.",
    "maloney2003": "Maloney, L. T., & Yang, J. N. (2003). Maximum likelihood difference scaling. Journal of Vision, "
    "3, 573–585.",
    "manassi2021": "Manassi, M., Ghirardo, C., Canas-Bajo, T., Ren, Z., Prinzmetal, W., & Whitney, D. (2021). Serial "
    "dependence in the perceptual judgments of radiologists. Cognitive Research: Principles and Implications, 6, 65.",
    "maniscalco2012": "Maniscalco, B., & Lau, H. (2012). A signal detection theoretic approach for estimating "
    "metacognitive sensitivity from confidence ratings. Consciousness and Cognition, 21, 422–430.",
    "mann1947": "Mann, H. B., & Whitney, D. R. (1947). On a test of whether one of two random variables is "
    "stochastically larger than the other. Annals of Mathematical Statistics, 18, 50–60.",
    "mcclish1989": "McClish, D. K. (1989). Analyzing a portion of the ROC curve. Medical Decision Making, 9, 190–195.",
    "mcgraw1996": "McGraw, K. O., & Wong, S. P. (1996). Forming inferences about some intraclass correlation "
    "coefficients. Psychological Methods, 1, 30–46.",
    "metz1999": "Metz, C. E., & Pan, X. (1999). “Proper” binormal ROC curves: theory and maximum-likelihood "
    "estimation. Journal of Mathematical Psychology, 43, 1–33.",
    "moon2022": "Moon, J., & Kwon, O.-S. (2022). Attractive and repulsive effects of sensory history concurrently "
    "shape visual perception. BMC Biology, 20, 247.",
    "morey2011": "Morey, R. D., & Rouder, J. N. (2011). Bayes factor approaches for testing interval null hypotheses. "
    "Psychological Methods, 16, 406–419.",
    "obuchowski1995": "Obuchowski, N. A., & Rockette, H. E. (1995). Hypothesis testing of diagnostic accuracy for "
    "multiple readers and multiple tests: an ANOVA approach with dependent observations. Communications in "
    "Statistics – Simulation and Computation, 24, 285–308.",
    "owen2007": "Owen, A. B. (2007). The pigeonhole bootstrap. Annals of Applied Statistics, 1, 386–411.",
    "pepe2003": "Pepe, M. S. (2003). The statistical evaluation of medical tests for classification and prediction. "
    "Oxford University Press.",
    "pinheiro2000": "Pinheiro, J. C., & Bates, D. M. (2000). Mixed-effects models in S and S-PLUS. Springer.",
    "rouder2005": "Rouder, J. N., & Lu, J. (2005). An introduction to Bayesian hierarchical models with an application "
    "in the theory of signal detection. Psychonomic Bulletin & Review, 12, 573–604.",
    "rouder2009": "Rouder, J. N., Speckman, P. L., Sun, D., Morey, R. D., & Iverson, G. (2009). Bayesian t tests for "
    "accepting and rejecting the null hypothesis. Psychonomic Bulletin & Review, 16, 225–237.",
    "satterthwaite1946": "Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance "
    "components. Biometrics Bulletin, 2, 110–114.",
    "schuirmann1987": "Schuirmann, D. J. (1987). A comparison of the two one-sided tests procedure and the power "
    "approach for assessing the equivalence of average bioavailability. Journal of Pharmacokinetics and "
    "Biopharmaceutics, 15, 657–680.",
    "shrout1979": "Shrout, P. E., & Fleiss, J. L. (1979). Intraclass correlations: uses in assessing rater "
    "reliability. Psychological Bulletin, 86, 420–428.",
    "sokal1958": "Sokal, R. R., & Michener, C. D. (1958). A statistical method for evaluating systematic "
    "relationships. University of Kansas Science Bulletin, 38, 1409–1438.",
    "sun2014": "Sun, X., & Xu, W. (2014). Fast implementation of DeLong’s algorithm for comparing the areas under "
    "correlated receiver operating characteristic curves. IEEE Signal Processing Letters, 21, 1389–1393.",
    "viechtbauer2007": "Viechtbauer, W. (2007). Confidence intervals for the amount of heterogeneity in meta-analysis. "
    "Statistics in Medicine, 26, 37–52.",
    "whelan2008": "Whelan, R. (2008). Effective analysis of reaction time data. Psychological Record, 58, 475–482.",
    "wang2022": "Wang, Z., Ren, Z., Manassi, M., & Whitney, D. (2022). Idiosyncratic biases in the perception of "
    "medical images. Frontiers in Psychology, 13, 1049831.",
    "watson2017": "Watson, A. B. (2017). QUEST+: a general multidimensional Bayesian adaptive psychometric method. "
    "Journal of Vision, 17, 10.",
    "wichmann2001": "Wichmann, F. A., & Hill, N. J. (2001). The psychometric function: I. Fitting, sampling, and "
    "goodness of fit. Perception & Psychophysics, 63, 1293–1313.",
    "willenbockel2010": "Willenbockel, V., Sadr, J., Fiset, D., Horne, G. O., Gosselin, F., & Tanaka, J. W. (2010). "
    "Controlling low-level image properties: the SHINE toolbox. Behavior Research Methods, 42, 671–684.",
    "wilson1927": "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. "
    "Journal of the American Statistical Association, 22, 209–212.",
    "wood2006": "Wood, S. N. (2006). Generalized additive models: an introduction with R. Chapman & Hall/CRC.",
}


class Citations:
    """Numbers works as they are cited: `cite("hautus1995", "sun2014")` is `[1, 2]`, and so from then on."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def cite(self, *works: str) -> str:
        """The numbers of `works` (keys of `REFERENCES`) in brackets."""
        for work in works:
            self._numbers.setdefault(work, len(self._numbers) + 1)
        return f"[{', '.join(str(self._numbers[work]) for work in works)}]"

    def cited(self) -> list[str]:
        """The works cited so far, in the order of their numbers."""
        return [REFERENCES[work] for work in self._numbers]

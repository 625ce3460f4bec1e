# Public names by subject; `__init__.py` loads them lazily from here.
# ruff: noqa: I001

# One participant: d′, the criterion, confidence
from .sdt.confidence import calibration, count_confidence, type2_roc
from .sdt.forced_choice_ratings import forced_choice_ratings
from .sdt.information import meta_information
from .sdt.metacognition import meta_dprime
from .sdt.same_different import same_different, same_different_from_responses
from .sdt.two_alternative import two_alternative, two_alternative_from_responses
from .sdt.yesno import dprime, dprime_from_responses

# Ratings: the ROC
from .roc.binormal import binormal_fit, equal_variance_test
from .roc.bootstrap import auc_bootstrap
from .roc.clusters import clustered_bootstrap
from .roc.comparison import compare_aucs, compare_independent_aucs
from .roc.fixed_rates import sensitivity_at_specificity, specificity_at_sensitivity
from .roc.models.comparison import compare_rating_models
from .roc.models.contaminated import contaminated_binormal
from .roc.models.proper import proper_binormal
from .roc.partial import partial_auc
from .roc.permutation import permutation_test
from .roc.ratings import count_ratings
from .roc.roc import roc_auc

# The retest, and agreement of observers
from .agreement.double_pass import dprime_change, internal_noise
from .agreement.fingerprint import fingerprint
from .agreement.intraclass import shrout_fleiss
from .agreement.items import item_table
from .agreement.observer_agreement import observer_agreement
from .agreement.rating_agreement import intraclass_correlation, rating_agreement
from .agreement.retest import compare_sessions, sokal_michener
from .agreement.weighted_kappa import weighted_kappa

# The group, with participants and images as samples or images fixed
from .effect_size import hedges_g
from .group.bayes_factors import bayes_factor, informed_bayes_factor, interval_bayes_factor
from .group.equivalence import equivalence_test
from .group.heterogeneity import heterogeneity
from .group.metacognition.m_ratio import group_m_ratio
from .group.mixed_probit import mixed_probit
from .group.power import power
from .group.prevalence import prevalence
from .mrmc.answers import mrmc_answers, mrmc_answers_difference
from .mrmc.components import predicted_se, variance_components
from .mrmc.equality import mrmc_equality
from .mrmc.mrmc import mrmc_auc, mrmc_difference

# Conditions, sessions and covariates
from .designs.conditions import compare_conditions
from .designs.covariates import covariate_model
from .designs.sessions import session_changes, session_table

# Images and model observers
from .image_cues.cues import compare_cues, measure_cues
from .image_cues.detectability import detectability
from .image_cues.grouped_auc import grouped_auc
from .image_cues.model_observer import model_observer

# Perceptual scales
from .scaling.detection import detection_thresholds
from .scaling.difference_scale import difference_scale
from .scaling.psychometric import psychometric_functions

# Serial dependence
from .serial.loop import loop_serial_dependence
from .serial.loop_history import loop_history
from .serial.sequence import sequence_effects
from .serial.serial import serial_dependence

# Whole studies
from .report.apa.sentences import apa_sentences
from .report.compare_report import compare_studies
from .report.figures.roc_figure import roc_figure
from .report.report import analyze
from .report.task_report import analyze_task
from .trials import load_trials

__all__ = [
    "analyze",
    "analyze_task",
    "apa_sentences",
    "auc_bootstrap",
    "bayes_factor",
    "binormal_fit",
    "calibration",
    "clustered_bootstrap",
    "compare_aucs",
    "compare_conditions",
    "compare_cues",
    "compare_independent_aucs",
    "compare_rating_models",
    "compare_sessions",
    "compare_studies",
    "contaminated_binormal",
    "count_confidence",
    "count_ratings",
    "covariate_model",
    "detectability",
    "detection_thresholds",
    "difference_scale",
    "dprime",
    "dprime_change",
    "dprime_from_responses",
    "equal_variance_test",
    "equivalence_test",
    "fingerprint",
    "forced_choice_ratings",
    "group_m_ratio",
    "grouped_auc",
    "hedges_g",
    "heterogeneity",
    "informed_bayes_factor",
    "internal_noise",
    "interval_bayes_factor",
    "intraclass_correlation",
    "item_table",
    "load_trials",
    "loop_history",
    "loop_serial_dependence",
    "measure_cues",
    "meta_dprime",
    "meta_information",
    "mixed_probit",
    "model_observer",
    "mrmc_answers",
    "mrmc_answers_difference",
    "mrmc_auc",
    "mrmc_difference",
    "mrmc_equality",
    "observer_agreement",
    "partial_auc",
    "permutation_test",
    "power",
    "predicted_se",
    "prevalence",
    "proper_binormal",
    "psychometric_functions",
    "rating_agreement",
    "roc_auc",
    "roc_figure",
    "same_different",
    "same_different_from_responses",
    "sensitivity_at_specificity",
    "sequence_effects",
    "serial_dependence",
    "session_changes",
    "session_table",
    "shrout_fleiss",
    "sokal_michener",
    "specificity_at_sensitivity",
    "two_alternative",
    "two_alternative_from_responses",
    "type2_roc",
    "variance_components",
    "weighted_kappa",
]

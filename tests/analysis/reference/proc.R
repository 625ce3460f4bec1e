# Reference values of the rating ROC: pROC on seeded ratings.
# Run in this folder: Rscript proc.R   (writes proc.json)
# The direction is fixed (controls < cases): a larger rating is more generated-looking.

suppressPackageStartupMessages(library(pROC))
source("versions.R")

# Two raters' scores of the same images: normal evidence with a shared part, cut into `levels` ratings
# (-k .. -1, 1 .. k), or left continuous.
simulate <- function(seed, real, generated, dprime, levels = NULL, shared = 0.5) {
  set.seed(seed)
  truth <- rep(0:1, c(real, generated))
  common <- rnorm(real + generated)
  rate <- function(d) {
    evidence <- d * (truth - 1 / 2) + sqrt(shared) * common + sqrt(1 - shared) * rnorm(real + generated)
    if (is.null(levels)) return(round(evidence, 4))
    ratings <- c(-(levels:1), 1:levels)
    ratings[findInterval(evidence, qnorm(seq_len(2 * levels - 1) / (2 * levels))) + 1]
  }
  list(truth = truth, first = rate(dprime[1]), second = rate(dprime[2]))
}

curve <- function(truth, rating) roc(truth, rating, levels = c(0, 1), direction = "<", quiet = TRUE)

single <- function(truth, rating) {
  one <- curve(truth, rating)
  partial <- function(range, focus, corrected) as.numeric(auc(
    one, partial.auc = range, partial.auc.focus = focus, partial.auc.correct = corrected, allow.invalid.partial.auc.correct = TRUE
  ))
  interval <- as.numeric(ci.auc(one, method = "delong"))
  list(
    auc = as.numeric(auc(one)), variance = var(one, method = "delong"), low = interval[1], high = interval[3],
    # The area over false-alarm rates 0 to .2 is that over specificities 1 to .8.
    partial_false_alarm_0_20 = partial(c(1, 0.8), "specificity", FALSE),
    partial_false_alarm_0_20_corrected = partial(c(1, 0.8), "specificity", TRUE),
    partial_false_alarm_10_50 = partial(c(0.9, 0.5), "specificity", FALSE),
    partial_false_alarm_10_50_corrected = partial(c(0.9, 0.5), "specificity", TRUE),
    partial_hit_80_100 = partial(c(1, 0.8), "sensitivity", FALSE),
    partial_hit_80_100_corrected = partial(c(1, 0.8), "sensitivity", TRUE)
  )
}

compare <- function(data) {
  first <- curve(data$truth, data$first)
  second <- curve(data$truth, data$second)
  paired <- roc.test(first, second, paired = TRUE, method = "delong")
  # The same two curves as if other images had been rated: only to have a reference of the unpaired test.
  unpaired <- roc.test(first, second, paired = FALSE, method = "delong")
  list(
    paired_z = paired$statistic[[1]], paired_p = paired$p.value, covariance = cov(first, second, method = "delong"),
    unpaired_d = unpaired$statistic[[1]], unpaired_df = unpaired$parameter[[1]], unpaired_p = unpaired$p.value
  )
}

studies <- list(
  chance = simulate(1, 50, 50, c(0, 0.1), levels = 4),
  above = simulate(2, 60, 40, c(1, 0.6), levels = 4),
  few_levels = simulate(3, 30, 45, c(0.5, 1.5), levels = 2),
  below = simulate(4, 40, 40, c(-0.5, 0.3), levels = 3),
  continuous = simulate(5, 35, 25, c(0.8, 1.2))
)
write_reference("proc.json", list(
  about = "pROC: AUC, DeLong variance and 95 % interval, partial AUC raw and corrected (McClish), DeLong tests of first against second",
  truth = "0 is real (control), 1 is generated (case)",
  versions = versions("pROC"),
  studies = lapply(studies, function(data) c(data, list(
    pROC = list(first = single(data$truth, data$first), second = single(data$truth, data$second), test = compare(data))
  )))
))

# Reference values of the evidence on participant means: BayesFactor's JZS t-tests and metafor's
# random-effects meta-analysis, on seeded values.
# Run in this folder: Rscript evidence.R   (writes evidence.json)

suppressPackageStartupMessages({library(BayesFactor); library(metafor)})
source("versions.R")

jzs <- function(values, scale) {
  two_sided <- extractBF(ttestBF(values, rscale = scale))$bf
  greater <- extractBF(ttestBF(values, rscale = scale, nullInterval = c(0, Inf)))$bf
  list(scale = scale, two_sided = two_sided, greater = greater[1], less = greater[2])
}

samples <- list(
  four = {set.seed(1); round(rnorm(4, 0.1, 0.3), 4)},
  ten_at_chance = {set.seed(2); round(rnorm(10, 0, 0.35), 4)},
  ten_above = {set.seed(3); round(rnorm(10, 0.4, 0.35), 4)},
  thirty_below = {set.seed(4); round(rnorm(30, -0.2, 0.4), 4)},
  fifty = {set.seed(5); round(rnorm(50, 0.02, 0.3), 4)}
)

spread <- function(data) {
  by <- function(method) {
    model <- rma(yi = data$values, sei = data$se, method = method, control = list(threshold = 1e-12, maxiter = 1000))
    interval <- confint(model, control = list(tol = 1e-12))$random
    list(
      tau = sqrt(model$tau2), mean = as.numeric(model$b), mean_se = model$se, q = model$QE, p = model$QEp,
      tau_low = interval["tau", "ci.lb"], tau_high = interval["tau", "ci.ub"]
    )
  }
  c(data, list(REML = by("REML"), DL = by("DL"), PM = by("PM")))
}

observers <- function(seed, n, mean, between, se) {
  set.seed(seed)
  errors <- round(se * runif(n, 0.8, 1.3), 4)
  list(values = round(rnorm(n, mean, sqrt(between^2 + errors^2)), 4), se = errors)
}

write_reference("evidence.json", list(
  about = "ttestBF: Bayes factors against the point null; rma: tau by method, Q-profile 95 % interval of tau",
  versions = versions("BayesFactor", "metafor"),
  jzs = lapply(samples, function(values) list(values = values, BayesFactor = list(jzs(values, sqrt(2) / 2), jzs(values, 1)))),
  spread = lapply(list(
    six = observers(1, 6, 0.1, 0.4, 0.25),
    ten_alike = observers(2, 10, 0, 0, 0.25),
    twenty = observers(3, 20, 0.3, 0.3, 0.25),
    many_trials = observers(4, 12, 0, 0.5, 0.1)
  ), spread)
))

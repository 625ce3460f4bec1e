# Reference values of the crossed random-effects probit, from seeded data: lme4's glmer, whose Laplace
# approximation takes the expected information, and glmmTMB, which takes the observed one.
# Run in this folder: Rscript probit.R   (writes probit.json)

suppressPackageStartupMessages({library(lme4); library(glmmTMB)})
source("versions.R")

# Answers of `participants` to `real` + `generated` images. `sds` are those of the participants' bias and d',
# and of the images; `rho` is the correlation of a participant's bias (b0 + u) with his d' (b1 + v).
simulate <- function(seed, participants, real, generated, b0, b1, sds, rho = 0, shown = NULL, missing = 0) {
  set.seed(seed)
  images <- real + generated
  truth <- rep(0:1, c(real, generated))
  z <- matrix(rnorm(2 * participants), ncol = 2)
  bias <- b0 + sds[["bias"]] * z[, 1]
  dprime <- b1 + sds[["dprime"]] * (rho * z[, 1] + sqrt(1 - rho^2) * z[, 2])
  image <- rnorm(images) * ifelse(truth == 1, sds[["generated"]], sds[["real"]])
  eta <- outer(bias, rep(1, images)) + outer(dprime, truth - 1 / 2) + outer(rep(1, participants), image)
  said <- matrix(as.integer(rnorm(length(eta)) < eta), nrow = participants)
  if (!is.null(shown)) {
    for (p in seq_len(participants)) {
      hidden <- c(sample(real, real - shown), real + sample(generated, generated - shown))
      said[p, hidden] <- NA
    }
  }
  said[runif(length(said)) < missing] <- NA
  list(truth = truth, said = said)
}

MODEL <- said ~ x + (1 + x | participant) + (0 + real | image) + (0 + generated | image)

as_long <- function(data) {
  long <- expand.grid(participant = seq_len(nrow(data$said)), image = seq_len(ncol(data$said)))
  long$said <- as.vector(data$said)
  long$generated <- data$truth[long$image]
  long$real <- 1 - long$generated
  long$x <- long$generated - 1 / 2
  long <- long[!is.na(long$said), ]
  transform(long, participant = factor(participant), image = factor(image))
}

by_lme4 <- function(data) {
  model <- glmer(
    MODEL, as_long(data), family = binomial("probit"), nAGQ = 1,
    control = glmerControl(
      optimizer = "bobyqa", tolPwrss = 1e-12, optCtrl = list(rhobeg = 0.01, rhoend = 1e-9, maxfun = 1e5),
      check.conv.singular = "ignore", check.conv.grad = "ignore", check.conv.hess = "ignore"
    )
  )
  parts <- VarCorr(model)
  images <- sapply(parts[names(parts) != "participant"], function(part) setNames(attr(part, "stddev"), NULL))
  names(images) <- sapply(parts[names(parts) != "participant"], colnames)
  c(estimates(fixef(model), vcov(model), parts$participant, images, logLik(model)), list(singular = isSingular(model)))
}

by_glmmTMB <- function(data) {
  model <- glmmTMB(MODEL, as_long(data), family = binomial("probit"))
  # The optimiser's default tolerances leave errors of 1e-5; its result is where a second search begins.
  model <- glmmTMB(MODEL, as_long(data), family = binomial("probit"), start = list(
    beta = model$fit$par[names(model$fit$par) == "beta"], theta = model$fit$par[names(model$fit$par) == "theta"]
  ), control = glmmTMBControl(optCtrl = list(rel.tol = 1e-14, x.tol = 1e-12, iter.max = 1e4, eval.max = 1e4)))
  parts <- VarCorr(model)$cond
  images <- sapply(parts[names(parts) != "participant"], function(part) setNames(attr(part, "stddev"), NULL))
  names(images) <- sapply(parts[names(parts) != "participant"], colnames)
  estimates(fixef(model)$cond, vcov(model)$cond, parts$participant, images, logLik(model))
}

estimates <- function(fixed, covariance, participants, images, log_likelihood) list(
  b0 = fixed[["(Intercept)"]], b1 = fixed[["x"]],
  b0_se = sqrt(covariance[1, 1]), b1_se = sqrt(covariance[2, 2]), b0_b1_covariance = covariance[1, 2],
  bias_sd = attr(participants, "stddev")[[1]], dprime_sd = attr(participants, "stddev")[[2]],
  correlation = attr(participants, "correlation")[1, 2],
  real_image_sd = images[["real"]], generated_image_sd = images[["generated"]],
  log_likelihood = as.numeric(log_likelihood)
)

written <- function(data) list(
  truth = paste(ifelse(data$truth == 1, "g", "r"), collapse = ""),
  said = apply(data$said, 1, function(row) paste(ifelse(is.na(row), "-", ifelse(row == 1, "g", "r")), collapse = ""))
)

sds <- function(bias, dprime, real, generated) list(bias = bias, dprime = dprime, real = real, generated = generated)
studies <- list(
  crossed = simulate(1, 10, 50, 50, -0.2, 0.5, sds(0.5, 0.8, 0.7, 0.4), rho = 0.3),
  unanswered = simulate(2, 8, 40, 30, 0.1, 0, sds(0.6, 0.9, 0.3, 0.6), rho = -0.4, missing = 0.06),
  own_halves = simulate(3, 24, 30, 30, -0.1, 0.8, sds(0.4, 0.9, 0.5, 0.7), shown = 15),
  many_participants = simulate(4, 40, 12, 12, 0, 0.3, sds(0.3, 0.6, 0.5, 0.5), rho = 0.2),
  singular = simulate(5, 8, 25, 25, 0.2, 0.2, sds(0.3, 0, 0.4, 0), rho = 0)
)
write_reference("probit.json", list(
  about = "glmer and glmmTMB, family binomial(probit): said ~ x + (1 + x | participant) + (0 + real | image) + (0 + generated | image)",
  letters = "r is real, g is generated, - was not answered; one string per participant, one letter per image",
  versions = versions("lme4", "glmmTMB"),
  # glmmTMB works with logarithms of SDs, so a singular fit has no optimum there.
  studies = lapply(studies, function(data) {
    lme4 <- by_lme4(data)
    c(written(data), list(lme4 = lme4), if (!lme4$singular) list(glmmTMB = by_glmmTMB(data)))
  })
))

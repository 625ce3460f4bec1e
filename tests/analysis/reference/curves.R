# Reference values of rating models and of agreement: the contaminated binormal model and PROPROC's area by RJafroc,
# sensitivities by pROC, intraclass correlations and weighted kappa by psych.
# Run in this folder: Rscript curves.R   (writes curves.json)
# The counts are those of Van Dyke's study (RJafroc's dataset02): two modalities, five readers, ratings 1 to 5.

suppressPackageStartupMessages({library(RJafroc); library(pROC); library(psych)})
source("versions.R")

counts <- function(i, j) {
  tabulate5 <- function(x) as.integer(table(factor(x, levels = 1:5)))
  list(real = tabulate5(dataset02$ratings$NL[i, j, 1:69, 1]), generated = tabulate5(dataset02$ratings$LL[i, j, , 1]))
}

contaminated <- function(i, j) {
  fit <- try(FitCbmRoc(dataset02, i, j), silent = TRUE)
  if (inherits(fit, "try-error")) return(NULL)
  list(mu = fit$mu, alpha = fit$alpha, auc = as.numeric(fit$AUC), auc_se = as.numeric(fit$StdAUC)[1],
       minus_log_likelihood = as.numeric(fit$NLLFin))
}

rates <- function(one) {
  truth <- rep(0:1, c(sum(one$real), sum(one$generated)))
  rating <- c(rep(1:5, one$real), rep(1:5, one$generated))
  curve <- roc(truth, rating, levels = c(0, 1), direction = "<", quiet = TRUE)
  at <- c(0.7, 0.85, 0.95)
  list(at = at,
       sensitivity = coords(curve, at, input = "specificity", ret = "sensitivity", transpose = FALSE)[[1]],
       specificity = coords(curve, at, input = "sensitivity", ret = "specificity", transpose = FALSE)[[1]])
}

readers <- list()
for (i in 1:2) for (j in 1:5) {
  one <- counts(i, j)
  readers[[paste0("m", i, "r", j)]] <- c(one, list(contaminated = contaminated(i, j), pROC = lapply(rates(one), as.numeric)))
}

# d_a and c of PROPROC on the same counts are in tests/analysis/roc/models/test_proper.py; here its area by the formula.
shapes <- expand.grid(c = c(-0.9, -0.4, -0.05, 0.05, 0.4, 0.9), d_a = c(0, 0.3, 1, 2.5))
areas <- mapply(UtilAucPROPROC, shapes$c, shapes$d_a)

set.seed(7)
ratings <- round(matrix(rnorm(30 * 4), 30) + rnorm(30) * 1.2 + rep(c(0, 0.4, -0.3, 0.1), each = 30), 1)
icc <- ICC(ratings, lmer = FALSE)$results
steps <- cbind(first = pmin(5, pmax(1, round(3 + ratings[, 1]))), second = pmin(5, pmax(1, round(3 + ratings[, 2]))))
kappa_of <- function(power) {
  table <- table(factor(steps[, 1], levels = 1:5), factor(steps[, 2], levels = 1:5))
  weights <- 1 - (abs(outer(1:5, 1:5, "-")) / 4)^power
  found <- cohen.kappa(table, w = weights)
  list(kappa = found$weighted.kappa, variance = found$var.weighted)
}

write_reference("curves.json", list(
  about = "RJafroc: contaminated binormal fits and PROPROC's area; pROC: rates at fixed rates; psych: ICC and weighted kappa",
  versions = versions("RJafroc", "pROC", "psych"),
  readers = readers,
  proper_areas = list(c = shapes$c, d_a = shapes$d_a, auc = areas),
  icc = list(ratings = ratings, type = icc$type, value = icc$ICC, f = icc$F, p = icc$p,
             low = icc$`lower bound`, high = icc$`upper bound`),
  kappa = list(first = steps[, 1], second = steps[, 2], linear = kappa_of(1), quadratic = kappa_of(2))
))

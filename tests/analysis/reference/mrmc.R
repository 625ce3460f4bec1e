# Reference values of several modalities, from seeded ratings: MRMCaov's analyses of variance of the area under the
# empirical ROC with unbiased covariances of the readers' errors, and of sensitivity and specificity at a cut with the
# jackknife's.
# Run in this folder: Rscript mrmc.R   (writes mrmc.json)

suppressPackageStartupMessages({library(MRMCaov)})
source("versions.R")

# Ratings -4 to 4 without 0 of `readers` in `tests`; cases are the same for all, or nested as `design` says
# (1 = factorial, 2 = cases nested within readers, 3 = cases nested within tests).
simulate <- function(seed, tests, readers, cases, dprimes, design) {
  set.seed(seed)
  long <- expand.grid(case = seq_len(cases), reader = seq_len(readers), test = seq_len(tests))
  long$truth <- as.integer(long$case > cases / 2)
  long$case <- switch(design, long$case, long$case + cases * (long$reader - 1), long$case + cases * (long$test - 1))
  image <- rnorm(max(long$case))
  skill <- matrix(rnorm(readers * tests, sd = 0.3), readers) + rnorm(readers, sd = 0.3)
  dprime <- dprimes[long$test] + skill[cbind(long$reader, long$test)]
  evidence <- dprime * long$truth + 0.6 * image[long$case] + 0.8 * rnorm(nrow(long))
  cut <- findInterval(evidence, c(-1, -0.4, 0, 0.4, 0.9, 1.3, 1.8))
  long$rating <- c(-4, -3, -2, -1, 1, 2, 3, 4)[cut + 1]
  long
}

tested <- function(data, design, metric) {
  data$said <- as.integer(data$rating > 0)
  call <- switch(
    metric,
    auc = mrmc(empirical_auc(truth, rating), test, reader, case, data = data, cov = unbiased, design = design),
    sensitivity = mrmc(binary_sens(truth, said), test, reader, case, data = data, cov = jackknife, design = design),
    specificity = mrmc(binary_spec(truth, said), test, reader, case, data = data, cov = jackknife, design = design)
  )
  equal <- summary(call)$test_equality
  list(
    metric = metric, means = summary(call)$test_means$Estimate, ms_test = equal[["MS(T)"]],
    ms_test_reader = equal[["MS(T:R)"]], cov2 = equal[["Cov2"]], cov3 = equal[["Cov3"]],
    denominator = equal[["Denominator"]], f = equal[["F"]], df1 = equal$df1, df2 = equal$df2, p = equal[["p-value"]]
  )
}

case_of <- function(name, seed, design, tests = 3) {
  data <- simulate(seed, tests, 6, 80, c(1, 1.2, 0.6)[seq_len(tests)], design)
  list(
    name = name, design = design, test = data$test, reader = data$reader, case = data$case, truth = data$truth,
    rating = data$rating, found = lapply(c("auc", "sensitivity", "specificity"), function(m) tested(data, design, m))
  )
}
write_reference("mrmc.json", list(
  made_by = versions("MRMCaov"),
  cases = list(case_of("crossed", 11, 1), case_of("images nested in participants", 12, 2),
               case_of("images nested in modalities", 13, 3), case_of("two, crossed", 14, 1, tests = 2))
))

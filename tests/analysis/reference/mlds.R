# Reference values of difference scaling: MLDS's probit regressions of simulated triads and quadruples.
# Run in this folder: Rscript mlds.R   (writes mlds.json)

suppressPackageStartupMessages(library(MLDS))
source("versions.R")

# Every combination of `size` of the stimuli in rising order, `times` times; answers with noise of 1 / slope.
simulated <- function(seed, scale, size, times, noise) {
  set.seed(seed)
  each <- t(combn(length(scale), size))
  rows <- each[rep(seq_len(nrow(each)), times), ]
  far <- if (size == 4) scale[rows[, 4]] - scale[rows[, 3]] else scale[rows[, 3]] - scale[rows[, 2]]
  near <- scale[rows[, 2]] - scale[rows[, 1]]
  frame <- data.frame(as.integer(far - near + rnorm(nrow(rows), sd = noise) > 0), rows)
  names(frame) <- c("resp", paste0("S", seq_len(size)))
  frame
}

fitted_scale <- function(frame, levels) {
  model <- if (ncol(frame) == 5) as.mlds.df(frame, st = levels) else as.mlbs.df(frame, st = levels)
  found <- mlds(model, control = glm.control(epsilon = 1e-14, maxit = 100))
  list(
    rows = as.matrix(frame), stimulus = levels, pscale = as.numeric(found$pscale), sigma = found$sigma,
    log_likelihood = as.numeric(logLik(found))
  )
}

write_reference("mlds.json", list(
  about = "rows: answer (1: the second pair differs more), then places of the stimuli; pscale in SDs of the noise",
  versions = versions("MLDS"),
  quadruples = fitted_scale(simulated(1, seq(0, 1, len = 9)^1.4, 4, 2, 0.2), seq(0, 80, 10)),
  triads = fitted_scale(simulated(2, sqrt(seq(0, 1, len = 10)), 3, 4, 0.15), seq(0, 90, 10))
))

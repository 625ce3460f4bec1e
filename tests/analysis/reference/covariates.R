# Reference values of a linear mixed model of d' on covariates of participants, from seeded data: lme4 with lmerTest's
# degrees of freedom by Satterthwaite; and of ordinary least squares.
# Run in this folder: Rscript covariates.R   (writes covariates.json)

suppressPackageStartupMessages({library(lme4); library(lmerTest)})
source("versions.R")

simulate <- function(seed, participants, conditions, gaps = 0) {
  set.seed(seed)
  person <- data.frame(
    participant = sprintf("p%02d", seq_len(participants)), years = round(runif(participants, 1, 30)),
    expertise = rep(c("novice", "expert"), length.out = participants), skill = rnorm(participants, sd = 0.4)
  )
  long <- merge(person, data.frame(condition = c("a", "b", "c")[seq_len(conditions)]))
  long$dprime <- 0.5 + 0.03 * long$years + 0.4 * (long$expertise == "expert") + 0.3 * (long$condition == "b") +
    long$skill + rnorm(nrow(long), sd = 0.3)
  long[order(long$participant, long$condition), ][runif(nrow(long)) >= gaps, ]
}

columns <- function(long) list(
  participant = long$participant, years = long$years, expertise = long$expertise, condition = long$condition,
  dprime = long$dprime
)

mixed <- function(name, long) {
  long$years_c <- long$years - mean(unique(long[c("participant", "years")])$years)
  model <- lmer(dprime ~ years_c + expertise + condition + (1 | participant), long)
  table <- coef(summary(model))
  list(
    name = name, data = columns(long), estimate = table[, "Estimate"], se = table[, "Std. Error"],
    df = table[, "df"], p = table[, "Pr(>|t|)"], participant_sd = attr(VarCorr(model)$participant, "stddev")[[1]],
    residual_sd = sigma(model)
  )
}

plain <- function(long) {
  long$years_c <- long$years - mean(long$years)
  model <- lm(dprime ~ years_c + expertise, long)
  table <- coef(summary(model))
  list(
    name = "one value each", data = columns(long), estimate = table[, 1], se = table[, 2],
    df = rep(model$df.residual, 3), p = table[, 4], participant_sd = NA, residual_sd = sigma(model)
  )
}

write_reference("covariates.json", list(
  made_by = versions("lme4", "lmerTest"),
  cases = list(mixed("balanced", simulate(1, 14, 3)), mixed("with gaps", simulate(2, 20, 3, gaps = 0.2)),
               plain(simulate(3, 16, 1)))
))

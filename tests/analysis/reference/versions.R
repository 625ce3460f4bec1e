# What every reference script shares.

versions <- function(...) {
  packages <- c(...)
  c(list(R = as.character(getRversion())), setNames(lapply(packages, function(p) as.character(packageVersion(p))), packages))
}

# JSON with all digits, one name per line and arrays of numbers on one line.
write_reference <- function(path, content) {
  text <- jsonlite::toJSON(content, auto_unbox = TRUE, digits = NA, pretty = 1)
  text <- gsub("\n\\s*(-?[0-9][-+.e0-9]*)(?=,?\n)", "\\1", text, perl = TRUE)
  writeLines(gsub("([0-9])\n\\s*\\]", "\\1]", text, perl = TRUE), path)
}

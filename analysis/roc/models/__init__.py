"""Models of rating ROCs beside the binormal one: proper and contaminated binormal curves, and which to prefer."""

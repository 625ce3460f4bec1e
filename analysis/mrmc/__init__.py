"""Multi-reader multi-case analysis: AUCs that generalise to other participants and images."""

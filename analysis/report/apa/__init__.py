"""Results as sentences to paste into a paper, in APA style."""

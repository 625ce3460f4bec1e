"""Classic stimuli: smooth random shapes pasted on real tissue, as before generative models."""

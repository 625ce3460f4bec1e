"""Reports of perceptual scales and psychometric functions."""

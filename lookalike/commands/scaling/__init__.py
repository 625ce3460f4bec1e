"""What images look like: perceptual scales."""

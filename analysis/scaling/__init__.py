"""Perceptual scales: how far apart images look, by difference scaling, and psychometric functions along a morph."""

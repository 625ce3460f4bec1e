"""Distances between images as people see them."""

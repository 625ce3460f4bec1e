"""Measures of generated images against real ones, one to a file."""

"""Readers of image files, one per format: which one reads a file is decided by its content, never by its name."""

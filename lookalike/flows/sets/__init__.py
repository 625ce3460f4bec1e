"""Flows of stimulus sets: building and checking them, and where their images come from."""

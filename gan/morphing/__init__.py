"""Morph loops and paths through the generator, in even steps."""

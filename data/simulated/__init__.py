"""Simulated observers and participants, and the models that they follow: in place of people in tests, demo and power."""

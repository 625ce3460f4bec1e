"""Simulated observers and participants, and the models that they follow: people's stand-ins in tests, demo and power."""

"""Simulated observers and participants, and the models that they follow: stand-ins for people in tests and demo."""

"""Simulated observers and participants: what tests, the demo and power analyses use in place of people."""

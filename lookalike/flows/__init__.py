"""Flows that lead through several rooms."""

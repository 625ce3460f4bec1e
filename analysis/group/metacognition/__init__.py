"""Metacognition of a group: how much of the evidence participants' confidence uses, and how they differ in it."""

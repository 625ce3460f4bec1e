"""The door: one command line, and the flows that lead through every room."""

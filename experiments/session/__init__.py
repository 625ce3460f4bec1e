"""One session from its plan to its last trial: states, loop, dialog."""

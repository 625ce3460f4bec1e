"""One session, from its plan to its last trial: first session, retest, states, loop, dialog."""

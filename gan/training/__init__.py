"""Training: settings, stages, state, steps and snapshots."""

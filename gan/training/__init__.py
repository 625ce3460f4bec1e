"""Training a generator: settings, stages, steps, state and snapshots."""

"""What participants do in a trial: one module per kind of task, and who answers."""

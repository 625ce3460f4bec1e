"""The kinds of task: one module for each, named as the task file names it."""

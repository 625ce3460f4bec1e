"""Commands that take the results of an analysis further."""

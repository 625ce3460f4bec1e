"""What every statistic returns: results that can be stored, reloaded and put in a table."""

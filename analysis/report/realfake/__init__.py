"""The report of real/generated judgements: its tables, its page section by section, and its methods."""

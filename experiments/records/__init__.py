"""What a session leaves: the record, its tables, participants, status, withdrawal."""

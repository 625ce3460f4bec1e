"""A rehearsal of a session before its first participant: every screen drawn, at speed, and a checklist."""

"""What gives generated images away: simple image statistics and model observers."""

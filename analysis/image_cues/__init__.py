"""How detectable generated images are: simple image statistics and model observers."""

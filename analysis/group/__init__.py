"""From participants to the group: the primary result, and the evidence beside it."""

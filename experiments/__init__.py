"""What happens in the lab: plans, the session loop, display, responses, the record, and its export."""

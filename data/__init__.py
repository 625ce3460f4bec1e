"""What is stored: formats with their readers and writers, simulated observers, and shipped content."""

"""How good is a generator? Measures against real patches, each beside what real patches get."""

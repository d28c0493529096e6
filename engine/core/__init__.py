"""What every room of the engine stands on; imports nothing of the others, and no torch."""

"""Detection over serial sections together."""

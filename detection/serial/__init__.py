"""Detection over serial sections."""

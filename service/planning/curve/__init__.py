"""Hours of the session that an operating point of a detector stands for."""

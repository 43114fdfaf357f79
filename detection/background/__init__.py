"""Background of a frame: what it would show without cells."""

"""Registration of sections on each other."""

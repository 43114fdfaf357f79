"""Position of a field in its electron overview, measured and proven."""

"""A second look at doubtful hits: each beside the others of its frame and beside the ground around it."""

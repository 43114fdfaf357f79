"""A bound on what may have been overlooked in a frame without cells."""

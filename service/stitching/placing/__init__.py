"""Places of the tiles of a section: measured where they overlap, settled for all."""

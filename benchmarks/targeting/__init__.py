"""From cells to frames: plans, alignment with electron overviews, where frames land."""

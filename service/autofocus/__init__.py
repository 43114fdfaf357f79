"""Focus of beam and light."""

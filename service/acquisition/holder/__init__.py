"""Tiles of the holder, taken with the fluorescence camera: light only, the beam stays blanked."""

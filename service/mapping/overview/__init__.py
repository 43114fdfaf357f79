"""Optical overviews: read from files, joined of tiles or channels; what was found in them, as documents."""

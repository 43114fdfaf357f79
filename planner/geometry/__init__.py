"""Rectangles and polygons in stage metres."""

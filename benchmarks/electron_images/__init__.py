"""Electron images: written, checked, stitched."""

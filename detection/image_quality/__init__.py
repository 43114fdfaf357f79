"""Measures of how good an image is."""

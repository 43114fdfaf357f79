"""Fluorescence and electron images, one step after the other."""

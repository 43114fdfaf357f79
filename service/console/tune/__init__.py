"""Tuning of a detector on a frame: values of the page, and its parts."""

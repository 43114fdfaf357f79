"""Sections laid on each other."""

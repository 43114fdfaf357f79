"""Sections on the holder: found, with which confidence, in which order."""

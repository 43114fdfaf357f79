"""Sections on the holder: lists of them, landmarks, fields and their order."""

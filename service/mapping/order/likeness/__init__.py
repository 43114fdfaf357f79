"""Likeness of sections that are laid on each other."""

"""Slow changes from section to section, which no check of a single image can see."""

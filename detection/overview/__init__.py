"""Sections in an optical overview: pixels in, outlines out."""

"""Checks that an image is the one that was asked for."""

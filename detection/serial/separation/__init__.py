"""Separation of cells that touch."""

"""Cells followed through sections."""

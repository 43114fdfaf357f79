"""Recorded frames on workers, and exports."""

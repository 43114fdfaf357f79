"""Scans of a Quanta: areas and presets of the server, frames, and frames."""

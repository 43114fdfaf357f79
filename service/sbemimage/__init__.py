"""Frames for a microscope that SBEMimage drives: it asks over TCP, we answer with grids or a pause."""

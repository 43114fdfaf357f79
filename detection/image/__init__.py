"""Frames, boxes and hits: the values that all detectors share."""

"""Detections judged against the truth."""

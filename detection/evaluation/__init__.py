"""Evaluation of detections against the truth."""

"""Figures that are measured, never asserted: quality of detection on held-out data, cost against a peer."""

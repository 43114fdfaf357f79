"""Figures that are measured, never asserted: quality on held-out data, cost as ratios against a named peer."""

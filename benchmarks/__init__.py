"""Figures that are measured, never asserted: quality on held-out data, cost beside a named peer."""

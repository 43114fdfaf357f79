"""Outlines that were fitted: which are sections, which are doubtful, and with what chance."""

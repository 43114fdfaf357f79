"""Summaries of a run."""

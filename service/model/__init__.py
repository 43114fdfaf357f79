"""Specimen, jobs, focus and phases: pure values and their life cycles."""

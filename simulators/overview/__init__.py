"""Simulated optical overviews of a coverslip or wafer with sections, and their truth."""

"""Preflight, doctor and calibration."""

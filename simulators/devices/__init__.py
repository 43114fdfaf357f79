"""Simulated devices and the physics that they share."""

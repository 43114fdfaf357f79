"""Simulated devices that follow the physics, on a seeded specimen."""

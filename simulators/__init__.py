"""A seeded specimen and simulated devices that keep the physics."""

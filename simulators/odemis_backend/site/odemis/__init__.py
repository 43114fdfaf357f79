"""A package `odemis` with the names that a worker uses, speaking to the simulated back-end."""

__version__ = "3.8.0 (simulated)"

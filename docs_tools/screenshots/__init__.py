"""The pictures in docs/pictures taken of simulated runs: ``make screenshots``."""

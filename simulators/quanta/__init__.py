"""A simulated Quanta behind a server."""

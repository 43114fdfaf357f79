"""Sockets, endpoints and keys of the API."""

"""Heartbeat of a daemon: a file and a socket by which the watchdog knows that it lives."""

"""Signals that end the program, with the microscope left safe."""

import signal

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""SIGHUP comes when a terminal closes, SIGQUIT from Ctrl-Backslash."""

"""Signals that end the program, always with the microscope safe."""

import signal

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""Also those of a terminal that is closed, and of Ctrl-Backslash."""

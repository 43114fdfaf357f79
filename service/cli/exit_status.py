"""Exit statuses of the command line."""

INTERRUPTED = 130
"""Exit status of a program that a signal ended."""


OK, FAILURES, BAD_INPUT, NO_DAEMON = 0, 1, 2, 3
"""Exit status: all well, ended with failures, bad input, no daemon to talk to."""

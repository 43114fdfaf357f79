"""Exit statuses of the command line."""

INTERRUPTED = 130
"""Exit status of a program that a signal ended."""


OK, FAILURES, BAD_INPUT, NO_DAEMON = 0, 1, 2, 3
"""Exit status: all well, ended with failures, bad input, no daemon to talk to."""

NOT_NOW = 75
"""Exit status of `run --resume` that may be possible later: systemd tries it again (EX_TEMPFAIL)."""

CRASHED = 70
"""Exit status of a program that failed: systemd starts it again (EX_SOFTWARE of sysexits.h)."""

"""Beginning of a worker of this computer; Dask loads this module in its process."""

import os
import signal

_NICE = 10
"""A session at the microscope, and people, go first."""


def dask_setup(worker: object) -> None:  # noqa: ARG001
    """Leave Ctrl-C to the program that has started the worker, and give way to others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)

"""Process from which workers of this computer are forked, so that imports are made once and not by each.

It is started before the program itself imports the same, and does so on another core. Nothing runs in it but
imports: no thread, no file and no lock of this program is taken over by a fork.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import forkserver, resource_tracker

METHOD = "forkserver" if sys.platform == "linux" else "spawn"
"""Elsewhere the libraries of the system do not outlive a fork."""
_ENVIRONMENT = {
    # Else a worker gives the memory of each image back: 14 of 46 CPU-s for 800 frames.
    "MALLOC_ARENA_MAX": "1",
    # Each worker has a core.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""Read when a process begins, or imports numpy."""


def has_dask() -> bool:
    """Return True if the extra `cluster` is installed."""
    return find_spec("distributed") is not None and find_spec("cryptography") is not None


def prepare_workers(count: int | None, scheduler: str | None, modules: Sequence[str] = ()) -> None:
    """Begin to import what workers of this computer need; returns at once, and does nothing a second time.

    Parameters
    ----------
    count : int or None
        Workers that a person asks for; without them nothing is begun.
    scheduler : str or None
        Address of a scheduler, which has workers of its own.
    modules : sequence of str
        Those of the work, beside Dask itself. They may not start a thread: a fork would lose it.
    """
    if METHOD == "forkserver" and scheduler is None and (count or 1) > 1 and has_dask():
        forkserver.set_forkserver_preload(["distributed", *modules])
        # First, as its start ends what is held back.
        resource_tracker.ensure_running()
        with _environment(), _without_interrupts():
            forkserver.ensure_running()


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back; a process that is started meanwhile never sees one, and this program does afterwards.

    The server ignores it by itself only once all is imported, and a worker once Dask has set it up.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

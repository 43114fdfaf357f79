"""Choice of the workers: in this process, on this computer, or behind the address of a scheduler."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypeVar

from service.cluster.forking import has_dask
from service.cluster.workers import Here, Lost, Workers
from service.errors import InputError

T = TypeVar("T")
R = TypeVar("R")

WORTH_S = 30.0
"""Time that more workers must save before they are started: their start takes some seconds of CPU time
(docs/decisions/0023-archives-on-dask.md)."""
_FEWEST = 3
"""Values by which the time for the others is estimated; the first one also loads the libraries."""
_BYTES_A_WORKER = 2 * 2**30
"""Memory for a worker and its frames."""


@contextmanager
def opened_workers(
    scheduler: str | None, count: int | None, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Workers]:
    """Give the workers that a person asks for.

    Parameters
    ----------
    scheduler : str or None
        Address of a Dask scheduler.
    count : int or None
        Workers on this computer; 1 is this process. None with no scheduler: this process, and workers on this
        computer once it shows that they save time.
    tell : callable
        Takes a sentence for people.

    Raises
    ------
    InputError
        Both are given, Dask is not installed, or the scheduler cannot be used; one sentence.
    """
    if scheduler is not None and count is not None:
        raise InputError("--workers is for this computer; leave it out with --scheduler")
    if scheduler is not None:
        _require_dask("--scheduler")
        from service.cluster.on_dask import remote_cluster

        with remote_cluster(scheduler, tell) as workers:
            yield workers
    elif count is not None and count > 1:
        _require_dask("--workers")
        from service.cluster.on_dask import local_cluster

        with local_cluster(count, tell) as workers:
            yield workers
    elif count is None and has_dask() and (most := _most_workers()) > 1:
        with _MoreIfWorthwhile(most, tell) as workers:
            yield workers
    else:
        yield Here()


def _require_dask(option: str) -> None:
    if not has_dask():
        raise InputError(f"{option} needs Dask, which is not installed; install ilemtrack[cluster]")


def _most_workers() -> int:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(len(os.sched_getaffinity(0)), memory // _BYTES_A_WORKER)


class _MoreIfWorthwhile(ExitStack):
    """Begins in this process, and starts workers once the rest takes so long that they save time."""

    def __init__(self, most: int, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._most, self._tell = most, tell
        self._workers: Workers | None = None

    @property
    def elsewhere(self) -> bool:
        """False."""
        return False

    def each(self, function: Callable[[T], R], values: Sequence[T]) -> Iterator[R | Lost]:
        """Yield the result for each value; see `Workers.each`."""
        last_s = float("inf")
        for number, value in enumerate(values):
            left = len(values) - number
            if self._workers is None and number >= _FEWEST and _saved_s(left * last_s, self._most) > WORTH_S:
                self._workers = self._started(function)
            if self._workers is not None:
                yield from self._workers.each(function, values[number:])
                return
            began_s = time.perf_counter()
            result = function(value)
            # The least of all: others may use the computer for a moment.
            last_s = min(last_s, time.perf_counter() - began_s)
            yield result

    def _started(self, function: Callable[[T], R]) -> Workers:
        from service.cluster.on_dask import local_cluster

        plain = function.func if isinstance(function, partial) else function
        return self.enter_context(local_cluster(self._most, self._tell, (plain.__module__,)))


def _saved_s(alone_s: float, count: int) -> float:
    return alone_s * (1 - 1 / count)

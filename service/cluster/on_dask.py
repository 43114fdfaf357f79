"""Work on a Dask cluster: of this computer, or behind the address of a scheduler."""

import asyncio
import logging
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import dask
from distributed import Client, Future, LocalCluster
from distributed.comm.addressing import get_address_host_port
from distributed.scheduler import KilledWorker
from distributed.security import Security
from distributed.versions import VersionMismatchWarning

from service.cluster.certificates import check_certificates
from service.cluster.forking import METHOD, prepare_workers
from service.cluster.workers import Lost
from service.errors import InputError
from service.version import program_version

T = TypeVar("T")
R = TypeVar("R")

_CONNECT_S = 15.0
"""Longest wait for a scheduler and its first worker."""
_BEGIN_S = 120.0
"""Longest wait for the first worker of this computer: 2 s, and 20 s where ten programs share a core."""
_AHEAD = 4
"""Values that each worker has waiting, so that it never waits for the next."""
_RETRIES = 2
"""Of a value where a file could not be read, such as on a network drive for a moment."""
_DEATHS = 3
"""Workers that may die of a value before it is given up; the default of Dask."""
_LOOK_S, _BACK_S = 10.0, 60
"""Time between looks, and time after which a local worker that is not back is replaced, s."""


class OnDask:
    """The work is done by the workers of a Dask cluster. Implements `Workers`.

    Parameters
    ----------
    client : Client
    name : str
        The cluster, for messages.
    elsewhere : bool
        True for another computer.
    tell : callable
        Takes a sentence for people.
    revive : callable
        Called before the first value is given, and while a result is waited for; starts workers in place of
        those that are gone.
    begun : callable
        Called after the first `revive`; waits for a worker.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        elsewhere: bool,
        tell: Callable[[str], None],
        revive: Callable[[], None] = lambda: None,
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._name, self._elsewhere, self._tell = client, name, elsewhere, tell
        self._revive, self._begun = revive, begun

    @property
    def elsewhere(self) -> bool:
        """True if files may look different where the work is done."""
        return self._elsewhere

    def each(self, function: Callable[[T], R], values: Sequence[T]) -> Iterator[R | Lost]:
        """Yield the result for each value, in their order; see `Workers.each`.

        Raises
        ------
        InputError
            The scheduler is gone, no worker begins, or one has not this version of ilemtrack; one sentence.
        """
        # Those of an earlier call may all be gone.
        self._revive()
        self._begun()
        work = partial(_run, program_version(), function)
        waiting: deque[tuple[T, Future[Any]]] = deque()
        left = iter(values)
        try:
            while True:
                ahead = _AHEAD * max(sum(self._client.nthreads().values()), 1)
                while len(waiting) < ahead and (value := next(left, _NO_MORE)) is not _NO_MORE:
                    waiting.append((value, self._given(work, value)))
                if not waiting:
                    return
                value, future = waiting[0]
                try:
                    result = self._result(future)
                except KilledWorker:
                    result = self._alone(work, value, [one for _, one in waiting])
                yield result
                waiting.popleft()[1].release()
        except (OSError, asyncio.CancelledError) as error:
            if self._client.status == "running":
                raise
            raise InputError(
                f"{self._name} is gone ({error or type(error).__name__}); run it again"
            ) from None
        finally:
            if waiting and self._client.status == "running":
                self._client.cancel([one for _, one in waiting], force=True)

    def _given(self, work: Callable[[T], R], value: T) -> Future[Any]:
        # Not pure: two values that are equal are still two.
        return self._client.submit(work, value, pure=False, retries=_RETRIES)

    def _alone(self, work: Callable[[T], R], value: T, others: Sequence[Future[Any]]) -> Any:
        """Try a value once more with nothing beside it.

        Dask blames the death of a worker on all values that wait there.
        """
        for one in others:
            with suppress(Exception):
                self._result(one)
        future = self._given(work, value)
        try:
            return self._result(future)
        except KilledWorker:
            return Lost("every worker that took it died, perhaps for want of memory")
        finally:
            future.release()

    def _result(self, future: Future[Any]) -> Any:
        alone_s = 0.0
        while True:
            try:
                return future.result(timeout=_LOOK_S)
            except TimeoutError:
                if future.status == "error":
                    # One of a network drive, that the work itself has met.
                    raise
                if self._client.status != "running":
                    raise ConnectionError(f"no answer from {self._name}") from None
                self._revive()
                workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
                if any(one["status"] == "running" for one in workers):
                    alone_s = 0.0
                    continue
                alone_s += _LOOK_S
                if alone_s == _LOOK_S:
                    self._tell(f"{self._name} {_waiting_for(len(workers))}")
            except _OtherVersionError as error:
                raise InputError(f"{self._name}: {error}") from None
            except ModuleNotFoundError as error:
                raise InputError(
                    f"{self._name}: a worker cannot do this work ({error}); install ilemtrack"
                    f" {program_version()} for all workers"
                ) from None


def _waiting_for(workers: int) -> str:
    if not workers:
        return "has no worker left; the work goes on as soon as one is back"
    return (
        "has no worker with memory left (Dask pauses a worker at 80 % of its --memory-limit); the work goes"
        " on as soon as one has"
    )


_NO_MORE: Any = object()


class _OtherVersionError(Exception):
    pass


def _run(version: str, function: Callable[[T], R], value: T) -> R:
    """Run a function on a worker."""
    if version != program_version():
        raise _OtherVersionError(
            f"a worker has ilemtrack {program_version()}, this is {version}; install the same for all"
        )
    return function(value)


@contextmanager
def local_cluster(count: int, tell: Callable[[str], None], modules: Sequence[str] = ()) -> Iterator[OnDask]:
    """Run workers on this computer, each a process of one thread, until the context ends.

    They begin while this process goes on; they are waited for once there is work for them.

    They are reached with keys that nobody else has: Dask by itself would let every user of this computer run
    programs as this one.

    Parameters
    ----------
    count : int
    tell : callable
        Takes a sentence for people.
    modules : sequence of str
        Of the work, for `prepare_workers`.
    """
    prepare_workers(count, None, modules)
    settings = {
        "distributed.scheduler.allowed-failures": _DEATHS,
        "distributed.deploy.lost-worker-timeout": f"{_BACK_S} s",
        "distributed.worker.multiprocessing-method": METHOD,
        # A hundred looks a second at what a worker does, for pages that nobody opens here.
        "distributed.worker.profile.enabled": False,
        # Fifty a second at the loop of each process, and two at the disks: a third of the program's own time.
        "distributed.admin.tick.interval": "1 s",
        "distributed.admin.system-monitor.interval": "5 s",
        "distributed.admin.system-monitor.disk": False,
        # Work is bounded by the frames that are taken at once; a worker with a large one is not to be killed.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": False,
    }
    with _quiet(), TemporaryDirectory(prefix="ilemtrack-") as work, dask.config.set(settings):
        keys = Security.temporary()
        with (
            LocalCluster(
                # Else it waits for all of them here.
                n_workers=0,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                protocol="tls",
                security=keys,
                # Of its own for each cluster, and without its pages.
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=0,
                local_directory=work,
                preload="service.cluster.local_worker",
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, security=keys) as client,
        ):
            cluster.scale(count)
            yield OnDask(
                client,
                "the cluster of this computer",
                False,
                tell,
                revive=lambda: cluster.scale(count),
                begun=lambda: _first_worker(client),
            )


def _first_worker(client: Client) -> None:
    """Wait for a worker of this computer."""
    try:
        client.wait_for_workers(1, timeout=_BEGIN_S)
    except TimeoutError:
        raise InputError(
            f"no worker of this computer has begun within {_BEGIN_S:g} s; run it again"
        ) from None


@contextmanager
def remote_cluster(address: str, tell: Callable[[str], None]) -> Iterator[OnDask]:
    """Use the workers behind the address of a scheduler, until the context ends.

    Raises
    ------
    InputError
        There is no scheduler at the address, or it has no worker; one sentence.
    """
    name = f"the scheduler at {address}"
    check_certificates(address)
    with _quiet():
        try:
            # A client whose address cannot be read waits half a minute for itself when the program ends.
            get_address_host_port(address)
            with warnings.catch_warnings(record=True) as warned:
                client = Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            why = " ".join(str(error).split())[:200] or type(error).__name__
            raise InputError(f"--scheduler {address}: no Dask scheduler answers there ({why})") from None
        with client:
            end = time.monotonic() + _CONNECT_S
            while not (threads := client.nthreads()):
                if time.monotonic() > end:
                    raise InputError(
                        f"{name} has no worker; start some with `dask worker {address} --nthreads 1`"
                    )
                time.sleep(0.1)
            _check_versions(client, name)
            if any(issubclass(one.category, VersionMismatchWarning) for one in warned):
                tell(
                    f"warning: {name} has other versions of Python or of its packages than this computer;"
                    " results may differ a little"
                )
            if max(threads.values()) > 1:
                tell(
                    f"warning: {name} has workers of several threads, which share one interpreter; workers"
                    " started with --nthreads 1 are faster"
                )
            yield OnDask(client, name, True, tell)


def _check_versions(client: Client, name: str) -> None:
    """Raise an `InputError` if scheduler or workers have another version of ilemtrack, or none.

    They are asked by a function of Python: one of ours might not be there. Each piece of work asks again
    (`_run`), as workers may come later.
    """
    found: dict[str, object] = dict(client.run(version, "ilemtrack", on_error="return"))
    try:
        found["the scheduler"] = client.run_on_scheduler(version, "ilemtrack")
    except PackageNotFoundError as error:
        found["the scheduler"] = error
    # Any other error is of a worker that is just being lost.
    known = {where: one for where, one in found.items() if isinstance(one, (str, PackageNotFoundError))}
    wrong = {where: one for where, one in known.items() if one != program_version()}
    if wrong:
        where, one = next(iter(wrong.items()))
        what = "no ilemtrack" if isinstance(one, PackageNotFoundError) else f"ilemtrack {one}"
        place = where if where == "the scheduler" else f"the worker at {where}"
        raise InputError(
            f"{name}: {place} has {what}, and this is {program_version()}; install the same for all"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the log of Dask to itself: what people need comes as sentences."""
    log = logging.getLogger("distributed")
    before, log.disabled = log.level, True
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)
        log.disabled = False

"""Tests side by side: they are collected once, then processes are forked that take a file of tests at a time.

Used with ``-p tests.workers --workers 3``. All tests of a file run in one process, so that what they share is
made once. A file that a process has begun when it dies is finished by another.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, TypeAlias

import pytest

_Link: TypeAlias = "Connection[Any, Any]"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--workers", type=int, default=1, help="processes that run tests side by side")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests in workers, if there is more than one."""
    workers: int = session.config.getoption("workers")
    if workers < 2 or session.testsfailed or session.config.getoption("collectonly"):
        return None
    # All share one folder for what tests write, made here.
    vars(session.config)["_tmp_path_factory"].getbasetemp()
    _Run(session).run(workers)
    return True


class _Worker:
    """A forked process, the tests that it has been given, and what it is running."""

    def __init__(self, session: pytest.Session, others: Iterable["_Worker"]) -> None:
        self.link, theirs = Pipe()
        self.given: deque[int] = deque()
        self.pid = os.fork()
        if not self.pid:
            for link in (self.link, *(worker.link for worker in others)):
                link.close()
            _work(session, theirs)
        theirs.close()

    def end(self) -> None:
        """Let it end."""
        self.link.close()
        os.waitpid(self.pid, 0)


class _Run:
    """A run of all collected tests."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._items = session.items
        numbers = range(len(session.items))
        files = groupby(numbers, key=lambda number: session.items[number].path)
        self._files = deque([list(tests) for _, tests in files])
        self._workers: list[_Worker] = []

    def run(self, workers: int) -> None:
        """Run them; raises what pytest raises to stop early."""
        try:
            while len(self._workers) < min(workers, len(self._files)):
                self._start_worker()
            while self._workers:
                for link in wait([worker.link for worker in self._workers]):
                    self._hear(next(worker for worker in self._workers if worker.link is link))
        finally:
            for worker in self._workers:
                worker.end()

    def _start_worker(self) -> None:
        self._workers.append(_Worker(self._session, self._workers))
        self._give(self._workers[-1])

    def _give(self, worker: _Worker) -> None:
        tests = self._files.popleft() if self._files else []
        worker.given.extend(tests)
        worker.link.send(tests)

    def _hear(self, worker: _Worker) -> None:
        """Take up what a worker has to say."""
        hook = self._session.config.hook
        said, value = "lost", None
        with suppress(EOFError, ConnectionError):
            said, value = worker.link.recv()
        if said == "lost":
            self._lost(worker)
        elif said == "report":
            hook.pytest_runtest_logreport(
                report=hook.pytest_report_from_serializable(config=self._session.config, data=value)
            )
        elif said == "wants more":
            self._give(worker)
        elif said == "finished":
            self._finished(worker.given.popleft())

    def _finished(self, number: int) -> None:
        item = self._items[number]
        item.config.hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _lost(self, worker: _Worker) -> None:
        """Take leave of a worker that has ended. Died it in a test, that fails and another does the rest."""
        self._workers.remove(worker)
        worker.end()
        if worker.given:
            item = self._items[number := worker.given.popleft()]
            item.config.hook.pytest_runtest_logreport(
                report=pytest.TestReport(
                    item.nodeid, item.location, {}, "failed", "The process that ran this test died.", "call"
                )
            )
            self._finished(number)
            if worker.given:
                self._files.appendleft(list(worker.given))
            if self._files:
                self._start_worker()


class _Reporter:
    """The plug-in of a worker that passes the reports on."""

    def __init__(self, config: pytest.Config, link: _Link) -> None:
        self._config = config
        self._link = link

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._link.send(("report", data))


def _work(session: pytest.Session, link: _Link) -> None:
    """Run what is asked for, in a fork; never returns."""
    status = 1
    try:
        plugins = session.config.pluginmanager
        capture = plugins.getplugin("capturemanager")
        # What tests print goes to its own files from now on; only the first process writes to the terminal.
        capture.stop_global_capturing()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        capture.start_global_capturing()
        capture.suspend_global_capture()
        plugins.register(_Reporter(session.config, link))
        try:
            _run_tests(session, link)
        finally:
            # After Ctrl-C, nothing that a fixture started is left behind.
            vars(session)["_setupstate"].teardown_exact(None)
        status = 0
    finally:
        os._exit(status)


def _run_tests(session: pytest.Session, link: _Link) -> None:
    tests = _asked(link)
    number = next(tests, None)
    while number is not None:
        # What the next test uses too is kept: for the last one of a file, the next file must be known.
        following = next(tests, None)
        item = session.items[number]
        item.config.hook.pytest_runtest_protocol(
            item=item, nextitem=None if following is None else session.items[following]
        )
        link.send(("finished", number))
        number = following


def _asked(link: _Link) -> Iterator[int]:
    while tests := link.recv():
        yield from tests
        link.send(("wants more", None))

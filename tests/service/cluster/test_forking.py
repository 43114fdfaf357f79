"""The process from which workers are forked."""

import json
import os
import signal
import subprocess
import sys
from multiprocessing import forkserver

import pytest

from service.cluster import forking
from tests.places import ROOT

OF_WORKERS = (
    "service.batch.tasks",
    "service.batch.ahead",
    "service.planning.curve.hours",
    "service.export.writing",
)
"""Modules that commands name."""


@pytest.mark.parametrize(("count", "scheduler"), [(None, None), (1, None), (None, "tcp://a:1")])
def test_nothing_is_begun_where_nobody_asks_for_workers(
    monkeypatch: pytest.MonkeyPatch, count: int | None, scheduler: str | None
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(forkserver, "ensure_running", lambda: begun.append("begun"))
    forking.prepare_workers(count, scheduler, OF_WORKERS)
    assert not begun


@pytest.mark.skipif(forking.METHOD != "forkserver", reason="workers are forked on Linux only")
def test_what_is_imported_before_a_fork_starts_no_thread_and_has_its_own_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: dict[str, str] = {}
    monkeypatch.setattr(forkserver, "ensure_running", lambda: said.update(os.environ))
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    forking.prepare_workers(2, None, OF_WORKERS)
    assert said["MALLOC_ARENA_MAX"] == said["OPENBLAS_NUM_THREADS"] == "1"
    assert "MALLOC_ARENA_MAX" not in os.environ
    # A thread, or a lock that it holds, would be lost in the worker.
    script = (
        "import importlib, json, os, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(json.dumps(len(os.listdir('/proc/self/task'))))"
    )
    command = [sys.executable, "-c", script, "distributed", *OF_WORKERS]
    done = subprocess.run(command, cwd=ROOT, env=said, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == 1


@pytest.mark.skipif(forking.METHOD != "forkserver", reason="workers are forked on Linux only")
def test_an_interrupt_of_the_terminal_is_for_the_program_alone() -> None:
    """Else the process that imports prints where it was interrupted."""
    script = (
        "import json, signal\n"
        "from multiprocessing import forkserver\n"
        "from pathlib import Path\n"
        "from service.cluster import forking\n"
        "forkserver.set_forkserver_preload = lambda modules: None\n"
        "forking.prepare_workers(2, None)\n"
        "status = Path(f'/proc/{forkserver._forkserver._forkserver_pid}/status').read_text().split()\n"
        "own = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
        "print(json.dumps([int(status[status.index('SigBlk:') + 1], 16), own]))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    blocked, here = json.loads(done.stdout)
    assert blocked >> (signal.SIGINT - 1) & 1
    assert not here

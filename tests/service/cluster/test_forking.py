"""The process from which workers are forked."""

import json
import os
import signal
import subprocess
import sys
from multiprocessing import forkserver
from pathlib import Path

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
def test_ctrl_c_while_workers_begin_is_left_to_the_program(tmp_path: Path) -> None:
    """The server once died of it in the middle of an import, with a traceback."""
    (tmp_path / "slow.py").write_text(
        "import sys\n"
        "print('begun', flush=True)\n"
        "try:\n"
        "    sys.stdin.readline()\n"
        "    print('imported', flush=True)\n"
        "except KeyboardInterrupt:\n"
        "    print('died', flush=True)\n"
    )
    script = (
        "import signal, sys\n"
        "from service.cluster import forking\n"
        "signal.signal(signal.SIGINT, lambda *_: print('interrupted', flush=True))\n"
        # Dask itself takes a second.
        "preload = forking.forkserver.set_forkserver_preload\n"
        "forking.forkserver.set_forkserver_preload = lambda names: preload(names[1:])\n"
        "forking.prepare_workers(2, None, ['slow'])\n"
        "signal.pause()\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            os.killpg(process.pid, signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "imported\n"
            os.killpg(process.pid, signal.SIGINT)
            out, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (out, said) == ("interrupted\n", "")

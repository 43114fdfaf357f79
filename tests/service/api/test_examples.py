"""The clients of docs/examples, against a daemon's sockets."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api.transport.endpoints import run_endpoints
from service.store.store import Store
from tests.places import ROOT
from tests.service.api.api_session import api_server
from tests.service.store.stores import queue_jobs

EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def environment(store: Store, runtime: Path) -> Iterator[dict[str, str]]:
    queue_jobs(store)
    where = run_endpoints("run-1")
    server = api_server(store, where)
    server.start()
    yield os.environ | {"ILEMTRACK_ENDPOINT": where.requests}
    server.stop()


def run(command: list[str], environment: dict[str, str], cwd: Path = EXAMPLES) -> str:
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python(environment: dict[str, str]) -> None:
    said = run([sys.executable, "client.py"], environment)
    assert said.splitlines() == [f"J00000{n} queued 14.4" for n in (1, 2, 3)]


def test_c(environment: dict[str, str], tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    probe = tmp_path / "probe.c"
    probe.write_text("#include <zmq.h>\nint main(void) { return zmq_ctx_new() == 0; }\n")
    found = subprocess.run([compiler, "probe.c", "-lzmq", "-o", "probe"], cwd=tmp_path, capture_output=True)
    if found.returncode != 0:
        pytest.skip("no libzmq with its header")
    run(
        [compiler, "-Wall", "-Werror", str(EXAMPLES / "client.c"), "-lzmq", "-o", "client"],
        environment,
        tmp_path,
    )
    assert '"job":"J000003"' in run([str(tmp_path / "client")], environment)


def test_javascript(environment: dict[str, str], tmp_path: Path) -> None:
    node = shutil.which("node")
    # An import looks for packages beside the file and above it, not in NODE_PATH.
    modules = os.environ.get("NODE_PATH", "")
    if node is None or not (Path(modules) / "zeromq").is_dir() or not modules:
        pytest.skip("no node, or no package zeromq in NODE_PATH")
    (tmp_path / "node_modules").symlink_to(modules)
    shutil.copy(EXAMPLES / "client.mjs", tmp_path)
    assert "J000003 queued 14.4" in run([node, "client.mjs"], environment, tmp_path)

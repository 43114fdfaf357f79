"""The command as a process: killed at any time, started again, ended by a signal."""

import re
import signal
import time
from pathlib import Path

from tests.forked import ILEMTRACK, Forked
from tests.ports import free_port
from tests.service.sbemimage.laboratory import PAUSE, Files
from tests.service.sbemimage.theirs import ask


def started(files: Files, port: int) -> Forked:
    words = ["serve-sbemimage", files.plans, "--session-file", files.ini, "--same-stage", "--port", port]
    program = Forked(ILEMTRACK, *words, "--journal", files.journal)
    end_s = time.monotonic() + 200
    while "listening" not in program.said()[1]:
        assert program.poll() is None, program.said()
        assert time.monotonic() < end_s
        time.sleep(0.02)
    return program


def test_a_server_is_killed_and_started_again(tmp_path: Path) -> None:
    files = Files(tmp_path)
    port = free_port()
    first = started(files, port)
    given = ask(port)
    first.kill()
    first.wait()
    first.close()
    second = started(files, port)
    # The answer may not have arrived, and nothing was begun: the same frames once more.
    assert ask(port) == given
    files.theirs.execute(given["commands"])
    files.theirs.acquire()
    files.save()
    assert ask(port) == PAUSE
    second.send_signal(signal.SIGTERM)
    assert second.wait() == 130
    said = second.said()[1]
    second.close()
    assert re.search(r"127\.0\.0\.1: grids sent, 1 frames", said)
    assert "no frame is left" in said

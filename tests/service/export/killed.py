"""An export that is killed at one of its steps, with no time to clean up."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.export import folder as folders

STEPS = ("half written", "written", "in place", "half a line")


def killed(work: Callable[[], object], step: str, items: int) -> int:
    """Do work in a fork of this process, killed at a step of an item, counted from 1; return its status."""
    child = os.fork()
    if child == 0:
        try:
            _prepare(step, items)
            work()
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _prepare(step: str, items: int) -> None:
    left = items
    put, add, sync = folders.ExportFolder.put, folders.ExportFolder._add, folders.sync_all

    def die(at: str) -> None:
        if left == 0 and step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted_put(self: Any, item: str, fingerprint: str, write: Callable[[Path], Any]) -> Any:
        nonlocal left
        left -= 1

        def half(path: Path) -> Any:
            if left == 0 and step == "half written":
                path.write_bytes(b"II*\0")
            die("half written")
            return write(path)

        return put(self, item, fingerprint, half)

    def dying_sync(path: Path) -> None:
        sync(path)
        die("written")

    def dying_add(self: Any, line: dict[str, Any]) -> None:
        die("in place")
        if left == 0 and step == "half a line":
            with self._log.open("a") as log:
                log.write('{"item": "S001')
        die("half a line")
        add(self, line)

    folders.ExportFolder.put = counted_put  # type: ignore[method-assign]
    folders.ExportFolder._add = dying_add  # type: ignore[method-assign]
    folders.sync_all = dying_sync

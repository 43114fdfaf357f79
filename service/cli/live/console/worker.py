"""A program that answers questions of the console: started when it is wanted, and kept warm."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from service.errors import InputError

_LONGEST_S = 120.0
"""Longest answer; the first one loads the network, which takes some seconds. Chosen by hand."""
_PROGRAM = "from service.cli.live.console.worker_program import main; main()"
_CHUNK = 1 << 20


class Worker:
    """The program, with one question at a time; its methods may be called from any thread.

    It ends with the console, or when it has not been asked for a while.

    Parameters
    ----------
    folder : Path
        In which it works.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asking = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End it; harmless when repeated."""
        with self._asking:
            self._end()

    def ask(self, what: str, *, longest_s: float = _LONGEST_S, **given: Any) -> Any:
        """Ask the program, and return its answer.

        Parameters
        ----------
        what : str
        longest_s : float
            Longest wait for the answer, s.
        **given
            Parameters of the question.

        Raises
        ------
        InputError
            It cannot be done, or takes too long.
        """
        with self._asking:
            if self._process is None or self._process.poll() is not None:
                self._begin()
            try:
                reply = self._answer(json.dumps({"do": what} | given).encode() + b"\n", longest_s)
            except (BrokenPipeError, TimeoutError, EOFError) as error:
                self._end()
                late = isinstance(error, TimeoutError)
                why = f"did not end within {longest_s:.0f} s" if late else "ended without an answer"
                raise InputError(f"the program {why}; try another file, or other settings") from error
        if "refused" in reply:
            raise InputError(str(reply["refused"]))
        return reply["is"]

    def _begin(self) -> None:
        one_thread = {"OMP_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            cwd=self._folder,
            env=os.environ | one_thread,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _answer(self, question: bytes, longest_s: float) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(question)
        process.stdin.flush()
        end_s, said = time.monotonic() + longest_s, bytearray()
        while not said.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, end_s - time.monotonic()))
            if not ready:
                raise TimeoutError
            part = os.read(process.stdout.fileno(), _CHUNK)
            if not part:
                raise EOFError
            said += part
        reply: dict[str, Any] = json.loads(said)
        return reply

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

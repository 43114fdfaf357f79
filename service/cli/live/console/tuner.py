"""The program that runs detectors for the page Tune: started when it is wanted, and kept warm."""

import base64
import hashlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from service.console.trials import Cost, Setting, Steps, Trial
from service.errors import InputError

SUFFIXES = (".tif", ".tiff", ".png")
_MOST_IMAGES = 2000
_LONGEST_S = 120.0
"""Longest answer; the first one loads the network, which takes some seconds. Chosen by hand."""
_MOST_KEPT = 20
_PROGRAM = "from service.cli.live.console.tuner_worker import main; main()"
_CHUNK = 1 << 20


class TunerProcess:
    """A worker with one question at a time; see `service.console.trials.Tuner`.

    It has a low priority, so that a session on the same computer comes first, and ends with the console, or
    when it has not been asked for a while.

    Parameters
    ----------
    folder : Path
        Has the images and the configurations.
    configurations : callable
        Returns the names of the configurations that are offered.
    """

    def __init__(self, folder: Path, configurations: Callable[[], list[str]]) -> None:
        self._folder, self._configurations = folder, configurations
        self._asking = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._kept: tempfile.TemporaryDirectory[str] | None = None

    def images(self) -> list[str]:
        """Return the images in the folder and in its subfolders, without those of hidden ones."""
        found = []
        for pattern in ("*", "*/*"):
            for path in sorted(self._folder.glob(pattern)):
                name = path.relative_to(self._folder)
                hidden = any(part.startswith(".") for part in name.parts)
                if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
                    found.append(str(name))
                if len(found) >= _MOST_IMAGES:
                    return found
        return found

    def keep(self, name: str, data: bytes) -> str:
        """Keep the file of a frame of a run, and return its path."""
        if self._kept is None:
            self._kept = tempfile.TemporaryDirectory(prefix="ilemtrack-tune-")
        folder = Path(self._kept.name)
        path = folder / (hashlib.sha256(name.encode() + data).hexdigest()[:24] + ".ome.tiff")
        if not path.exists():
            for old in sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)[:-_MOST_KEPT]:
                old.unlink()
            path.write_bytes(data)
        return str(path)

    def settings(self, configuration: str) -> tuple[Setting, ...]:
        """Return the settings of detection of a configuration."""
        self._check(configuration)
        found = self._ask("settings", configuration=configuration)
        return TypeAdapter(tuple[Setting, ...]).validate_python(found)

    def steps(self, trial: Trial) -> Steps:
        """Run the detector."""
        return TypeAdapter(Steps).validate_python(self._ask("steps", trial=self._checked(trial)))

    def cost(self, trial: Trial, quick: bool) -> Cost:
        """Plan the electron frames."""
        found = self._ask("cost", trial=self._checked(trial), quick=quick)
        return TypeAdapter(Cost).validate_python(found)

    def save(self, trial: Trial, name: str, by: str, replace: bool) -> str:
        """Write a configuration with these settings, and return the name of its file."""
        self._check(trial.configuration)
        return str(self._ask("save", trial=asdict(trial), name=name, by=by, replace=replace))

    def close(self) -> None:
        """End the program; harmless when repeated."""
        with self._asking:
            self._end()
            if self._kept is not None:
                self._kept.cleanup()
                self._kept = None

    def _checked(self, trial: Trial) -> dict[str, Any]:
        """Return a trial as a message: no other file than an offered one is read."""
        self._check(trial.configuration)
        file = trial.frame.file
        ours = self._kept is not None and Path(file).parent == Path(self._kept.name)
        if not ours and file not in self.images():
            raise InputError(f"there is no image {file} here" if file else "choose a frame")
        return asdict(trial)

    def _check(self, configuration: str) -> None:
        if configuration not in self._configurations():
            raise InputError(f"there is no configuration {configuration}")

    def _ask(self, what: str, **given: Any) -> Any:
        """Ask the program, and return its answer.

        Raises
        ------
        InputError
            It cannot be done, or takes too long.
        """
        with self._asking:
            if self._process is None or self._process.poll() is not None:
                self._begin()
            try:
                reply = self._answer(json.dumps({"do": what} | given).encode() + b"\n")
            except (BrokenPipeError, TimeoutError, EOFError) as error:
                self._end()
                late = isinstance(error, TimeoutError)
                why = f"did not end within {_LONGEST_S:.0f} s" if late else "ended without an answer"
                raise InputError(f"the detector {why}; try another frame, or other settings") from error
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

    def _answer(self, question: bytes) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(question)
        process.stdin.flush()
        end_s, said = time.monotonic() + _LONGEST_S, bytearray()
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


def encoded(png: bytes) -> str:
    """Return a picture as it travels in a message."""
    return base64.b64encode(png).decode()

"""State that a microscope keeps when the program that drives it is killed.

A journal of JSON lines, one change each, appended before the change takes effect. It needs no fsync: it must
survive the program, not the computer. The file is compacted, atomically, when it is opened.
"""

import json
import threading
from pathlib import Path
from typing import Any

from simulators.errors import MemoryFileError


class Memory:
    """Last value of each key, and the list of exposures to the beam.

    Parameters
    ----------
    path : Path or None
        The journal, created if missing; without one nothing outlives this object.

    Raises
    ------
    MemoryFileError
        The file is not a journal of this module.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}
        self._exposures: list[Any] = []
        if path is not None:
            if path.exists():
                self._read(path)
            self._write_anew(path)

    def get(self, key: str) -> Any:
        """Return the last value of a key, or None."""
        with self._lock:
            return self._values.get(key)

    def set(self, key: str, value: Any) -> None:
        """Keep a JSON value."""
        with self._lock:
            self._values[key] = value
            self._append({"key": key, "value": value})

    def exposures(self) -> tuple[Any, ...]:
        """Return all exposures, in order."""
        with self._lock:
            return tuple(self._exposures)

    def add_exposure(self, value: Any) -> None:
        """Add a JSON value to the exposures, which also ends the running scan."""
        with self._lock:
            self._exposures.append(value)
            self._values["scan"] = None
            self._append({"exposure": value})

    def _append(self, line: dict[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def _read(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").split("\n")
        for number, text in enumerate(lines, start=1):
            if not text:
                continue
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                if number == len(lines):
                    continue  # the program was killed while it wrote the last line
                line = None
            match line:
                case {"exposure": value}:
                    self._exposures.append(value)
                    self._values["scan"] = None
                case {"key": str(key), "value": value}:
                    self._values[key] = value
                case _:
                    raise MemoryFileError(f"{path}: line {number} is not a line of a microscope's memory")

    def _write_anew(self, path: Path) -> None:
        lines: list[dict[str, Any]] = [{"exposure": value} for value in self._exposures]
        lines += [{"key": key, "value": value} for key, value in self._values.items()]
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        new.replace(path)

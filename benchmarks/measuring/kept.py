"""Figures of a run of the benchmarks, kept as JSON: two of them can be compared."""

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from benchmarks.measuring.machine import Machine
from benchmarks.measuring.rows import Row
from config.base import Frozen
from service.errors import InputError
from service.input_files import read_json
from service.store.durable import write_text

_MOST_BYTES = 20_000_000


class Benchmark(Frozen):
    """Rows of one benchmark, and the time that it took, s."""

    name: str
    title: str
    took_s: float
    rows: tuple[Row, ...]


class Kept(Frozen):
    """One run: when, on which computer, with which settings, and what was measured.

    Attributes
    ----------
    v : 1
    at : str
        Begin of the run, ISO 8601.
    machine : Machine
    settings : dict of str to str
        Environment variables that the figures depend on.
    benchmarks : tuple of Benchmark
    """

    v: Literal[1] = 1
    at: str
    machine: Machine
    settings: dict[str, str] = Field(default_factory=dict)
    benchmarks: tuple[Benchmark, ...] = ()

    def with_benchmark(self, new: Benchmark) -> "Kept":
        """Return the run with one more benchmark."""
        return self.model_copy(update={"benchmarks": (*self.benchmarks, new)})


def write(kept: Kept, path: Path, **more: object) -> None:
    """Write a run, whole or not at all; `more` are further JSON values, which are not compared."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(kept.model_dump(mode="json") | more, indent=1) + "\n")


def read(path: Path) -> Kept:
    """Return a run that was kept.

    Raises
    ------
    InputError
        It is none; the text is one sentence.
    """
    document = read_json(path, _MOST_BYTES)
    try:
        known = {name: document[name] for name in Kept.model_fields if name in document}
        return Kept.model_validate(known)
    except (ValidationError, TypeError):
        raise InputError(f"{path}: no figures of a run of the benchmarks") from None

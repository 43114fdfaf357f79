"""Results of pure functions, computed once where many sessions come to the same frames.

Only for files that test something else: never where a function itself is tested, or that it is repeatable.
"""

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from hashlib import blake2b
from typing import Any

import pytest

from detection.combined.detector import Combined
from detection.image import brightness, working_grid
from detection.image.hits import Detection
from detection.recall_first import detector as recall_first
from detection.serial import detector as serial
from detection.serial import pooling, splitting
from service.analysis import run_pictures
from service.pictures import overlay
from service.pictures.montage import Shown
from service.planning import section as section_planning
from simulators.specimen.specimen import SimulatedSpecimen

_MOST_BYTES = 60_000_000
"""Memory for results; the oldest go first."""

Functions = tuple[tuple[Any, str], ...]
OF_A_FRAME: Functions = (
    (recall_first, "find_cells"),
    (Combined, "find"),
    (serial, "prepare"),
    (splitting, "find_outlines"),
    (brightness, "estimate_background"),
    (pooling, "estimate_background"),
    (working_grid, "estimate_background"),
)
"""Functions of one frame that take most of the time of the serial detector."""
OF_A_SESSION: Functions = (
    *OF_A_FRAME,
    (serial, "register"),
    (section_planning, "plans"),
    (run_pictures, "draw_overlay"),
    (run_pictures, "draw_montage"),
    (overlay, "png"),
    (SimulatedSpecimen, "fluorescence"),
    (SimulatedSpecimen, "stain"),
)
"""Functions from values to values that take most of the time of a small session."""


class Remembered:
    """Memory of results by the bytes of the arguments; each caller gets a copy of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    def once(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with this memory."""

        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            of = [_values(argument) for argument in arguments]
            key = blake2b(pickle.dumps((name, of, named), protocol=5)).digest()
            with self._lock:
                result = self._results.get(key)
            if result is None:
                result = pickle.dumps(function(*arguments, **named), protocol=5)
                self._keep(key, result)
            return pickle.loads(result)  # noqa: S301 - made four lines above

        return call

    def _keep(self, key: bytes, result: bytes) -> None:
        with self._lock:
            self._bytes += len(result) - len(self._results.pop(key, b""))
            self._results[key] = result
            while self._bytes > _MOST_BYTES:
                self._bytes -= len(self._results.popitem(last=False)[1])


def _values(argument: Any) -> Any:
    """Return what the result depends on: of a specimen its configuration, of a picture all but the time."""
    if isinstance(argument, SimulatedSpecimen):
        return argument._config.model_dump_json()
    if isinstance(argument, Combined):
        return argument.settings, argument.network.settings, argument.network.model
    if isinstance(argument, Detection):
        return replace(argument, elapsed_ms=0)
    if isinstance(argument, list):
        return [_values(one) for one in argument]
    if isinstance(argument, Shown):
        return replace(argument, section=replace(argument.section, elapsed_ms=0))
    return argument


@contextmanager
def remembering(memory: Remembered, functions: Functions = OF_A_SESSION) -> Iterator[None]:
    """Compute each result of these functions once."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in functions:
            patch.setattr(owner, name, memory.once(name, getattr(owner, name)))
        yield

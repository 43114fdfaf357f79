"""Results of functions from values to values that many sessions of the tests ask for with the same values."""

import hashlib
import pickle
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from detection.recall_first.detector import find_cells
from planner.plan import plans

P = ParamSpec("P")
T = TypeVar("T")


def _remembering(function: Callable[P, T]) -> Callable[P, T]:
    """Compute each result once in a process; every caller gets a copy of its own."""
    known: dict[bytes, bytes] = {}

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        key = hashlib.sha256(pickle.dumps((args, sorted(kwargs.items())))).digest()
        if key not in known:
            known[key] = pickle.dumps(function(*args, **kwargs))
        result: T = pickle.loads(known[key])  # noqa: S301 - made three lines above
        return result

    return call


REMEMBERED: dict[str, Callable[..., object]] = {
    "detection.recall_first.detector.find_cells": _remembering(find_cells),
    "planner.alternatives.plans": _remembering(plans),
}
"""Functions that remember, by the place where the program looks them up."""

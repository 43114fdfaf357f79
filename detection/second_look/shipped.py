"""The second look of the package."""

import io
from functools import lru_cache
from pathlib import Path

import numpy as np

from detection.errors import DetectionError
from detection.second_look.model import SHAPES, SecondLook

PATH = Path(__file__).with_name("second_look.npz")
_AGAIN = "install ilemtrack again"


@lru_cache(maxsize=1)
def shipped_second_look() -> SecondLook:
    """Return the second look of the package, read once.

    Raises
    ------
    DetectionError
        Raised when its file is missing or damaged; one sentence.
    """
    return read_second_look(PATH)


def read_second_look(path: Path) -> SecondLook:
    """Read a second look, as data only: names, shapes and values are checked.

    Raises
    ------
    DetectionError
        Raised when the file is missing or damaged; one sentence.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DetectionError(
            f"the file of its second look cannot be read ({error.strerror}); {_AGAIN}"
        ) from None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            weights = {name: file[name] for name in SHAPES}
    except Exception:  # noqa: BLE001 - numpy and zipfile raise of every kind, by the byte that is damaged
        raise DetectionError(f"the file of its second look is damaged; {_AGAIN}") from None
    for name, shape in SHAPES.items():
        array = weights[name]
        if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array).all():
            raise DetectionError(f"the file of its second look is damaged: {name}; {_AGAIN}")
    return SecondLook(weights)

"""The network of the package."""

from functools import lru_cache
from pathlib import Path

from detection.errors import DetectionError
from detection.network.detector import Network
from detection.network.onnx_file import MAX_BYTES, model_from_bytes

PATH = Path(__file__).with_name("network.onnx")
_AGAIN = "install ilemtrack again"


@lru_cache(maxsize=1)
def shipped_network() -> Network:
    """Return the network of the package, read once.

    Raises
    ------
    DetectionError
        Raised when its file is missing or damaged; one sentence.
    """
    try:
        with PATH.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DetectionError(f"its file cannot be read ({error.strerror}); {_AGAIN}") from None
    try:
        return Network(model_from_bytes(data))
    except DetectionError as error:
        raise DetectionError(f"its file cannot be used ({error}); {_AGAIN}") from None

"""The network of the package."""

from functools import lru_cache
from pathlib import Path

from detection.errors import DetectionError
from detection.network.detector import Network
from detection.network.onnx_file import MAX_BYTES, model_from_bytes

PATH = Path(__file__).with_name("network.onnx")


@lru_cache(maxsize=1)
def shipped_network() -> Network:
    """Return the network of the package, read once.

    Raises
    ------
    DetectionError
        Raised when its file is missing or damaged; one sentence.
    """
    return open_network(PATH)


def open_network(path: Path) -> Network:
    """Read a network from a file.

    Raises
    ------
    DetectionError
        Raised when the file cannot be read or is not a network; one sentence.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DetectionError(f"{path}: the network cannot be read ({error.strerror})") from None
    try:
        return Network(model_from_bytes(data))
    except DetectionError as error:
        raise DetectionError(f"{path}: {error}") from None

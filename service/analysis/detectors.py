"""The detector that a configuration names: a built-in one, a forest file or a plug-in."""

from pathlib import Path

from config.documents.text_files import read_bytes
from config.model import Config
from config.work import DetectionConfig
from detection.detectors import BUILT_IN, Detector, built_in
from detection.errors import DetectionError
from service.errors import InputError

FOREST = "forest:"


def open_detector(settings: DetectionConfig) -> Detector:
    """Open the detector that the settings name.

    Raises
    ------
    InputError
        Raised when there is none of that name, or its file cannot be read or is not a forest; one sentence.
    """
    from detection.plugins import load_plugin, plugin_names

    name = settings.detector
    if name.startswith(FOREST):
        return _open_forest(Path(name.removeprefix(FOREST)), settings.any_pixel_size)
    try:
        found = built_in(settings) or load_plugin(name)
    except DetectionError as error:
        raise InputError(str(error)) from error
    if found is None:
        names = ", ".join((*BUILT_IN, "forest:MODEL", *plugin_names()))
        raise InputError(f"there is no detector named {name}; there are {names}")
    return found


def with_absolute_model(config: Config) -> Config:
    """Return the configuration with the absolute path of a forest, valid from any folder."""
    name = config.detection.detector
    if not name.startswith(FOREST):
        return config
    whole = f"{FOREST}{Path(name.removeprefix(FOREST)).absolute()}"
    detection = config.detection.model_copy(update={"detector": whole})
    return config.model_copy(update={"detection": detection})


def _open_forest(path: Path, any_pixel_size: bool) -> Detector:
    # Both import ONNX, which loads slowly and only forests need.
    from detection.forest.detector import Forest
    from detection.forest.onnx_file import MAX_BYTES, model_from_bytes

    try:
        data = read_bytes(path, MAX_BYTES)
    except OSError as error:
        raise InputError(f"{path}: the forest cannot be read ({error.strerror})") from None
    try:
        return Forest(model_from_bytes(data), any_pixel_size)
    except DetectionError as error:
        raise InputError(f"{path}: {error}") from None

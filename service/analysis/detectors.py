"""The detector that a configuration names: a built-in one, one with a file of the user's, or a plug-in."""

from pathlib import Path

from config.documents.text_files import read_bytes
from config.model import Config
from config.work import DetectionConfig
from detection.detectors import BUILT_IN, Detector, built_in
from detection.errors import DetectionError
from service.errors import InputError

WITH_FILE = ("forest", "network", "combined")
"""Detectors that take a file: ``forest:FILE``, and so on."""


def open_detector(settings: DetectionConfig) -> Detector:
    """Open the detector that the settings name.

    Raises
    ------
    InputError
        Raised when there is none of that name, or its file cannot be read or is not such a model; one
        sentence.
    """
    from detection.plugins import load_plugin

    kind, path = _with_file(settings.detector)
    if path is not None:
        return _open_file(kind, path, settings.any_pixel_size)
    try:
        found = built_in(settings) or load_plugin(settings.detector)
    except DetectionError as error:
        raise InputError(str(error)) from error
    if found is None:
        raise _unknown(settings.detector)
    return found


def with_detector(config: Config, name: str) -> Config:
    """Return the configuration with another detector.

    Raises
    ------
    InputError
        Raised for what cannot be the name of one.
    """
    try:
        detection = DetectionConfig.model_validate(config.detection.model_dump() | {"detector": name})
    except ValueError:
        raise _unknown(name) from None
    return config.model_copy(update={"detection": detection})


def _unknown(name: str) -> InputError:
    from detection.plugins import plugin_names

    files = (f"{kind}:MODEL" for kind in WITH_FILE)
    names = ", ".join((*BUILT_IN, *files, *plugin_names()))
    return InputError(f"there is no detector named {name}; there are {names}")


def with_absolute_model(config: Config) -> Config:
    """Return the configuration with the absolute path of a model, valid from any folder."""
    return config.model_copy(update={"detection": absolute_model(config.detection)})


def absolute_model(settings: DetectionConfig) -> DetectionConfig:
    """Return the settings with the absolute path of a model, valid from any folder."""
    kind, path = _with_file(settings.detector)
    if path is None:
        return settings
    return settings.model_copy(update={"detector": f"{kind}:{path.absolute()}"})


def _with_file(name: str) -> tuple[str, Path | None]:
    """Return the kind of a detector, and its file; None if it has none."""
    kind, colon, path = name.partition(":")
    return kind, Path(path) if colon else None


def _open_file(kind: str, path: Path, any_pixel_size: bool) -> Detector:
    # These import ONNX, which loads slowly and only models need.
    if kind == "forest":
        from detection.forest.detector import Forest
        from detection.forest.onnx_file import MAX_BYTES, model_from_bytes

        data = _read(kind, path, MAX_BYTES)
        try:
            return Forest(model_from_bytes(data), any_pixel_size)
        except DetectionError as error:
            raise InputError(f"{path}: {error}") from None
    from detection.combined.detector import Combined
    from detection.network.detector import Network
    from detection.network.onnx_file import MAX_BYTES as MOST_BYTES
    from detection.network.onnx_file import model_from_bytes as network_from_bytes

    data = _read("network", path, MOST_BYTES)
    try:
        network = Network(network_from_bytes(data))
    except DetectionError as error:
        raise InputError(f"{path}: {error}") from None
    return network if kind == "network" else Combined(network)


def _read(what: str, path: Path, most_bytes: int) -> bytes:
    try:
        return read_bytes(path, most_bytes)
    except OSError as error:
        raise InputError(f"{path}: the {what} cannot be read ({error.strerror})") from None

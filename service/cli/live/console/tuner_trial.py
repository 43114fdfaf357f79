"""Settings of detection on trial: the steps on a frame, and the time of its electron images."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from config.layout import listed_sections
from config.loading import explain, load
from config.model import Config
from config.work import DetectionConfig
from detection.detectors import BUILT_IN, Detector
from detection.explanation import Explanation, explained
from detection.image.frames import check_frame
from detection.image.hits import Decision, Detection
from detection.plugins import plugin_names
from drivers.recorded.frame import RecordedFrame
from drivers.recorded.tiff import read_frames
from service.analysis.detectors import open_detector
from service.archive.frames import detect_recorded, frame_document
from service.console.computer import trials as values
from service.errors import InputError
from service.pictures.detection.panels import AMBER, BLUE, GREEN, RED, Panel, panels_of, result_panel
from service.planning.from_detections import Places, values_of
from service.planning.request import PlanOverrides, PlanRequest, planned_request

_SIDE_PX = 640
"""Longest side of a panel's picture, px. Chosen by hand."""

_ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "denoise": ("paper",),
    "side_quantile": ("combined", "network"),
    "any_pixel_size": ("forest",),
}
"""Settings that only some detectors use; see `config.work.DetectionConfig`."""

_NOT_OF_A_FRAME = ("serial",)
_BOXES: Mapping[str, values.Colour] = {GREEN: "green", BLUE: "blue", AMBER: "amber", RED: "red"}
_COLOURS = {"viridis": cv2.COLORMAP_VIRIDIS, "magma": cv2.COLORMAP_MAGMA}


def settings_of(configuration: str) -> tuple[values.Setting, ...]:
    """Return the settings of detection that one frame shows, with meaning, unit and range of their model.

    Raises
    ------
    ConfigError
    """
    config = load(configuration).detection
    found = []
    for key, field in DetectionConfig.model_fields.items():
        if key in _NOT_OF_A_FRAME:
            continue
        value, only_for = getattr(config, key), _ONLY_FOR.get(key, ())
        says = (field.description or key).replace("um", "µm")
        if key == "detector":
            names = dict.fromkeys((*BUILT_IN, *plugin_names(), value))
            found.append(values.Setting(key, "choice", value, "Detector", options=tuple(names)))
        elif isinstance(value, bool):
            found.append(values.Setting(key, "switch", value, says, only_for=only_for))
        elif isinstance(value, float):
            low, high = (_bound(field.metadata, name) for name in ("ge", "le"))
            found.append(values.Setting(key, "number", value, says, low, high, only_for=only_for))
        else:
            options = tuple(get_args(field.annotation))
            found.append(values.Setting(key, "choice", value, says, options=options, only_for=only_for))
    return tuple(found)


def _bound(metadata: list[Any], name: str) -> float:
    return next(float(getattr(one, name)) for one in metadata if hasattr(one, name))


def tried_config(trial: Mapping[str, Any]) -> Config:
    """Return the configuration of a trial.

    Raises
    ------
    ConfigError, InputError
    """
    base = load(trial["configuration"])
    try:
        detection = DetectionConfig.model_validate(base.detection.model_dump() | trial["settings"])
    except ValidationError as error:
        raise InputError(explain(error)) from None
    return base.model_copy(update={"detection": detection})


@dataclass(slots=True)
class _Last:
    """Work that the next trial may need again."""

    file: tuple[Any, ...] = ()
    frames: tuple[RecordedFrame, ...] = ()
    detector_key: tuple[Any, ...] = ()
    detector: Detector | None = None
    steps_key: tuple[Any, ...] = ()
    steps: Explanation | None = None
    found_key: tuple[Any, ...] = ()
    found: Detection | None = None


class Trials:
    """Trials on a frame, one after the other: what stays the same is not computed again."""

    def __init__(self) -> None:
        self._last = _Last()

    def steps(self, trial: Mapping[str, Any]) -> values.Steps:
        """Run the detector.

        Raises
        ------
        ConfigError, DetectionError, FrameError, InputError
        """
        config = tried_config(trial)
        frame, count = self._frame(trial["frame"])
        found = self._found(config.detection, frame)
        steps = self._steps(config.detection, frame)
        shown = (
            [result_panel(frame.pixels, found)] if steps is None else panels_of(frame.pixels, steps, found)
        )
        warnings = [*frame.notices, *found.warnings]
        if steps is None:
            warnings.append("This detector has no steps to show for this frame; its result is below.")
        decisions = [cell.decision for cell in found.cells]
        return values.Steps(
            size_px=(frame.pixels.shape[1], frame.pixels.shape[0]),
            pages=count,
            panels=tuple(_encoded(one) for one in shown),
            cells=len(found.cells),
            imaged=sum(cell.image_box_px is not None for cell in found.cells),
            doubtful=decisions.count(Decision.DOUBTFUL),
            imaged_fraction=found.imaged_fraction,
            warnings=tuple(warnings),
            elapsed_ms=found.elapsed_ms,
        )

    def cost(self, trial: Mapping[str, Any], quick: bool) -> values.Cost:
        """Plan the electron frames of the cells that are found.

        Raises
        ------
        ConfigError, DetectionError, FrameError, InputError
        """
        config = tried_config(trial)
        frame, _ = self._frame(trial["frame"])
        document = frame_document(frame, self._found(config.detection, frame))
        request = values_of({"frames": [document]}, Places([(0.0, 0.0)]), "the frame")
        method = "greedy" if quick and config.planner.method == "exact" else None
        made = planned_request(PlanRequest.model_validate(request), config, PlanOverrides(method)).plans
        raster = next((plan for plan in made if plan.method == "raster"), made[0])
        fields = sum(one.fields[0] * one.fields[1] for one in listed_sections(config.layout))
        chosen = made[0]
        return values.Cost(
            chosen.method, len(chosen.frames), chosen.totals.total_s, raster.totals.total_s, fields
        )

    def _frame(self, choice: Mapping[str, Any]) -> tuple[RecordedFrame, int]:
        path = Path(choice["file"])
        try:
            changed = path.stat().st_mtime_ns
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        key = (path, changed, choice["pixel_size_nm"], choice["channel"])
        if key != self._last.file:
            self._last = _Last(detector_key=self._last.detector_key, detector=self._last.detector)
            self._last.frames = read_frames(path, choice["pixel_size_nm"], choice["channel"] or None)
            self._last.file = key
        frames = self._last.frames
        if not 1 <= choice["page"] <= len(frames):
            raise InputError(f"{path.name} has pages 1 to {len(frames)}, and no page {choice['page']}")
        return frames[choice["page"] - 1], len(frames)

    def _detector(self, settings: DetectionConfig) -> Detector:
        key = _of_detector(settings)
        if key != self._last.detector_key or self._last.detector is None:
            self._last.detector = open_detector(settings)
            self._last.detector_key = key
        return self._last.detector

    def _found(self, settings: DetectionConfig, frame: RecordedFrame) -> Detection:
        key = (settings, self._last.file, frame.page)
        if key != self._last.found_key or self._last.found is None:
            self._last.found = detect_recorded(frame, settings, self._detector(settings))
            self._last.found_key = key
        return self._last.found

    def _steps(self, settings: DetectionConfig, frame: RecordedFrame) -> Explanation | None:
        """Return the steps; margins and thresholds of the policy come after them."""
        key = (_of_detector(settings), self._last.file, frame.page)
        if key != self._last.steps_key:
            checked = check_frame(frame.pixels, frame.pixel_size_m[0] * 1e6, frame.offset_adu)
            self._last.steps = explained(self._detector(settings), checked)
            self._last.steps_key = key
        return self._last.steps


def _of_detector(settings: DetectionConfig) -> tuple[Any, ...]:
    return settings.detector, settings.denoise, settings.any_pixel_size


def _encoded(panel: Panel) -> values.Panel:
    """Return a panel with its plane as a picture, in its colours."""
    low, high = panel.limits
    share = (panel.plane.astype(np.float32) - low) / (high - low)
    grey: NDArray[np.uint8] = (np.clip(share, 0, 1) * 255).astype(np.uint8)
    largest = max(grey.shape)
    if largest > _SIDE_PX:
        part = _SIDE_PX / largest
        size = max(1, round(grey.shape[1] * part)), max(1, round(grey.shape[0] * part))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    shown = cv2.applyColorMap(grey, _COLOURS[panel.colours]) if panel.colours in _COLOURS else grey
    _, png = cv2.imencode(".png", shown)
    return values.Panel(
        title=panel.title.replace("\n", " "),
        png=base64.b64encode(png.tobytes()).decode(),
        scale="" if panel.colours == "gray" else f"{low:.4g} dark to {high:.4g} bright",
        groups=tuple(
            values.Boxes(
                group.name,
                _BOXES[group.colour],
                group.dashed,
                tuple((float(b.x0), float(b.y0), float(b.x1), float(b.y1)) for b in group.boxes),
            )
            for group in panel.groups
            if group.boxes
        ),
    )

"""The stage for the page Holder: overview, safe area, and a configuration with the sections of a list."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydantic import TypeAdapter

from config.choices import profile_names
from config.documents.comments import commented
from config.loading import load
from service.cli.live.console.new_files import new_file
from service.console.computer.holder import Landmark, OverviewPicture, SafeArea, SessionSettings
from service.errors import InputError
from service.mapping.fields import FieldGrid, layout_of
from service.mapping.landmarks import fit_landmarks, on_stage
from service.mapping.lists.files import read_list
from service.mapping.overview.joining import read_overview
from service.mapping.own_ground import with_own_ground
from service.mapping.session_layout import estimated, with_sections
from service.mapping.stage_map import StageFit
from service.mapping.values import PointPair, Unit
from service.words.quantities import duration, size

LONGEST_PX = 6000
"""Longest side of an overview in the browser, px: sections of 66 px of the largest example keep theirs."""
_QUALITY = 85
_NAME = "letters, digits, - and _, such as wafer_7"


def picture(overview: str) -> OverviewPicture:
    """Return an overview for the browser, its contrast stretched."""
    pixels = read_overview([Path(overview)], None)
    height, width = pixels.shape[:2]
    part = min(1.0, LONGEST_PX / max(width, height))
    small = np.asarray(
        cv2.resize(
            pixels, (max(1, round(width * part)), max(1, round(height * part))), interpolation=cv2.INTER_AREA
        ),
        dtype=np.float32,
    ).reshape(max(1, round(height * part)), max(1, round(width * part)), -1)
    small = small[:, :, 2::-1] if small.shape[2] >= 3 else small[:, :, :1]
    low, high = np.percentile(small[::4, ::4], [0.1, 99.9])
    shown = np.clip((small - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return OverviewPicture(base64.b64encode(jpeg.tobytes()).decode(), (width, height))


def safe_area(unit: str, landmarks: Sequence[Mapping[str, Any]], configuration: str) -> SafeArea:
    """Return the safe area of the stage over the sections."""
    x0, y0, x1, y1 = (side * 1e6 for side in load(configuration).stage.safe_area_m)
    corners_um = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    if unit == Unit.UM:
        return SafeArea(tuple((float(x), -float(y)) for x, y in corners_um), "These are stage positions.")
    given = TypeAdapter(list[Landmark]).validate_python(landmarks)
    pairs = tuple(PointPair(one.id, one.overview_px, one.stage_um) for one in given if one.stage_um)
    if len(pairs) < 2:
        return SafeArea((), "Choose landmarks to see the safe area of the stage.")
    fit = fit_landmarks(pairs, Path("landmarks"))
    linear, shift = fit.map.linear, fit.map.shift_um
    corners = (corners_um - shift) @ np.linalg.inv(linear).T
    return SafeArea(tuple((float(x), float(y)) for x, y in corners), _says(fit, pairs))


def _says(fit: StageFit, pairs: Sequence[PointPair]) -> str:
    wrong = [pairs[n].id for n in fit.wrong]
    error = fit.left_out_rms_um
    said = f"{fit.map.um_per_px:.4g} µm per pixel; {len(pairs)} landmarks fit to {fit.rms_um:.1f} µm"
    said += "" if error is None else f", error to expect {error:.1f} µm"
    return said + (f". Left out, as they do not agree: {', '.join(wrong)}." if wrong else ".")


def configure(source: str, settings: Mapping[str, Any], replace: bool) -> str:
    """Write a configuration with the sections of a list, as `ilemtrack sections layout` does.

    Raises
    ------
    ConfigError, InputError
    """
    asked = TypeAdapter(SessionSettings).validate_python(settings)
    name, path = asked.name, Path(f"{asked.name}.yaml")
    if not name or not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise InputError(f"a name has {_NAME}")
    if name in profile_names():
        raise InputError(f"{name} is a profile that comes with ilemtrack; choose another name")
    if path == Path(source):
        raise InputError(f"{path} is the section list itself; choose another name")
    found = read_list(Path(source))
    if found.unit is Unit.PX:
        pairs = tuple(one for one in found.landmarks if one.stage_um)
        if len(pairs) < 2:
            raise InputError(f"{source}: has positions in pixels; choose landmarks, and save it with them")
        found = on_stage(found, fit_landmarks(pairs, Path(source)).map)
    found, overlapping = with_own_ground(found)
    config = load(asked.configuration)
    width_m, height_m = config.fluorescence.field_size_m
    grid = FieldGrid((width_m * 1e6, height_m * 1e6), asked.overlap_percent, asked.margin_um)
    made = with_sections(config, layout_of(found, grid, False), asked.margin_um)
    takes = estimated(made)
    base = Path(asked.configuration)
    mode = 0o644 if asked.configuration in profile_names() else base.stat().st_mode & 0o777
    with new_file(path, replace, mode) as file:
        file.write_text(commented(made), encoding="utf-8")
    most = takes["estimate"]
    said = f"{path}: {takes['sections']} sections, {takes['fields']} fields; at most"
    said += f" {duration(most['left_s'])} and {size(most['data_left_bytes'])}."
    if overlapping:
        said += f" {len(overlapping)} pairs overlap, and the first is given their ground."
    if not found.in_cutting_order:
        said += " The order of the list is taken for the order of cutting."
    return said

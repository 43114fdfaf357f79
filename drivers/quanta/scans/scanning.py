"""The scan generator of a Quanta-style server: checks, sets and reads back a scan; leaves the beam alone."""

import math

from drivers.errors import DriverError, OutOfRangeError
from drivers.quanta import settings
from drivers.quanta.client import QuantaClient
from drivers.quanta.scans import frames
from drivers.quanta.scans.geometry import ScanArea, Size, scan_area
from drivers.sem import ScanRequest


def presets(client: QuantaClient) -> list[Size]:
    """Return the scan sizes of the machine, px.

    Raises
    ------
    DriverError
        It lists none.
    """
    found = client.ask("resolution_info", lambda info: [(int(w), int(h)) for w, h in info["choices"]])
    if not found:
        raise DriverError("resolution_info: the machine lists no scan size")
    return found


def check_scan(client: QuantaClient, request: ScanRequest, reduced_area: bool, off_axis: bool) -> ScanArea:
    """Return how the machine scans a request.

    Parameters
    ----------
    client : QuantaClient
    request : ScanRequest
    reduced_area : bool
        True if the machine can scan a part of a preset.
    off_axis : bool
        True to place that part beside the axis, instead of shifting the beam.

    Raises
    ------
    OutOfRangeError
        The machine does not have that scan; nothing was changed.
    """
    settings.check(client, settings.DWELL_TIME, request.dwell_s)
    shift_m = request.beam_shift_m if off_axis else (0.0, 0.0)
    area = scan_area(request.size_px, request.pixel_size_m, presets(client), reduced_area, shift_m)
    settings.check(client, settings.SCANNING_SIZE, area.width_m)
    return area


def set_scan(
    client: QuantaClient,
    request: ScanRequest,
    area: ScanArea,
    tag_m: tuple[float, float],
    databar_px: int,
) -> frames.Expected:
    """Set a scan, read all of it back, and return the metadata expected in its frame.

    The beam shift is that of the request minus the offset of the area from the axis, plus the scan's tag.

    Raises
    ------
    OutOfRangeError
        The machine reads back something else.
    """
    call = client.call
    x_m, y_m = (s - off + t for s, off, t in zip(request.beam_shift_m, area.off_center_m, tag_m, strict=True))
    call("set_scan_mode", mode="full_frame")
    call("set_resolution", width=area.preset_px[0], height=area.preset_px[1])
    if area.area_px is None:
        call("reset_selected_area")
    else:
        left, top, width, height = area.area_px
        call("set_selected_area", left=left, top=top, width=width, height=height)
    settings.apply(client, settings.ROTATION, 0.0)
    width_m = settings.apply(client, settings.SCANNING_SIZE, area.width_m)
    dwell_s = settings.apply(client, settings.DWELL_TIME, request.dwell_s)
    call("set_beam_shift", x=x_m, y=y_m)
    found = call("get_scan_mode"), call("get_resolution"), call("get_selected_area")
    wanted = "full_frame", list(area.preset_px), None if area.area_px is None else list(area.area_px)
    if found != wanted:
        raise OutOfRangeError(f"the SEM set mode, size and area of the scan to {found} instead of {wanted}")
    shift_m = client.ask("get_beam_shift", lambda found: (float(found["x"]), float(found["y"])))
    if not math.dist(shift_m, (x_m, y_m)) <= frames.TAG_STEP_M / 2:
        raise OutOfRangeError(f"the SEM set a beam shift of {shift_m} m instead of {(x_m, y_m)}")
    return frames.Expected(request.size_px, area.preset_px, width_m, dwell_s, shift_m, databar_px)

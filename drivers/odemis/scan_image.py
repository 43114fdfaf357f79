"""The electron image of a SECOM: checked to be the one that was asked for, and placed on the stage."""

import logging
import math
from typing import Any

import numpy as np

from drivers.errors import DriverError
from drivers.guards.read_back import without_rounding
from drivers.odemis.lane import Reply
from drivers.sem import BeamSettings, ScanImage, ScanRequest

_log = logging.getLogger(__name__)

_SAME_SETTING = 0.01
"""Relative difference allowed between a setting read back before the scan and the same one in the image.

Chosen by hand: well above the rounding of metadata, well below any other pixel size or dwell time in use.
"""


def scan_image(
    request: ScanRequest,
    reply: Reply,
    stage_m: tuple[float, float],
    ready: dict[str, float],
    beam: BeamSettings,
    tolerance_m: float,
) -> ScanImage:
    """Return the image of a scan.

    Parameters
    ----------
    request : ScanRequest
    reply : Reply
        Answer of the worker to ``scan``: the image and its metadata.
    stage_m : (float, float)
        Stage position read back before the scan, m.
    ready : dict
        ``pixel_size_m`` and ``dwell_s`` as read back before the scan.
    beam : BeamSettings
        Column as last read back.
    tolerance_m : float
        Largest distance between the position in the image and that of the stage, m.

    Raises
    ------
    DriverError
        No image of 8 or 16 bits, or one that may be of another scan.
    """
    metadata, pixels = reply.result, reply.pixels
    if metadata["problem"] is not None:
        raise DriverError(str(metadata["problem"]))
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise DriverError("the SEM gave no image of 8 or 16 bits")
    for name, wanted in ready.items():
        found = metadata[name][0] if isinstance(metadata[name], list) else metadata[name]
        if found is not None and not math.isclose(found, wanted, rel_tol=_SAME_SETTING):
            raise DriverError(f"the image says {name} {found:g}, not {wanted:g}: it is of another scan")
    center_m = stage_m[0] + request.beam_shift_m[0], stage_m[1] + request.beam_shift_m[1]
    remark = _position_remark(metadata, center_m, tolerance_m)
    return ScanImage(
        pixels,
        center_m,
        without_rounding(ready["pixel_size_m"], request.pixel_size_m),
        without_rounding(ready["dwell_s"], request.dwell_s),
        request.nonce,
        beam,
        remark,
    )


def _position_remark(
    metadata: dict[str, Any], center_m: tuple[float, float], tolerance_m: float
) -> str | None:
    """Compare the position in an image with that of the stage; the stage counts.

    Some images taken right after a move carry the position before it.

    Returns
    -------
    str or None
        Remark for the ledger on an image with a stale position: it cannot be taken again.

    Raises
    ------
    DriverError
        The image lies elsewhere, and nothing else proves that it is not of an earlier scan.
    """
    at_m = metadata["position_m"]
    if not isinstance(at_m, list):
        return None
    off_m = math.dist(at_m[:2], center_m)
    if off_m <= tolerance_m:
        return None
    text = f"the image says that it lies {off_m * 1e6:.1f} um from where the stage reads back"
    if metadata["proof"] == "order":
        raise DriverError(f"{text}, and nothing proves that it is not of an earlier scan")
    remark = f"{text}; its position is stale, that of the stage counts"
    _log.warning("%s", remark)
    return remark

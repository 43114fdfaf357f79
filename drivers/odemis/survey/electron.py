"""Survey of the electron beam of a SECOM against the needs of a session."""

import math
from collections.abc import Iterator

from config.model import Config
from drivers.odemis.survey.facts import Part, others, wanted
from drivers.offers import Offer, judged


def electron_beam(config: Config, part: Part) -> Iterator[Offer]:
    """Compare dwell time, voltage, spot or current, field of view, scan generator and rotation."""
    sem, settings = config.sem, part["settings"]
    yield from wanted("sem", "dwell time", settings, "dwellTime", sem.dwell_s, "sem.dwell_us")
    voltage_v = sem.accelerating_voltage_kv * 1e3
    yield from wanted("sem", "voltage", settings, "accelVoltage", voltage_v, "sem.accelerating_voltage_kv")
    if "spotSize" in settings:
        yield from wanted("sem", "spot size", settings, "spotSize", sem.spot_size, "sem.spot_size")
    elif "probeCurrent" in settings:
        wanted_a = sem.beam_current_pa * 1e-12
        yield from wanted("sem", "probe current", settings, "probeCurrent", wanted_a, "sem.beam_current_pa")
    if part["shape"]:
        width = part["shape"][0]
        fov = settings.get("horizontalFoV", {})
        if "range" in fov and not fov["readonly"]:
            wanted_m = min(width * sem.pixel_size_m, fov["range"][1])
            yield from wanted(
                "sem", "field of view", settings, "horizontalFoV", wanted_m, "sem.pixel_size_nm"
            )
        fits = sem.specimen_px[0] <= width and sem.specimen_px[1] <= part["shape"][1]
        wanted_px = f"{sem.specimen_px[0]} x {sem.specimen_px[1]}"
        says = f"{width} x {part['shape'][1]} positions, scans of {wanted_px} wanted"
        yield judged("sem", "scan generator", says, fits, "set sem.frame_px")
    rotation = settings.get("rotation", {}).get("value") or 0.0
    straight = abs(math.remainder(rotation, 2 * math.pi)) <= 1e-3
    says = f"{rotation:g} rad, 0 wanted"
    yield judged("sem", "scan rotation", says, straight, "set the scan rotation to 0 in Odemis")
    names = ("scale", "resolution", "translation", "shift", "blanker", "magnification", "power")
    yield Offer("sem", "other settings", others(part, names))

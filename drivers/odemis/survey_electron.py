"""What the electron beam of a SECOM offers, set against what a session wants."""

import math
from collections.abc import Iterator

from config.model import Config
from drivers.odemis.facts import Part, others, wanted
from drivers.offers import Fit, Offer


def electron_beam(config: Config, part: Part) -> Iterator[Offer]:
    """Dwell time, voltage, spot or current, field of view, scan generator and rotation."""
    sem, settings = config.sem, part["settings"]
    yield from wanted("sem", "dwell time", settings, "dwellTime", sem.dwell_s, "sem.dwell_us")
    yield from wanted(
        "sem",
        "voltage",
        settings,
        "accelVoltage",
        sem.accelerating_voltage_kv * 1e3,
        "sem.accelerating_voltage_kv",
    )
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
        do = "" if fits else "set sem.frame_px"
        yield Offer("sem", "scan generator", says, Fit.YES if fits else Fit.NO, do)
    rotation = settings.get("rotation", {}).get("value") or 0.0
    turned = abs(math.remainder(rotation, 2 * math.pi)) > 1e-3
    yield Offer(
        "sem",
        "scan rotation",
        f"{rotation:g} rad, 0 wanted",
        Fit.NO if turned else Fit.YES,
        "set the scan rotation to 0 in Odemis" if turned else "",
    )
    names = ("scale", "resolution", "translation", "shift", "blanker", "magnification", "power")
    yield Offer("sem", "other settings", others(part, names))

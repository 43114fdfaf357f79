"""Survey of the electron beam of a SECOM against the needs of a session."""

import math
from collections.abc import Iterator, Sequence

from config.model import Config
from drivers.odemis.described.cautions import blanking
from drivers.odemis.survey.facts import Part, others, wanted
from drivers.offers import Fit, Offer, judged


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
    yield from _blanking(config)
    if part["shape"]:
        width = part["shape"][0]
        yield from _magnification(config, settings, width)
        fov = settings.get("horizontalFoV", {})
        if "range" in fov and not fov["readonly"]:
            wanted_m = min(width * sem.pixel_size_m, fov["range"][1])
            yield from wanted(
                "sem", "field of view", settings, "horizontalFoV", wanted_m, "sem.pixel_size_nm"
            )
        fits = sem.specimen_px[0] <= width and sem.specimen_px[1] <= part["shape"][1]
        wanted_px = f"{sem.specimen_px[0]} x {sem.specimen_px[1]}"
        says = f"{width} x {part['shape'][1]} positions, scans of {wanted_px} wanted"
        yield judged("sem", "scan generator", says, fits, "set sem.frame_px or sem.max_scan_px")
        if sem.beam_moves:
            yield _reach(config, settings, part["shape"])
    rotation = settings.get("rotation", {}).get("value") or 0.0
    straight = abs(math.remainder(rotation, 2 * math.pi)) <= 1e-3
    says = f"{rotation:g} rad, 0 wanted"
    yield judged("sem", "scan rotation", says, straight, "set the scan rotation to 0 in Odemis")
    names = ("external", "scale", "resolution", "translation", "shift", "blanker", "magnification", "power")
    yield Offer("sem", "other settings", others(part, names))


def _reach(config: Config, settings: Part, shape: Sequence[int]) -> Offer:
    """Compare the reach of the beam with the field of the scan generator."""
    sem = config.sem
    has_um = shape[0] * sem.pixel_size_nm / 1e3, shape[1] * sem.pixel_size_nm / 1e3
    movable = "translation" in settings and not settings["translation"]["readonly"]
    wanted_um = f"{sem.beam_reach_um[0]:g} x {sem.beam_reach_um[1]:g} um wanted"
    says = f"a field of {has_um[0]:.4g} x {has_um[1]:.4g} um, {wanted_um}"
    if not movable:
        says = f"no scan can be placed in its field, {wanted_um}"
    fits = movable and all(w <= h + 1e-3 for w, h in zip(sem.beam_reach_um, has_um, strict=True))
    do = "lower sem.beam_reach_um; [0, 0]: the stage moves to every frame"
    return judged("sem", "reach of the beam", says, fits, do)


def _blanking(config: Config) -> Iterator[Offer]:
    """Warn where nothing that reads back blanks the beam."""
    says = blanking(config)
    if says is not None:
        do = (
            "watch the live image of the SEM at the end of a scan: it must be black"
            if config.odemis.blanking == "external"
            else "use a blanker if there is one; else keep the beam off at the SEM during fluorescence"
        )
        yield Offer("sem", "blanking", says, Fit.DOUBTFUL, do)


def _magnification(config: Config, settings: Part, width: int) -> Iterator[Offer]:
    """Compare the field at magnification 1 with that of Odemis, and say which magnification to set."""
    configured_mm = config.odemis.hfw_at_magnification_1_mm
    if configured_mm is None or "horizontalFoV" in settings:
        return
    size, magnification = (settings.get(n, {}).get("value") for n in ("pixelSize", "magnification"))
    if not size or not magnification:
        return
    odemis_mm = size[0] * width * magnification * 1e3
    if not math.isclose(odemis_mm, configured_mm, rel_tol=1e-2):
        says = f"Odemis has a field of {odemis_mm:g} mm at magnification 1, {configured_mm:g} configured"
        do = "measure the width of an image, then correct hfw_nomag or odemis.hfw_at_magnification_1_mm"
        yield Offer("sem", "magnification", says, Fit.NO, do)
        return
    needed = configured_mm * 1e-3 / (width * config.sem.pixel_size_m)
    says = f"set by hand: {needed:.6g} at the SEM for pixels of {config.sem.pixel_size_nm:g} nm"
    do = "set exactly that; if the SEM cannot, change sem.pixel_size_nm. A wrong one burns other ground"
    yield Offer("sem", "magnification", says, Fit.DOUBTFUL, do)

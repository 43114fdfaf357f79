"""Survey of light, filter, camera and objective of a SECOM against the needs of a session."""

import math
from collections.abc import Iterator

from config.model import Config
from config.odemis import OdemisConfig
from drivers.odemis.survey.bands import passes
from drivers.odemis.survey.facts import Part, axes, band_nm, others, wanted
from drivers.offers import Fit, Offer, judged, quantity

_PIXEL_TOLERANCE = 0.02
"""Relative difference allowed in the pixel size; the same as for frames."""


def light(config: Config, settings: Part) -> Iterator[Offer]:
    """List the sources with their powers, and compare the configured excitation with them."""
    fm, wanted_m = config.fluorescence, config.fluorescence.excitation_nm * 1e-9
    if "power" not in settings or "spectra" not in settings:
        return
    most = (settings["power"].get("range") or [[], []])[1]
    if not isinstance(most, list):
        says = "its power is one number, and ilemtrack sets one for each source"
        yield Offer("light", "sources", says, Fit.NO, "bring Odemis up to date")
        return
    spectra = settings["spectra"]["value"] or []
    for n, band in enumerate(spectra):
        most_text = f", up to {quantity(most[n], 'W')}" if n < len(most) else ""
        yield Offer("light", f"source {n}", f"{band_nm(band)}{most_text}")
    inside = [n for n, band in enumerate(spectra) if passes(band, wanted_m)]
    if not inside:
        says = f"no source has {fm.excitation_nm:g} nm"
        yield Offer(
            "light", "excitation", says, Fit.NO, "set fluorescence.excitation_nm to one of the sources"
        )
        return
    power_w = fm.power_density_w_per_cm2 * config.odemis.light_w_for_1_w_per_cm2
    limit_w = max((most[n] for n in inside if n < len(most)), default=math.inf)
    says = (
        f"{fm.power_density_w_per_cm2:g} W/cm2 at {fm.excitation_nm:g} nm takes {quantity(power_w, 'W')} of"
        f" source {inside[0]}, by odemis.light_w_for_1_w_per_cm2"
    )
    do = "lower fluorescence.power_density_w_per_cm2, or measure light_w_for_1_w_per_cm2 again"
    yield judged("light", "excitation", says, power_w <= limit_w, do)
    yield _plausible(config)


def _plausible(config: Config) -> Offer:
    """Check that no more light arrives than the source emits: 1 W/cm2 on the field is its area in W."""
    width_m, height_m = config.fluorescence.field_size_m
    least_w, set_w = width_m * height_m * 1e4, config.odemis.light_w_for_1_w_per_cm2
    says = (
        f"{set_w:g} W of the source for 1 W/cm2; the field alone takes {least_w:.2g} W, so"
        f" {100 * least_w / set_w:.2g} % of the light reaches it"
    )
    measure = "measure it with a power meter: docs/odemis.md, 'The power of the light'"
    if set_w < least_w:
        return Offer("light", "light_w_for_1_w_per_cm2", f"{says}: more than there is", Fit.NO, measure)
    if set_w == OdemisConfig().light_w_for_1_w_per_cm2:
        says += "; it is the value that comes with ilemtrack, a guess"
        return Offer("light", "light_w_for_1_w_per_cm2", says, Fit.DOUBTFUL, measure)
    return Offer("light", "light_w_for_1_w_per_cm2", says)


def emission_filter(odemis: OdemisConfig, part: Part) -> Offer:
    """List the bands of the filter, and compare the configured emission with them."""
    if "band" not in part["axes"]:
        return Offer("filter", "bands", "it does not move: ilemtrack takes what is in")
    bands = part["axes"]["band"].get("choices") or {}
    wanted_m = odemis.emission_nm * 1e-9
    text = ", ".join(f"{key}: {band_nm(band)}" for key, band in bands.items())
    passing = any(passes(band, wanted_m) for band in bands.values())
    says = f"{text}; {odemis.emission_nm:g} nm wanted"
    return judged("filter", "bands", says, passing, "set odemis.emission_nm to a wavelength that one passes")


def camera(config: Config, part: Part, lens: Part | None) -> Iterator[Offer]:
    """Compare exposure time, frame size, gain and pixel size."""
    fm, settings = config.fluorescence, part["settings"]
    yield from wanted(
        "camera", "exposure time", settings, "exposureTime", fm.exposure_s, "fluorescence.exposure_s"
    )
    yield _frame(config, settings)
    if "emGain" in settings:
        gain = 0 if fm.em_gain == 1 else round(fm.em_gain)
        yield from wanted("camera", "EM gain", settings, "emGain", gain, "fluorescence.em_gain")
    elif fm.em_gain != 1:
        yield Offer("camera", "EM gain", "it has none", Fit.NO, "set fluorescence.em_gain to 1")
    yield Offer("camera", "other settings", others(part, ("binning", "gain", "readoutRate")))
    yield from _pixel_size(config, settings, lens)


def _frame(config: Config, settings: Part) -> Offer:
    size = config.fluorescence.frame_px
    resolution = settings.get("resolution", {})
    if resolution.get("readonly") and resolution.get("value"):
        only = tuple(resolution["value"])
        says = f"{only[0]} x {only[1]} px and no other; {size[0]} x {size[1]} wanted"
        do = f"set fluorescence.frame_px to [{only[0]}, {only[1]}]"
        return judged("camera", "frame", says, only == tuple(size), do)
    most = (settings.get("resolution", {}).get("range") or [None, None])[1]
    if most is None:
        return Offer("camera", "frame", f"its size is not reported; {size[0]} x {size[1]} px wanted")
    fits = all(w <= m for w, m in zip(size, most, strict=True))
    says = f"up to {most[0]} x {most[1]} px; {size[0]} x {size[1]} wanted"
    return judged("camera", "frame", says, fits, "set fluorescence.frame_px")


def _pixel_size(config: Config, settings: Part, lens: Part | None) -> Iterator[Offer]:
    sensor_m = (settings.get("pixelSize", {}).get("value") or [None])[0]
    magnification = ((lens or {}).get("settings") or {}).get("magnification", {}).get("value")
    if sensor_m is None or not magnification:
        return
    found_nm, wanted_nm = sensor_m / magnification * 1e9, config.fluorescence.pixel_size_nm
    fits = math.isclose(found_nm, wanted_nm, rel_tol=_PIXEL_TOLERANCE)
    says = f"{found_nm:.1f} nm by sensor and magnification ({magnification:g}), {wanted_nm:g} nm configured"
    do = "set fluorescence.pixel_size_nm, or correct the magnification of the lens in Odemis"
    yield judged("camera", "pixel size", says, fits, do)


def objective(beside: Part) -> Iterator[Offer]:
    """List lens and focus; they are only shown."""
    for role, name in (
        ("lens", "objective"),
        ("focus", "focus"),
        ("ebeam-focus", "height of the beam focus"),
    ):
        part = beside.get(role)
        if part is None or "error" in part:
            continue
        text = axes(part)
        lens = others(part, ("magnification", "numericalAperture")) if role == "lens" else ""
        yield Offer("sem" if role == "ebeam-focus" else "objective", name, text or lens or "there")

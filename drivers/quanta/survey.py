"""Survey of a Quanta-style server against the needs of a session; changes nothing."""

from collections.abc import Iterator
from typing import Any

from config.model import Config
from config.quanta import QuantaConfig
from drivers.errors import DeviceLostError, DeviceTimeoutError, DriverError
from drivers.offers import Fit, Offer, judged, quantity
from drivers.quanta import settings
from drivers.quanta.client import QuantaClient
from drivers.quanta.scans.geometry import largest, scan_area
from drivers.quanta.scans.scanning import presets
from drivers.quanta.stage import axis_ranges_m

SERVER = "server of the SEM"
"""Name of the offer for the server itself."""

_SERVER = "see that the server beside the SEM is the one for this machine, and has this call"


def survey(client: QuantaClient, config: Config, quanta: QuantaConfig) -> Iterator[Offer]:
    """Yield an offer for every range and size that a session needs, fitting or not.

    A server that does not answer at all gives a single offer that does not fit.
    """
    try:
        client.call("beam_is_blanked")
    except (DeviceLostError, DeviceTimeoutError) as error:
        do = "start the server beside the SEM, or correct quanta.endpoint; until then look at the SEM"
        yield Offer("microscope", SERVER, str(error), Fit.NO, f"{do} whether the beam is blanked")
        return
    except DriverError:
        # It answers; what it lacks is reported below, or by the devices.
        pass
    yield Offer("microscope", SERVER, f"answers at {quanta.endpoint}")
    sem = config.sem
    wanted = (
        (settings.HT_VOLTAGE, sem.accelerating_voltage_kv * 1e3, "sem.accelerating_voltage_kv"),
        (settings.SPOT_SIZE, sem.spot_size, "sem.spot_size"),
        (settings.WORKING_DISTANCE, sem.working_distance_mm * 1e-3, "sem.working_distance_mm"),
        (settings.DWELL_TIME, sem.dwell_s, "sem.dwell_us"),
        (settings.ROTATION, 0.0, "the scan rotation"),
    )
    for setting, value, key in wanted:
        yield _range(client, setting, value, key)
    yield _power(client)
    yield _channel(client, quanta)
    yield _presets(client)
    yield _scan(client, config, quanta)
    yield _beam_shift(client, config)
    if config.sem.beam_moves:
        yield _reach(client, config, quanta)
    yield _low_vacuum(client, config)
    if quanta.drives_stage:
        yield _stage(client, config)


def _range(client: QuantaClient, setting: settings.Setting, value: float, key: str) -> Offer:
    try:
        low, high = settings.value_range(client, setting)
    except DriverError as error:
        return Offer("sem", setting.label, f"not offered: {error}", Fit.NO, _SERVER)
    shown = [quantity(v, setting.unit) for v in (low, high, value)]
    says = f"{shown[0]} to {shown[1]}; {shown[2]} wanted"
    return judged("sem", setting.label, says, low <= value <= high, f"set {key} to one that there is")


def _channel(client: QuantaClient, quanta: QuantaConfig) -> Offer:
    try:
        state = client.call("get_channel_state", channel=quanta.channel)
    except DriverError as error:
        do = "set quanta.channel to the channel of the backscatter detector"
        return Offer("sem", "channel", f"{quanta.channel} does not answer: {error}", Fit.NO, do)
    do = "stop the scan on the SEM before a session; ilemtrack ends it before its first one"
    says = f"{quanta.channel}: {state}"
    return judged("sem", "channel", says, state == "stopped", do, Fit.DOUBTFUL)


def _presets(client: QuantaClient) -> Offer:
    try:
        sizes = presets(client)
    except DriverError as error:
        return Offer("sem", "presets", f"not reported: {error}", Fit.NO, _SERVER)
    return Offer("sem", "presets", ", ".join(f"{width} x {height}" for width, height in sizes) + " px")


def _scan(client: QuantaClient, config: Config, quanta: QuantaConfig) -> Offer:
    sem = config.sem
    do = "set sem.frame_px or sem.max_scan_px, sem.presets_px and sem.pixel_size_nm to what the presets cover"
    try:
        choices = presets(client)
        sizes = sem.scan_presets_px or (sem.specimen_px,)
        areas = [scan_area(size, sem.pixel_size_m, choices, quanta.reduced_area) for size in sizes]
        low_m, high_m = settings.value_range(client, settings.SCANNING_SIZE)
    except DriverError as error:
        return Offer("sem", "scan", f"the sizes wanted are not offered: {error}", Fit.NO, do)
    widest = max(areas, key=lambda area: area.width_m)
    parts = "whole presets only" if not quanta.reduced_area else "presets and parts of them"
    says = (
        f"{parts}; {sizes[0][0]} x {sizes[0][1]} px at {sem.pixel_size_nm:g} nm is taken from"
        f" {areas[0].preset_px[0]} x {areas[0].preset_px[1]}, field width {areas[0].width_m * 1e6:.2f} um of"
        f" {low_m * 1e6:g} to {high_m * 1e6:g}"
    )
    return judged("sem", "scan", says, low_m <= widest.width_m <= high_m, do)


def _power(client: QuantaClient) -> Offer:
    try:
        power = client.call("get_beam_power")
    except DriverError as error:
        return Offer("sem", "beam power", f"unknown: {error}", Fit.NO, _SERVER)
    if power is True:
        return Offer("sem", "beam power", "the beam is switched on")
    says = "the beam is switched off as a whole"
    do = "switch it on at the SEM once the chamber is pumped, before the electron images"
    return Offer("sem", "beam power", says, Fit.DOUBTFUL, do)


def _beam_shift(client: QuantaClient, config: Config) -> Offer:
    wanted_um = config.sem.beam_shift_range_um
    try:
        range_um = client.ask("beam_shift_info", lambda info: float(info["range"])) * 1e6
    except DriverError as error:
        says = f"not offered, and each scan is marked by one: {error}"
        return Offer("sem", "range of the beam shift", says, Fit.NO, _SERVER)
    says = f"up to {range_um:g} um; {wanted_um:g} um wanted"
    fits = range_um >= max(wanted_um, 0.1)
    return judged("sem", "range of the beam shift", says, fits, "lower sem.beam_shift_range_um")


def _reach(client: QuantaClient, config: Config, quanta: QuantaConfig) -> Offer:
    """Compare the reach of the beam with the field of the largest preset."""
    sem, do = config.sem, "lower sem.beam_reach_um; [0, 0]: the stage moves to every frame"
    wanted_um = f"{sem.beam_reach_um[0]:g} x {sem.beam_reach_um[1]:g} um wanted"
    if not quanta.reduced_area:
        return Offer("sem", "reach of the beam", f"none with whole presets only, {wanted_um}", Fit.NO, do)
    try:
        width, height = largest(presets(client))
    except DriverError as error:
        return Offer("sem", "reach of the beam", f"unknown: {error}", Fit.NO, _SERVER)
    has_um = width * sem.pixel_size_nm / 1e3, height * sem.pixel_size_nm / 1e3
    says = f"a field of {has_um[0]:.4g} x {has_um[1]:.4g} um, {wanted_um}"
    fits = all(w <= h + 1e-3 for w, h in zip(sem.beam_reach_um, has_um, strict=True))
    return judged("sem", "reach of the beam", says, fits, do)


def _low_vacuum(client: QuantaClient, config: Config) -> Offer:
    wanted_pa = config.chamber.fluorescence_pressure_pa
    do = "set chamber.fluorescence_pressure_pa to a pressure of this machine"
    try:
        found = client.ask("pressure_info", _pressures_pa)
    except DriverError as error:
        return Offer("chamber", "low vacuum", f"unknown: {error}", Fit.NO, _SERVER)
    if found is None:
        return Offer("chamber", "low vacuum", f"none; {wanted_pa:g} Pa wanted for fluorescence", Fit.NO, do)
    low, high = found
    says = f"{low:g} to {high:g} Pa; {wanted_pa:g} Pa wanted for fluorescence"
    return judged("chamber", "low vacuum", says, low <= wanted_pa <= high, do)


def _stage(client: QuantaClient, config: Config) -> Offer:
    stage = config.stage
    try:
        found = [(low * 1e3, high * 1e3) for low, high in client.ask("stage_info", axis_ranges_m)]
    except DriverError as error:
        return Offer("stage", "stage range", f"unknown: {error}", Fit.NO, _SERVER)
    wanted = (stage.safe_x_mm, stage.safe_y_mm)
    # Converting 12 mm to 0.012 m and back costs a rounding error.
    fits = all(f[0] <= w[0] + 1e-9 and w[1] <= f[1] + 1e-9 for f, w in zip(found, wanted, strict=True))
    says = "; ".join(
        f"{axis} {f[0]:g} to {f[1]:g} mm, safe area {w[0]:g} to {w[1]:g}"
        for axis, f, w in zip("xy", found, wanted, strict=True)
    )
    do = "narrow stage.safe_x_mm and stage.safe_y_mm to the range of the stage"
    return judged("stage", "stage range", says, fits, do)


def _pressures_pa(info: Any) -> tuple[float, float] | None:
    return None if info is None else (float(info["range"][0]), float(info["range"][1]))

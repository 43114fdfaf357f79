"""What a Quanta-style server offers, set against what a session wants; only asks, changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from config.model import Config
from config.quanta import QuantaConfig
from drivers.errors import DriverError
from drivers.quanta import settings
from drivers.quanta.client import QuantaClient
from drivers.quanta.geometry import scan_area
from drivers.quanta.scanning import presets
from drivers.quanta.stage import axis_ranges_m


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that a machine is asked for.

    Attributes
    ----------
    name : str
    says : str
        What is there and what is wanted, in one sentence.
    fits : bool
        Whether a session can be run with it.
    """

    name: str
    says: str
    fits: bool


def survey(client: QuantaClient, config: Config, quanta: QuantaConfig) -> Iterator[Offer]:
    """Ask for every range and size that a session needs; what is missing is an offer that does not fit."""
    sem = config.sem
    wanted = (
        (settings.HT_VOLTAGE, sem.accelerating_voltage_kv * 1e3),
        (settings.SPOT_SIZE, sem.spot_size),
        (settings.WORKING_DISTANCE, sem.working_distance_mm * 1e-3),
        (settings.DWELL_TIME, sem.dwell_s),
        (settings.ROTATION, 0.0),
    )
    for setting, value in wanted:
        yield _range(client, setting, value)
    yield _scan(client, config, quanta)
    yield _beam_shift(client, config)
    yield _low_vacuum(client, config)
    if quanta.drives_stage:
        yield _stage(client, config)


def _range(client: QuantaClient, setting: settings.Setting, value: float) -> Offer:
    try:
        low, high = settings.value_range(client, setting)
    except DriverError as error:
        return Offer(setting.says, f"not offered: {error}", fits=False)
    unit = f" {setting.unit}" if setting.unit else ""
    return Offer(setting.says, f"{low:g} to {high:g}{unit}; {value:g}{unit} wanted", low <= value <= high)


def _scan(client: QuantaClient, config: Config, quanta: QuantaConfig) -> Offer:
    sem = config.sem
    try:
        choices = presets(client)
        sizes = sem.presets_px or (sem.specimen_px,)
        areas = [scan_area(size, sem.pixel_size_m, choices, quanta.reduced_area) for size in sizes]
        low_m, high_m = settings.value_range(client, settings.SCANNING_SIZE)
    except DriverError as error:
        return Offer("scan", f"the sizes wanted are not offered: {error}", fits=False)
    widest = max(areas, key=lambda area: area.width_m)
    parts = "whole presets only" if not quanta.reduced_area else "presets and parts of them"
    says = (
        f"{parts}; {sizes[0][0]} x {sizes[0][1]} px at {sem.pixel_size_nm:g} nm is taken from"
        f" {areas[0].preset_px[0]} x {areas[0].preset_px[1]}, field width {areas[0].width_m * 1e6:.2f} um of"
        f" {low_m * 1e6:g} to {high_m * 1e6:g}"
    )
    return Offer("scan", says, low_m <= widest.width_m <= high_m)


def _beam_shift(client: QuantaClient, config: Config) -> Offer:
    wanted_um = config.sem.beam_shift_range_um
    try:
        range_um = client.ask("beam_shift_info", lambda info: float(info["range"])) * 1e6
    except DriverError as error:
        return Offer("beam shift", f"not offered, and each scan is marked by one: {error}", fits=False)
    fits = range_um >= max(wanted_um, 0.1)
    return Offer("beam shift", f"up to {range_um:g} um; {wanted_um:g} um wanted", fits)


def _low_vacuum(client: QuantaClient, config: Config) -> Offer:
    wanted_pa = config.chamber.fluorescence_pressure_pa
    try:
        found = client.ask("pressure_info", _pressures_pa)
    except DriverError as error:
        return Offer("low vacuum", f"nobody knows: {error}", fits=False)
    if found is None:
        return Offer("low vacuum", f"none; {wanted_pa:g} Pa wanted for fluorescence", fits=False)
    low, high = found
    says = f"{low:g} to {high:g} Pa; {wanted_pa:g} Pa wanted for fluorescence"
    return Offer("low vacuum", says, low <= wanted_pa <= high)


def _stage(client: QuantaClient, config: Config) -> Offer:
    stage = config.stage
    try:
        found = [(low * 1e3, high * 1e3) for low, high in client.ask("stage_info", axis_ranges_m)]
    except DriverError as error:
        return Offer("stage range", f"nobody knows: {error}", fits=False)
    wanted = (stage.safe_x_mm, stage.safe_y_mm)
    # As float: 12 mm is 0.012 m there and back.
    fits = all(f[0] <= w[0] + 1e-9 and w[1] <= f[1] + 1e-9 for f, w in zip(found, wanted, strict=True))
    says = "; ".join(
        f"{axis} {f[0]:g} to {f[1]:g} mm, safe area {w[0]:g} to {w[1]:g}"
        for axis, f, w in zip("xy", found, wanted, strict=True)
    )
    return Offer("stage range", says, fits)


def _pressures_pa(info: Any) -> tuple[float, float] | None:
    return None if info is None else (float(info["range"][0]), float(info["range"][1]))

"""Sentences for people on the settings and axes of a description by Odemis."""

import math
from collections.abc import Iterator
from typing import Any

from drivers.odemis.survey.bands import intervals_m
from drivers.offers import Offer, judged, quantity

Part = dict[str, Any]
"""A component as a worker described it, or its settings; see `drivers.odemis.remote.description`."""


def wanted(part: str, name: str, settings: Part, va: str, value: float, key: str) -> Iterator[Offer]:
    """Compare a setting with the configured value; yields nothing if the setting does not exist."""
    if va not in settings:
        return
    setting, unit = settings[va], settings[va].get("unit") or ""
    limits, choices = setting.get("range"), setting.get("choices")
    fits = limits is None or limits[0] * (1 - 1e-9) <= value <= limits[1] * (1 + 1e-9)
    if choices is not None:
        numbers = [c for c in _keys(choices) if isinstance(c, (int, float))]
        fits = not numbers or any(math.isclose(c, value, rel_tol=1e-3, abs_tol=1e-15) for c in numbers)
    says = f"{_limits(setting)}; {quantity(value, unit)} wanted"
    yield judged(part, name, says, fits, f"set {key} to one that there is")


def _limits(setting: Part) -> str:
    unit = setting.get("unit") or ""
    if "choices" in setting:
        numbers = sorted(c for c in _keys(setting["choices"]) if isinstance(c, (int, float)))
        shown = [quantity(c, unit) for c in numbers]
        if len(shown) > 12:
            return f"{shown[0]} to {shown[-1]} ({len(shown)} values)"
        return "one of " + ", ".join(shown)
    if "range" in setting:
        low, high = setting["range"]
        if isinstance(low, list):
            return f"{low} to {high} {unit}".rstrip()
        return f"{quantity(low, unit)} to {quantity(high, unit)}"
    return f"now {setting['value']} {unit}".rstrip()


def _keys(choices: Any) -> list[Any]:
    if not isinstance(choices, dict):
        return list(choices)
    numbers = []
    for key in choices:
        try:
            numbers.append(float(key))
        except ValueError:
            numbers.append(key)
    return numbers


def others(part: Part, names: tuple[str, ...]) -> str:
    """Return the current value and the limits of settings that are only shown."""
    shown = []
    for name in names:
        setting = part["settings"].get(name)
        if setting is None:
            continue
        unit = f" {setting['unit']}" if setting.get("unit") else ""
        limits = ""
        if ("range" in setting or "choices" in setting) and not setting["readonly"]:
            limits = f" ({_choices_or_range(setting)})"
        shown.append(f"{name} {setting['value']}{unit}{limits}")
    return "; ".join(shown) or "none reported"


def _choices_or_range(setting: Part) -> str:
    if "choices" not in setting:
        return f"{setting['range'][0]} to {setting['range'][1]}"
    choices = setting["choices"]
    items = (
        [f"{k}: {v}" for k, v in choices.items()] if isinstance(choices, dict) else [str(c) for c in choices]
    )
    return ", ".join(items)


def axes(part: Part) -> str:
    """Return the axes with their ranges."""
    shown = []
    for name, axis in part["axes"].items():
        limits = axis.get("range")
        unit = axis.get("unit") or ""
        shown.append(f"{name} {quantity(limits[0], unit)} to {quantity(limits[1], unit)}" if limits else name)
    return ", ".join(shown)


def band_nm(band: Any) -> str:
    """Return the bands of a filter in nm; some filters have several, or pass everything."""
    shown = [f"{low * 1e9:.0f}-{high * 1e9:.0f} nm" for low, high in intervals_m(band)]
    return " and ".join(shown) or str(band)

"""Settings of a SECOM that a session changes, from a description by Odemis."""

from typing import Any

_CHANGED: dict[str, tuple[str, ...]] = {
    "camera": ("binning", "resolution", "exposureTime", "emGain"),
    # In this order: the scale rescales the resolution, and both limit the translation.
    "ebeam": (
        *("accelVoltage", "spotSize", "probeCurrent", "horizontalFoV"),
        *("scale", "resolution", "translation", "dwellTime"),
    ),
}
"""Settings that a session changes. Stage, chamber and objective stay where the session left them."""


def settings_of(described: dict[str, Any], *, beam: bool) -> dict[str, Any]:
    """Return the settings that a session changes, as a description by Odemis has them.

    Parameters
    ----------
    described : dict
        Answer of a worker to `describe`, from before anything was changed.
    beam : bool
        False if another server drives the SEM.

    Returns
    -------
    dict
        ``settings`` by part, ``band`` of the filter, ``blanker`` (``automatic``, ``blanked``, ``open`` or
        ``none``) and ``light`` (True if it was on).
    """
    parts = described["parts"]
    settings = {
        part: {
            name: parts[part]["settings"][name]["value"]
            for name in names
            if _is_set(parts[part]["settings"], name)
        }
        for part, names in _CHANGED.items()
        if parts.get(part) and (beam or part != "ebeam")
    }
    position = ((parts.get("filter") or {}).get("settings") or {}).get("position", {}).get("value") or {}
    powers = ((parts.get("light") or {}).get("settings") or {}).get("power", {}).get("value") or []
    blanker = "none"
    if beam and "blanker" in ((parts.get("ebeam") or {}).get("settings") or {}):
        value = parts["ebeam"]["settings"]["blanker"]["value"]
        blanker = {True: "blanked", None: "automatic"}.get(value, "open")
    lit = isinstance(powers, list) and any(power for power in powers)
    return {"settings": settings, "band": position.get("band"), "blanker": blanker, "light": lit}


def _is_set(settings: dict[str, Any], name: str) -> bool:
    """Return True if a session sets a setting: of spot size and current only the first."""
    if name == "probeCurrent" and "spotSize" in settings:
        return False
    return name in settings and not settings[name]["readonly"]


def in_order(settings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return settings by part in the order in which they are set; a file may have changed it."""
    return {
        part: {name: settings[part][name] for name in names if name in settings[part]}
        for part, names in _CHANGED.items()
        if part in settings
    }

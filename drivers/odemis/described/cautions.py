"""Warnings for people before a session behind Odemis, in sentences."""

from collections.abc import Iterator
from typing import Any

from config.model import Config
from drivers.errors import CalibrationError
from drivers.odemis.described.alignment import Alignment


def cautions(config: Config, described: dict[str, Any]) -> tuple[str, ...]:
    """Return the sentences that apply.

    Parameters
    ----------
    config : Config
    described : dict
        Answer of a worker to `describe`.
    """
    found = [unused_alignment(config, described), unproven_pixel_size(config, described)]
    if config.quanta is None:
        found += [blanking(config), *_by_hand(config)]
    return tuple(text for text in found if text is not None)


def unused_alignment(config: Config, described: dict[str, Any]) -> str | None:
    """Return a sentence on a fine alignment that Odemis keeps and this configuration does not use."""
    try:
        kept = Alignment.of(described)
    except CalibrationError as error:
        return str(error)
    if kept is None or kept.is_used(config):
        return None
    return f"Odemis keeps a fine alignment that this configuration does not use: {kept.says()}"


def unproven_pixel_size(config: Config, described: dict[str, Any]) -> str | None:
    """Return a sentence where nothing proves the configured pixel size of fluorescence."""
    camera = (described["parts"].get("camera") or {}).get("settings", {})
    lens = (described["beside"].get("lens") or {}).get("settings", {})
    lacks = [
        text
        for text, there in (
            ("no magnification of a lens", lens.get("magnification", {}).get("value")),
            ("no pixel size of the sensor", camera.get("pixelSize", {}).get("value")),
        )
        if not there
    ]
    if not lacks:
        return None
    return (
        f"nothing proves fluorescence.pixel_size_nm = {config.fluorescence.pixel_size_nm:g}: Odemis reports"
        f" {' and '.join(lacks)}"
    )


def blanking(config: Config) -> str | None:
    """Return a sentence on a beam that no blanker with a read-back keeps off."""
    if config.odemis.blanking == "external":
        return "the SEM itself blanks the beam while its external scan is off; Odemis cannot read that back"
    if config.odemis.blanking == "parked":
        return (
            "nothing blanks the beam: between scans it is parked beside the field, and burns what lies there"
            " and on the way of the stage; a scan cannot be broken off"
        )
    return None


def _by_hand(config: Config) -> Iterator[str]:
    if config.chamber.by_hand:
        yield "a person operates the chamber: the session asks for each pressure, and takes their word"

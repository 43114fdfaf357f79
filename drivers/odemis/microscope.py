"""Construction of the devices of a SECOM behind Odemis."""

import atexit
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from config.model import Config
from drivers.clock import Clock
from drivers.guards.interlock import Interlock
from drivers.microscope import FluorescenceHalf, Microscope
from drivers.odemis.chamber import OdemisChamber, chamber_by_hand
from drivers.odemis.client import OdemisClient
from drivers.odemis.described.cautions import cautions
from drivers.odemis.errors import MicroscopeIncompleteError, OdemisStartingError
from drivers.odemis.fluorescence import OdemisCamera, OdemisLight
from drivers.odemis.focus import OdemisLightFocus
from drivers.odemis.found_settings.putting_back import OdemisFound
from drivers.odemis.found_settings.settings import settings_of
from drivers.odemis.sem import OdemisSem
from drivers.odemis.stage import OdemisStage

_DESCRIBE_S = 30.0

_STARTS_S = 120.0
"""Longest wait for a back-end that is starting, s; chosen by hand, not measured."""
_LOOK_S = 1.0

NEEDED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "camera": (("exposureTime", "resolution"), ()),
    "light": (("power", "spectra"), ()),
    "filter": ((), ()),
    "stage": (("position",), ("x", "y")),
    "ebeam": (("scale", "resolution", "dwellTime"), ()),
    "sem_detector": ((), ()),
    "chamber": (("pressure", "position"), ("vacuum",)),
    "focus": (("position",), ("z",)),
}
"""Settings and axes of each part that every session needs; `needed` adds those of the ways chosen."""

_FLUORESCENCE = ("camera", "light", "filter", "stage", "focus")
"""Parts needed where another server drives SEM and chamber."""

_log = logging.getLogger(__name__)

T = TypeVar("T")


def odemis_microscope(config: Config, clock: Clock, client: OdemisClient | None = None) -> Microscope:
    """Start the workers, check that nothing is missing, and leave the microscope safe.

    Parameters
    ----------
    config : Config
    clock : Clock
        Real time, unless Odemis runs on a simulated clock.
    client : OdemisClient, optional
        One that is already running.

    Raises
    ------
    OdemisStartError, MicroscopeIncompleteError
        The message is one sentence for the user.
    DriverError
        The beam or the light cannot be switched off.
    """
    if client is not None:
        return _put_together(config, clock, client)
    return _owned(OdemisClient(config.odemis), lambda own: _put_together(config, clock, own))


def _put_together(config: Config, clock: Clock, client: OdemisClient) -> Microscope:
    client.start()
    described = describe(client)
    check(config, described)
    microscope = connected(config, clock, client, described)
    microscope.sem.blank()
    microscope.light.off()
    return replace(microscope, cautions=cautions(config, described))


def describe(client: OdemisClient) -> dict[str, Any]:
    """Ask Odemis what it has; see `drivers.odemis.remote.description`.

    Raises
    ------
    DriverError
        The back-end does not answer.
    """
    end_s = time.monotonic() + _STARTS_S
    told = False
    while True:
        try:
            return client.long("describe", _DESCRIBE_S).result
        except OdemisStartingError as error:
            if time.monotonic() >= end_s:
                raise
            if not told:
                _log.warning("%s; waiting for it for at most %g s", error, _STARTS_S)
            told = True
        time.sleep(_LOOK_S)


def connected(config: Config, clock: Clock, client: OdemisClient, described: dict[str, Any]) -> Microscope:
    """Construct the devices without setting anything; the caller has checked that nothing is missing.

    Parameters
    ----------
    config : Config
    clock : Clock
    client : OdemisClient
    described : dict
        Answer of a worker to `describe`, with the settings to put back at the end.

    Raises
    ------
    MicroscopeIncompleteError
        The chamber has no position for fluorescence, or none for the beam.
    DriverError
    """
    interlock = Interlock()
    stage = OdemisStage(config, client, clock, interlock)
    by_hand = chamber_by_hand(config, client) if config.chamber.by_hand else None
    chamber = by_hand or OdemisChamber(config, client, interlock)
    light = OdemisLight(config, client, interlock)
    camera = OdemisCamera(config, client, clock, interlock, stage)
    sem = OdemisSem(config, client, clock, interlock, stage, chamber)
    return Microscope(
        camera,
        light,
        stage,
        sem,
        chamber,
        light_focus=_light_focus(config, client, interlock),
        chamber_by_hand=by_hand,
        found=OdemisFound(client, interlock, settings_of(described, beam=True), sem),
    )


def check(config: Config, described: dict[str, Any]) -> None:
    """Compare what Odemis has with what a session needs.

    Parameters
    ----------
    config : Config
    described : dict
        Answer of a worker to `describe`.

    Raises
    ------
    MicroscopeIncompleteError
        Names everything that is missing at once.
    """
    missing = missing_parts(config, described)
    if not missing:
        return
    text = "; ".join(missing) + f". Odemis has the roles {', '.join(described['roles']) or 'none'}"
    if described["ghosts"]:
        ghosts = ", ".join(f"{name} ({why})" for name, why in described["ghosts"].items())
        text += f"; what did not start: {ghosts}"
    raise MicroscopeIncompleteError(text)


def missing_parts(config: Config, described: dict[str, Any]) -> list[str]:
    """Return everything that a session needs and Odemis lacks, in a few words each."""
    missing = []
    roles = config.odemis.roles.model_dump()
    for part, (settings, axes) in needed(config).items():
        found = described["parts"].get(part)
        if found is None:
            missing.append(_no_part(part, roles[part]))
            continue
        role = roles[part] or described["detectors"]["chosen"]
        if "error" in found:
            missing.append(f"{role} does not answer: {found['error']}")
            continue
        missing += [
            f"{role} has no {name}{_OTHER_WAYS.get(name, '')}"
            for name in settings
            if name not in found["settings"]
        ]
        missing += [f"{role} has no axis {name}" for name in axes if name not in found["axes"]]
    return missing


_OTHER_WAYS = {
    "blanker": " (odemis.blanking names other ways)",
    "horizontalFoV": " (odemis.hfw_at_magnification_1_mm, if its magnification is set by hand)",
    "pressure": " (chamber.by_hand, if a person operates it)",
}


def _no_part(part: str, role: str | None) -> str:
    if role is None:
        return "no detector of electron images was found (odemis.roles.sem_detector)"
    other = "; if a person operates it, set chamber.by_hand: true" if part == "chamber" else ""
    return f"no component has the role {role} (odemis.roles.{part}{other})"


def needed(config: Config) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the parts that this session needs, with settings and axes.

    Where a server drives SEM and chamber those are not needed, nor is a chamber that a person operates.
    """
    parts = dict(NEEDED) if config.quanta is None else {part: NEEDED[part] for part in _FLUORESCENCE}
    if config.fluorescence.autofocus_um == 0:
        parts.pop("focus")
    if config.chamber.by_hand:
        parts.pop("chamber", None)
    if "ebeam" in parts:
        odemis = config.odemis
        blanking = {"blanker": ("blanker",), "external": ("external",), "parked": ()}[odemis.blanking]
        by_field = odemis.hfw_at_magnification_1_mm is None
        field = ("horizontalFoV",) if by_field else ("magnification", "pixelSize")
        settings, axes = parts["ebeam"]
        parts["ebeam"] = ((*blanking, *field, *settings), axes)
    return parts


def odemis_fluorescence(config: Config, clock: Clock, client: OdemisClient | None = None) -> FluorescenceHalf:
    """Start the workers for light, camera and stage only, and leave the light off.

    Another server drives SEM and chamber: Odemis needs neither, and its beam is not touched.

    Parameters
    ----------
    config : Config
    clock : Clock
    client : OdemisClient, optional
        One that is already running, constructed with ``beam=False``.

    Raises
    ------
    OdemisStartError, MicroscopeIncompleteError
        The message is one sentence for the user.
    DriverError
        The light cannot be switched off.
    """
    if client is not None:
        return _fluorescence(config, clock, client)
    own = OdemisClient(config.odemis, beam=False)
    return _owned(own, lambda own: _fluorescence(config, clock, own))


def _fluorescence(config: Config, clock: Clock, client: OdemisClient) -> FluorescenceHalf:
    client.start()
    described = describe(client)
    check(config, described)
    half = connected_fluorescence(config, clock, client, described)
    half.light.off()
    return replace(half, cautions=cautions(config, described))


def connected_fluorescence(
    config: Config, clock: Clock, client: OdemisClient, described: dict[str, Any]
) -> FluorescenceHalf:
    """Construct light, camera and stage without setting anything; see `connected`."""
    interlock = Interlock()
    stage = OdemisStage(config, client, clock, interlock)
    light = OdemisLight(config, client, interlock)
    camera = OdemisCamera(config, client, clock, interlock, stage)
    found = OdemisFound(client, interlock, settings_of(described, beam=False), None)
    return FluorescenceHalf(camera, light, stage, _light_focus(config, client, interlock), found)


def _light_focus(config: Config, client: OdemisClient, interlock: Interlock) -> OdemisLightFocus | None:
    return OdemisLightFocus(client, interlock) if "focus" in needed(config) else None


def _owned(client: OdemisClient, put_together: Callable[[OdemisClient], T]) -> T:
    """Construct the devices on workers that end with this program."""
    try:
        devices = put_together(client)
    except BaseException:
        client.close()
        raise
    # Blanks and switches off before the program ends; if it is killed, the workers do so.
    atexit.register(client.close)
    return devices

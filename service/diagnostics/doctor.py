"""Report on a microscope: what is there, what is missing, and if a session can run.

Read-only: nothing moves, shines, scans or is blanked.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from config.model import Config
from drivers.errors import DriverError
from drivers.fluorescence import Cooled
from drivers.offers import Offer
from drivers.quanta.joining import PlacedCamera
from service.diagnostics.advice import POINTS, WHILE_DRIVEN
from service.diagnostics.checks import Check, Level
from service.diagnostics.connection import Reached
from service.diagnostics.preflight import device_checks
from service.diagnostics.session_checks import LEVELS, own_checks
from service.errors import InputError
from service.session.layout import sections_and_fields
from service.words.layout import counted

_WARM_C = 5.0
"""Largest excess of the sensor temperature over its setting, C. Chosen by hand."""
_LOST = (DriverError, OSError)
_IN_USE = "another ilemtrack is driving the microscope"
_NOT_ASKED = "too much is missing to query stage, chamber, blanker and light"

PARTS = (
    "microscope",
    "stage",
    "light",
    "filter",
    "camera",
    "objective",
    "sem",
    "chamber",
    "session",
    "computer",
)
"""Parts of a report, in order."""

WORDS = {Level.OK: "ok", Level.WARN: "warn", Level.RED: "missing"}
"""Words of a report; a session cannot run if anything is missing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the report.

    Attributes
    ----------
    part : str
        One of `PARTS`.
    name : str
    level : Level
    says : str
        Outcome, in one sentence.
    do : str
        Advice; empty if none is needed.
    """

    part: str
    name: str
    level: Level
    says: str
    do: str


def look(
    config: Config, reached: Reached, folder: Path, now: datetime, driven: bool = False
) -> list[Finding]:
    """Check everything that a session needs.

    Parameters
    ----------
    config : Config
    reached : Reached
        Parts of the microscope that answer.
    folder : Path
        Folder for runs.
    now : datetime
        Wall clock, UTC.
    driven : bool
        True if another program is driving the microscope.
    """
    if reached.devices is None:
        checks = [Check("devices", Level.RED, _NOT_ASKED)]
    else:
        checks = [*device_checks(reached.devices, config, driven), _cooling(reached)]
    if driven:
        checks.append(Check("in use", Level.WARN, _IN_USE))
    try:
        sections, fields = sections_and_fields(config)
    except InputError as error:
        layout, fields = Check("layout", Level.RED, str(error)), ()
    else:
        layout = Check("layout", Level.OK, counted(config.layout, len(sections), len(fields)))
    checks += [layout, *own_checks(config, fields, folder, now), *_clocks(config)]
    return [*map(_of_offer, reached.offers), *findings(checks, driven)]


def document(
    config: Config, found: Sequence[Finding], exercised: bool, odemis: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the document of `ilemtrack doctor --json`; docs/microscope.md names the keys."""
    return {
        "v": 1,
        "profile": config.profile,
        "ready": able(found),
        "exercised": exercised,
        "checks": [
            {"part": f.part, "name": f.name, "level": WORDS[f.level], "says": f.says, "do": f.do}
            for f in found
        ],
        "odemis": odemis,
    }


def able(found: Sequence[Finding]) -> bool:
    """Return True if a session can run."""
    return all(one.level is not Level.RED for one in found)


def findings(checks: Iterable[Check], driven: bool = False) -> list[Finding]:
    """Return the checks as lines of the report, with advice."""
    found = [_of_check(check) for check in checks]
    if not driven:
        return found
    return [
        replace(one, do=WHILE_DRIVEN[one.name])
        if one.name in WHILE_DRIVEN and one.level is Level.WARN
        else one
        for one in found
    ]


def exercised(found: Sequence[Finding], checks: Iterable[Check]) -> list[Finding]:
    """Return the report after an exercise: where it read beam and light again, the later reading counts."""
    later = findings(checks)
    again = {(one.part, one.name) for one in later}
    return [*(one for one in found if (one.part, one.name) not in again), *later]


def _of_check(check: Check) -> Finding:
    part, do = POINTS[check.name]
    return Finding(part, check.name, check.level, check.says, "" if check.level is Level.OK else do)


def _of_offer(offer: Offer) -> Finding:
    return Finding(offer.part, offer.name, LEVELS[offer.fit], offer.says, offer.do)


def _cooling(reached: Reached) -> Check:
    try:
        found_c, wanted_c = _temperatures_c(reached)
    except _LOST as error:
        return Check("cooling", Level.RED, f"the camera does not answer: {error}")
    if found_c is None or wanted_c is None:
        return Check("cooling", Level.WARN, "the camera does not report its temperature and its setting")
    warm = found_c > wanted_c + _WARM_C
    says = f"the sensor is at {found_c:g} C, set to {wanted_c:g} C"
    return Check("cooling", Level.WARN if warm else Level.OK, says)


def _temperatures_c(reached: Reached) -> tuple[float | None, float | None]:
    """Return temperature and setting of the sensor, degrees Celsius; None if not reported."""
    if reached.odemis is not None:
        settings = (reached.odemis["parts"].get("camera") or {"settings": {}})["settings"]
        found, wanted = (settings.get(n, {}).get("value") for n in ("temperature", "targetTemperature"))
        return found, wanted
    camera: object = reached.devices.camera if reached.devices is not None else None
    if isinstance(camera, PlacedCamera):
        camera = camera.behind
    if not isinstance(camera, Cooled):
        return None, None
    return camera.temperature_c(), camera.target_temperature_c()


def _clocks(config: Config) -> Iterator[Check]:
    """Yield checks of other clocks; frames are identified by marks of our own, not by their dates."""
    name = "other clocks"
    if config.driver == "odemis":
        yield Check(name, Level.OK, "Odemis runs on this computer, with the same clock")
    if config.quanta is not None:
        yield Check(name, Level.OK, "the server of the SEM reports no time, and none is needed")

"""What of a microscope is there, what is missing, whether a session can run: a sentence for each point.

Looks only: nothing moves, shines, scans or is blanked. `exercise` moves the stage a little, blanks and
switches off.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from config.model import Config
from drivers.errors import DriverError
from drivers.fluorescence import Cooled
from drivers.microscope import Microscope
from drivers.offers import Fit, Offer
from drivers.quanta.joining import PlacedCamera
from service.advice import advice
from service.checks import Check, Level
from service.errors import InputError
from service.layout import safe_area_m, sections_and_fields
from service.preflight import clock_check, device_checks, disk_checks, plan_checks
from service.reach import Reached

_EXERCISE_M = 20e-6
_WARM_C = 5.0
"""A sensor that is warmer than it is set to be, by more, is not ready."""
_LOST = (DriverError, OSError)
_NOT_ASKED = "too much is missing to ask stage, chamber, blanker and light how they stand"

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
"""The parts of a report, in their order."""

_PART_OF = {
    "stage": "stage",
    "stage moves": "stage",
    "light": "light",
    "light off": "light",
    "cooling": "camera",
    "focus of the light": "objective",
    "beam": "sem",
    "column": "sem",
    "blanking": "sem",
    "scan size": "sem",
    "beam shift": "sem",
    "focus of the beam": "sem",
    "chamber": "chamber",
    "disk": "computer",
    "write speed": "computer",
    "clock": "computer",
    "other clocks": "computer",
}
"""Of the points of a preflight; all others are of the session."""

WORDS = {Level.OK: "ok", Level.WARN: "warn", Level.RED: "missing"}
"""What a report says; with anything missing no session can run."""

_LEVELS = {Fit.YES: Level.OK, Fit.DOUBTFUL: Level.WARN, Fit.NO: Level.RED}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact.

    Attributes
    ----------
    part : str
        One of `PARTS`.
    name : str
    level : Level
    says : str
        How it stands, in one sentence.
    do : str
        What to do about it; empty where nothing is to be done.
    """

    part: str
    name: str
    level: Level
    says: str
    do: str


def look(config: Config, reached: Reached, folder: Path, now: datetime) -> list[Finding]:
    """Look at everything that a session needs.

    Parameters
    ----------
    config : Config
    reached : Reached
        What of the microscope answers.
    folder : Path
        Where runs will lie.
    now : datetime
        Wall clock, UTC.
    """
    found = [_of_offer(offer) for offer in reached.offers]
    if reached.devices is None:
        found.append(_of_check(Check("devices", Level.RED, _NOT_ASKED)))
    else:
        found += map(_of_check, device_checks(reached.devices, config))
        found.append(_of_check(_cooling(reached)))
    try:
        sections, fields = sections_and_fields(config)
    except InputError as error:
        layout, fields = Check("layout", Level.RED, str(error)), ()
    else:
        layout = Check("layout", Level.OK, f"{len(sections)} sections with {len(fields)} fields")
    rest = [layout, *plan_checks(config, fields, now.date()), *disk_checks(config, folder, fields)]
    rest += [clock_check(now, None), *_clocks(config)]
    return [*found, *map(_of_check, rest)]


def document(config: Config, found: Sequence[Finding], exercised: bool) -> dict[str, Any]:
    """Return what `ilemtrack doctor --json` prints; docs/microscope.md names the keys."""
    return {
        "v": 1,
        "profile": config.profile,
        "ready": able(found),
        "exercised": exercised,
        "checks": [
            {"part": f.part, "name": f.name, "level": WORDS[f.level], "says": f.says, "do": f.do}
            for f in found
        ],
    }


def able(found: Sequence[Finding]) -> bool:
    """Whether a session can run."""
    return all(one.level is not Level.RED for one in found)


def _of_check(check: Check) -> Finding:
    do = "" if check.level is Level.OK else advice(check.name)
    return Finding(_PART_OF.get(check.name, "session"), check.name, check.level, check.says, do)


def _of_offer(offer: Offer) -> Finding:
    return Finding(offer.part, offer.name, _LEVELS[offer.fit], offer.says, offer.do)


def exercise(config: Config, devices: Microscope) -> list[Finding]:
    """Move the stage a little and back, inside the safe area; then blank, switch off, and read both back.

    The beam is never unblanked and the light never switched on: nobody knows yet which ground may be spent.
    The chamber is left as it is.
    """
    return [_of_check(check) for check in _exercised(config, devices)]


def _exercised(config: Config, devices: Microscope) -> list[Check]:
    x0, y0, x1, y1 = safe_area_m(config)
    try:
        start = devices.stage.position()
        if not (x0 <= start[0] <= x1 and y0 <= start[1] <= y1):
            says = f"not exercised: it stands outside the safe area, at {_mm(start)}"
            return [Check("stage moves", Level.RED, says)]
        away = tuple(
            v - _EXERCISE_M if v > (low + high) / 2 else v + _EXERCISE_M
            for v, low, high in zip(start, (x0, y0), (x1, y1), strict=True)
        )
        devices.stage.move_to(away[0], away[1], config.stage.move_timeout_s)
        back = devices.stage.move_to(start[0], start[1], config.stage.move_timeout_s)
    except _LOST as error:
        return [Check("stage moves", Level.RED, f"it does not move as it should: {error}")]
    off_um = max(abs(b - a) for a, b in zip(start, back, strict=True)) * 1e6
    fits = off_um <= config.stage.arrival_tolerance_um
    moved = f"20 um away and back, {off_um:.2f} um off by its read-back"
    checks = [Check("stage moves", Level.OK if fits else Level.RED, moved)]
    for name, do in (("blanking", devices.sem.blank), ("light off", devices.light.off)):
        try:
            do()
        except _LOST as error:
            checks.append(Check(name, Level.RED, str(error)))
        else:
            checks.append(Check(name, Level.OK, "the command was taken"))
    return [*checks, *_blanked_and_dark(devices)]


def _blanked_and_dark(devices: Microscope) -> Iterator[Check]:
    yield _state("beam", "blanked", "NOT BLANKED", devices.sem.is_blanked)
    yield _state("light", "off", "on; it bleaches", lambda: not devices.light.is_on())


def _cooling(reached: Reached) -> Check:
    try:
        found_c, wanted_c = _temperatures_c(reached)
    except _LOST as error:
        return Check("cooling", Level.RED, f"the camera does not answer: {error}")
    if found_c is None or wanted_c is None:
        return Check("cooling", Level.WARN, "the camera does not tell its temperature and what it is set to")
    warm = found_c > wanted_c + _WARM_C
    says = f"the sensor is at {found_c:g} C, set to {wanted_c:g} C"
    return Check("cooling", Level.WARN if warm else Level.OK, says)


def _temperatures_c(reached: Reached) -> tuple[float | None, float | None]:
    """Return temperature of the sensor and what it is set to, degrees Celsius; None where it is not told."""
    if reached.odemis is not None:
        settings = (reached.odemis["parts"].get("camera") or {"settings": {}})["settings"]
        found, wanted = (settings.get(n, {}).get("value") for n in ("temperature", "targetTemperature"))
        return found, wanted
    camera = reached.devices.camera if reached.devices is not None else None
    if isinstance(camera, PlacedCamera):
        camera = camera.behind
    if not isinstance(camera, Cooled):
        return None, None
    return camera.temperature_c(), camera.target_temperature_c()


def _clocks(config: Config) -> Iterator[Check]:
    """What is known of other clocks; frames are told from earlier ones by marks of our own, not by dates."""
    name = "other clocks"
    if config.driver == "odemis":
        yield Check(name, Level.OK, "Odemis runs on this computer: it has the same clock")
    if config.quanta is not None:
        yield Check(name, Level.OK, "the server of the SEM tells no time, and none is needed of it")


def _state(name: str, good: str, bad: str, read: Callable[[], bool]) -> Check:
    try:
        holds = read()
    except _LOST as error:
        return Check(name, Level.RED, f"missing: {error}")
    return Check(name, Level.OK if holds else Level.RED, good if holds else bad)


def _mm(point_m: tuple[float, float]) -> str:
    return f"x {point_m[0] * 1e3:.3f} mm, y {point_m[1] * 1e3:.3f} mm"

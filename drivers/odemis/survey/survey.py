"""Survey of Odemis against the needs of a session, from a description."""

from collections.abc import Iterator
from typing import Any

from config.model import Config
from drivers.chamber import VacuumState
from drivers.odemis.chamber import chosen_positions
from drivers.odemis.described.cautions import unproven_pixel_size, unused_alignment
from drivers.odemis.errors import MicroscopeIncompleteError
from drivers.odemis.microscope import missing_parts, needed
from drivers.odemis.survey.electron import electron_beam
from drivers.odemis.survey.facts import Part, others
from drivers.odemis.survey.optical import camera, emission_filter, light, objective
from drivers.offers import Fit, Offer, judged

TRIED = ("3.8",)
"""Versions of Odemis that this driver was tested with."""

_LOG = "look into /var/log/odemis.log, switch the device on, and start Odemis again if it does not come back"


def survey(config: Config, described: dict[str, Any], version: str) -> Iterator[Offer]:
    """Compare a description by Odemis with the needs of a session.

    Parameters
    ----------
    config : Config
    described : dict
        Answer of a worker to `describe`.
    version : str
        Version of Odemis.
    """
    yield from _microscope(config, described, version)
    parts = {
        part: found
        for part, found in described["parts"].items()
        if part in needed(config) and found and "error" not in found
    }
    if "light" in parts:
        yield from light(config, parts["light"]["settings"])
    if "filter" in parts:
        yield emission_filter(config.odemis, parts["filter"])
    if "camera" in parts:
        yield from camera(config, parts["camera"], described["beside"].get("lens"))
        unproven = unproven_pixel_size(config, described)
        if unproven is not None:
            do = "add a component with the role lens to Odemis, or check the size with a scale"
            yield Offer("camera", "pixel size", unproven, Fit.DOUBTFUL, do)
    yield from objective(described["beside"] | {"focus": described["parts"].get("focus")})
    if "stage" in parts:
        yield from _stage(config, parts["stage"])
    if "ebeam" in parts:
        yield from electron_beam(config, parts["ebeam"])
    if "sem_detector" in parts:
        yield _detector(parts["sem_detector"], described["detectors"])
    if config.chamber.by_hand:
        yield _by_hand(described["parts"].get("chamber"))
    elif "chamber" in parts:
        yield from _chamber(config, parts["chamber"])
    yield _corrections(config, described)


def _microscope(config: Config, described: dict[str, Any], version: str) -> Iterator[Offer]:
    known = any(version == one or version.startswith(f"{one}.") for one in TRIED)
    do = f"ilemtrack was tried with Odemis {', '.join(TRIED)}: run two small sections first"
    yield judged("microscope", "version", f"Odemis {version}", known, do, Fit.DOUBTFUL)
    found = described["microscope"]
    says = f"{found['name']}, of the kind {found['role']}"
    do = "ilemtrack knows the kind secom: check odemis.roles one by one"
    yield judged("microscope", "model", says, found["role"] == "secom", do, Fit.DOUBTFUL)
    missing = missing_parts(config, described)
    broken = described["ghosts"] or any(found and "error" in found for found in described["parts"].values())
    for text in missing:
        do = "name what you have in odemis.roles, or have it added to the microscope file of Odemis"
        yield Offer("microscope", "roles", text, Fit.NO, _LOG if broken else do)
    for name, why in described["ghosts"].items():
        fit = Fit.NO if missing else Fit.DOUBTFUL
        yield Offer("microscope", "ghost", f"{name} did not start: {why}", fit, _LOG)
    for component in described["components"]:
        state = component["state"]
        says = f"{component['name']} ({component['role'] or 'no role'}): {state or 'there'}"
        yield judged("microscope", "component", says, state in (None, "running"), _LOG, Fit.DOUBTFUL)


def _stage(config: Config, part: Part) -> Iterator[Offer]:
    for axis, safe_mm in (("x", config.stage.safe_x_mm), ("y", config.stage.safe_y_mm)):
        found = part["axes"].get(axis, {}).get("range")
        if found is None:
            do = f"check stage.safe_{axis}_mm by hand"
            yield Offer("stage", f"axis {axis}", "no range reported", Fit.DOUBTFUL, do)
            continue
        low, high = found[0] * 1e3, found[1] * 1e3
        fits = low - 1e-9 <= safe_mm[0] and safe_mm[1] <= high + 1e-9
        says = f"{low:g} to {high:g} mm, safe area {safe_mm[0]:g} to {safe_mm[1]:g} mm"
        do = f"narrow stage.safe_{axis}_mm to the range of the stage"
        yield judged("stage", f"axis {axis}", says, fits, do)
    yield Offer("stage", "other settings", others(part, ("speed", "referenced")))


def _detector(part: Part, detectors: dict[str, Any]) -> Offer:
    rest = [role for role in detectors["there"] if role != detectors["chosen"]]
    also = f"; there are also {', '.join(rest)}" if rest else ""
    settings = others(part, ("brightness", "contrast", "bpp"))
    return Offer("sem", "detector", f"{detectors['chosen']} ({part['name']}){also}; {settings}")


def _by_hand(part: Part | None) -> Offer:
    gauge = part is not None and "pressure" in part.get("settings", {})
    measured = "its gauge is read" if gauge else "nothing measures its pressure"
    says = f"by hand: the session asks for each pressure, and a person confirms it; {measured}"
    do = "stay near the microscope at each change of pressure; nothing else notices a lost vacuum"
    return judged("chamber", "operation", says, gauge, do, Fit.DOUBTFUL)


def _chamber(config: Config, part: Part) -> Iterator[Offer]:
    choices = part["axes"].get("vacuum", {}).get("choices") or {}
    named = choices.items() if isinstance(choices, dict) else ((key, "") for key in choices)
    positions = [(float(key), str(name)) for key, name in named]
    text = ", ".join(f"{name or 'unnamed'} ({key:g} Pa)" for key, name in sorted(positions))
    yield Offer("chamber", "positions", text or "none")
    try:
        keys = chosen_positions(config, positions)
    except MicroscopeIncompleteError as error:
        do = "set odemis.fluorescence_position and odemis.high_vacuum_position to names from that list"
        yield Offer("chamber", "chosen positions", str(error), Fit.NO, do)
        return
    names = dict(positions)
    says = "; ".join(
        f"{names[keys[state]] or f'{keys[state]:g} Pa'} for {use}"
        for state, use in ((VacuumState.PARTIAL, "fluorescence"), (VacuumState.HIGH, "the beam"))
    )
    yield Offer("chamber", "chosen positions", says)


def _corrections(config: Config, described: dict[str, Any]) -> Offer:
    unused = unused_alignment(config, described)
    if unused is not None:
        do = "`ilemtrack calibrate --from-odemis` takes it over, or reset it in Odemis if it is not valid"
        return Offer("microscope", "corrections", unused, Fit.DOUBTFUL, do)
    parts = [part for part in (*described["parts"].values(), *described["beside"].values()) if part]
    found = [
        f"{part['name']} {name} = {value}" for part in parts for name, value in part["corrections"].items()
    ]
    if not found:
        return Offer("microscope", "corrections", "Odemis keeps none (no *_COR metadata)")
    return Offer("microscope", "corrections", f"kept by Odemis, none is missing here: {'; '.join(found)}")

"""Section lists for the page Holder: read, found in an overview, and written."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from service.cli.live.console.new_files import new_file
from service.console.computer.holder import HolderMap, HolderSection, Landmark, Point, Polygon
from service.errors import InputError
from service.input_files import read_json
from service.mapping.landmarks import read_landmarks
from service.mapping.lists.checks import FieldError, section
from service.mapping.lists.document import document_of_sections
from service.mapping.lists.files import MOST_BYTES, read_list, write_list
from service.mapping.overview.document import document_of
from service.mapping.values import MappedSection, PointPair, SectionList, Unit, angle_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
MOST_SHOWN = 3000
"""Most sections that the page shows; each change redraws all of them. Chosen by hand; not measured."""
_ENDINGS = (".yaml", ".json", ".csv", ".magc", ".mass.json")


def read(name: str) -> HolderMap:
    """Read a section list, with the doubtful outlines of a document of `ilemtrack map`."""
    path = Path(name)
    found = read_list(path)
    if len(found.sections) > MOST_SHOWN:
        raise InputError(f"{name}: has {len(found.sections)} sections; the page shows at most {MOST_SHOWN}")
    document = read_json(path, MOST_BYTES) if path.suffix.lower() == ".json" else {}
    return _shown(found, document if isinstance(document, dict) else {}, name)


def find(overview: str) -> HolderMap:
    """Find the sections in an overview."""
    from detection.overview.find import find_sections
    from service.mapping.overview.document import list_of
    from service.mapping.overview.joining import read_overview
    from service.wording_mapping import nothing_says

    pixels = read_overview([Path(overview)], None)
    found = find_sections(pixels, None)
    if found.nothing is not None:
        raise InputError(f"{overview}: {nothing_says(found.nothing)}")
    document = document_of(overview, (pixels.shape[1], pixels.shape[0]), found)
    return _shown(list_of(found), document, overview)


def landmarks(name: str) -> tuple[Landmark, ...]:
    """Read landmarks with their stage positions."""
    return tuple(Landmark(one.id, one.overview_px, one.stage_um) for one in read_landmarks(Path(name)))


def save(shown: Mapping[str, Any], name: str, replace: bool) -> str:
    """Write a section list into the working folder, and return the name of its file.

    A ``.json`` file keeps the doubts, too. The file is whole or as it was, whatever happens.

    Raises
    ------
    InputError
    """
    if not _NAME.fullmatch(name) or not name.lower().endswith(_ENDINGS):
        raise InputError(
            f"a name has letters, digits, -, _ and dots, and ends with {', '.join(_ENDINGS)}: sections.yaml"
        )
    path, given = Path(name), TypeAdapter(HolderMap).validate_python(shown)
    listed = _listed(given)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    with new_file(path, replace, mode) as made:
        _write(made, listed, given)
        read_list(made)
    return name


def _write(made: Path, listed: SectionList, given: HolderMap) -> None:
    if made.suffix.lower() == ".json" and not made.name.lower().endswith(".mass.json") and given.overview:
        document = document_of_sections(listed) | {
            "overview": given.overview,
            "doubtful": [_doubtful(one, given.unit) for one in given.doubtful],
        }
        if given.shape_doubt:
            document["shape"] = {"doubt": {"says": given.shape_doubt}}
        made.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    else:
        write_list(made, listed)


def _shown(found: SectionList, document: Mapping[str, Any], name: str) -> HolderMap:
    """Return a list as the page shows it; y downwards."""
    unit = found.unit
    doubtful = []
    for n, entry in enumerate(document.get("doubtful") or ()):
        try:
            outline = tuple((float(x), float(y)) for x, y in entry[f"polygon_{unit}"])
            angle = entry.get("angle_deg")
            one = section(unit, "S0000", outline, None, None if angle is None else float(angle))
            doubt = str(entry.get("says") or entry.get("reason") or "it is doubtful")
            doubtful.append(_named(_section(one, unit), str(entry.get("id") or f"D{n + 1:04d}"), doubt))
        except (AttributeError, FieldError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{name}: doubtful outline {n + 1} of the list: {error}") from None
    return HolderMap(
        unit.value,
        tuple(_section(one, unit) for one in found.sections),
        tuple(doubtful),
        found.in_cutting_order,
        found.stage_order,
        tuple(Landmark(one.id, one.overview_px, one.stage_um) for one in found.landmarks),
        str(document.get("overview", "")),
        _shape_doubt(document),
    )


def _shape_doubt(document: Mapping[str, Any]) -> str:
    shape = document.get("shape")
    doubt = shape.get("doubt") if isinstance(shape, dict) else None
    return str(doubt.get("says") or doubt.get("reason") or "") if isinstance(doubt, dict) else ""


def _named(one: HolderSection, name: str, doubt: str) -> HolderSection:
    """Return an outline that may be a section, under a name that is none."""
    return replace(one, id=name if not name.startswith("S") else f"D-{name}", doubt=doubt)


def _section(one: MappedSection, unit: Unit) -> HolderSection:
    return HolderSection(
        one.id,
        _turned(one.center, unit),
        one.rotation_deg,
        _polygon(one.outline or (), unit),
        tuple(_polygon(region, unit) for region in one.regions),
        _polygon(one.focus_points, unit),
        () if one.magnet is None else (_turned(one.magnet, unit),),
    )


def _listed(given: HolderMap) -> SectionList:
    """Return what the page shows as a list; corners that cross, or a list without sections, are refused."""
    unit = Unit(given.unit)
    if not given.sections:
        raise InputError("there is no section to save")
    sections = tuple(
        MappedSection(
            one.id,
            _turned(one.center, unit),
            one.rotation_deg,
            _polygon(one.outline, unit) or None,
            tuple(_polygon(region, unit) for region in one.regions),
            _polygon(one.focus_points, unit),
            _turned(one.magnet[0], unit) if one.magnet else None,
        )
        for one in given.sections
    )
    pairs = tuple(PointPair(one.id, one.overview_px, one.stage_um) for one in given.landmarks)
    return SectionList(unit, sections, given.in_cutting_order, given.stage_order, pairs)


def _doubtful(one: HolderSection, unit: str) -> dict[str, Any]:
    turned = Unit(unit)
    return {
        "id": one.id,
        f"polygon_{unit}": [list(point) for point in _polygon(one.outline, turned)],
        f"center_{unit}": list(_turned(one.center, turned)),
        "angle_deg": None if one.rotation_deg is None else angle_of(one.rotation_deg),
        "says": one.doubt,
    }


def _turned(point: Point, unit: Unit) -> Point:
    """Return a position of a list as one of the page, or back: the stage's Y points up."""
    return point if unit is Unit.PX else (point[0], -point[1])


def _polygon(points: Polygon, unit: Unit) -> Polygon:
    return tuple(_turned(point, unit) for point in points)

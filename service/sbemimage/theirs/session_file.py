"""SBEMimage's session file (``cfg/NAME.ini``), saved before each acquisition and after each slice."""

import configparser
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.errors import InputError
from service.sbemimage.theirs.coordinates import Coordinates

_MOST_BYTES = 100_000_000
"""Largest session file; 10,000 grids of one tile have 5 MB."""
_MOST_TILE_PX = 100_000
_GLOBAL_GRADIENT = 3
"""``tracking_mode`` of SBEMimage's autofocus that visits reference tiles of all grids, also inactive ones."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Scan settings of a grid.

    Attributes
    ----------
    size_px : (int, int)
        Columns and rows of a tile.
    pixel_size_nm, dwell_us : float
    overlap_px, row_shift_px : float
    """

    size_px: tuple[int, int]
    pixel_size_nm: float
    dwell_us: float | None
    overlap_px: float
    row_shift_px: float

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height of a tile, um."""
        return self.size_px[0] * self.pixel_size_nm / 1e3, self.size_px[1] * self.pixel_size_nm / 1e3

    @property
    def overlap_um(self) -> float:
        """Overlap of neighbouring tiles, um."""
        return self.overlap_px * self.pixel_size_nm / 1e3


@dataclass(frozen=True, slots=True)
class KnownGrid:
    """A grid that SBEMimage has.

    Attributes
    ----------
    array_index, roi_index : int or None
        None for grids that belong to no section, and to no ROI.
    active : bool
    rotation_deg : float
    tiles : Tiles
    """

    array_index: int | None
    roi_index: int | None
    active: bool
    rotation_deg: float
    tiles: Tiles


@dataclass(frozen=True, slots=True)
class SessionFile:
    """Values of a session file.

    Attributes
    ----------
    coordinates : Coordinates
    grids : tuple of KnownGrid
        At least one.
    base_dir : str
        Folder of the stack, as SBEMimage's computer names it.
    microtome : bool
        A microtome cuts after each slice.
    focuses_elsewhere : bool
        Its autofocus visits tiles beside those of the grids that are acquired.
    """

    coordinates: Coordinates
    grids: tuple[KnownGrid, ...]
    base_dir: str
    microtome: bool
    focuses_elsewhere: bool

    @property
    def template(self) -> Tiles:
        """Tiles of grid 0, from which SBEMimage takes those of a grid that is added."""
        return self.grids[0].tiles


def read_session_file(path: Path) -> SessionFile:
    """Read a session file.

    Raises
    ------
    InputError
        It cannot be read, or is none; one sentence.
    """
    text = _text(path)
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
        return _values(parser)
    except (configparser.Error, KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        about = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: is no session file of SBEMimage ({about})") from None


def _text(path: Path) -> str:
    """Return its text: in the encoding of its computer, which for Windows in western Europe is no UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > _MOST_BYTES:
        raise InputError(f"{path}: is larger than {_MOST_BYTES / 1e6:.3g} MB, the most that is read")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _values(parser: configparser.ConfigParser) -> SessionFile:
    sem, acquisition, grids = parser["sem"], parser["acq"], parser["grids"]
    axes = [
        (float(sem[f"stage_scale_factor_{axis}"]), float(sem[f"stage_rotation_angle_{axis}"]))
        for axis in "xy"
    ]
    focus = parser["autofocus"] if parser.has_section("autofocus") else {}
    focusing = acquisition.get("use_autofocus", "False").lower() == "true"
    reference = json.loads(focus.get("ref_tiles", "[]"))
    found = _grids(grids)
    if not found:
        raise ValueError("it has no grid 0")
    return SessionFile(
        Coordinates((axes[0][0], axes[1][0]), (axes[0][1], axes[1][1])),
        found,
        acquisition["base_dir"],
        parser["sys"]["use_microtome"].lower() == "true",
        focusing and (bool(reference) or int(focus.get("tracking_mode", "0")) == _GLOBAL_GRADIENT),
    )


def _grids(grids: configparser.SectionProxy) -> tuple[KnownGrid, ...]:
    count = int(grids["number_grids"])

    def column(key: str, missing: Any = ...) -> list[Any]:
        values = json.loads(grids[key]) if missing is ... or key in grids else []
        if missing is not ...:
            values += [missing] * (count - len(values))
        if not isinstance(values, list) or len(values) < count:
            raise ValueError(f"{key} has no {count} values")
        return values

    size_px = [_whole_pair(one) for one in column("tile_size")]
    scanned = zip(
        size_px,
        map(_above_zero, column("pixel_size")),
        [None if one is None else _above_zero(one) for one in column("dwell_time")],
        map(float, column("overlap")),
        map(float, column("row_shift")),
        strict=False,
    )
    tiles = [Tiles(*one) for one in scanned]
    return tuple(
        KnownGrid(_index(array), _index(roi), active == 1, float(rotation), own)
        for array, roi, active, rotation, own in list(
            zip(
                column("array_index", None),
                column("roi_index", None),
                column("grid_active", 1),
                column("rotation"),
                tiles,
                strict=False,
            )
        )[:count]
    )


def _index(value: Any) -> int | None:
    return None if value is None else int(value)


def _whole_pair(value: Any) -> tuple[int, int]:
    width, height = (int(side) for side in value[:2])
    if not (0 < width <= _MOST_TILE_PX and 0 < height <= _MOST_TILE_PX):
        raise ValueError("a tile size is out of range")
    return width, height


def _above_zero(value: Any) -> float:
    number = float(value)
    if not 0 < number < 1e9:
        raise ValueError("a pixel size or dwell time is out of range")
    return number

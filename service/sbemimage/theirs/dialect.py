"""Dialect of SBEMimage's external tools: a state as JSON, commands as one line of JSON.

Source: docs/external_tools.md of SBEMimage, and the calls that its acquisition makes for each command. Its
client sends one JSON object without an end mark, keeps the connection open, and reads until a newline. It has
no deadline of its own, and an answer that is no JSON ends its acquisition with an error.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MOST_BYTES = 1_000_000
"""Largest state that is read; one with 1,000 overviews has 100 kB."""

Command = dict[str, Any]
"""``msg``, ``args`` and ``kwargs``; SBEMimage fails without any of the three."""


class Overviews(BaseModel):
    """Overviews of a state."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    number_ov: Annotated[int, Field(ge=0, le=10_000)]


class State(BaseModel):
    """State that SBEMimage sends at the beginning of each slice, and by its button Test.

    It names neither the slice nor the grids, and ``paused`` is true in either case (SBEMimage compares with 0
    what is None while it runs), so nothing here depends on it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    overviews: Overviews
    z_depth: float | None = None
    """Height of the stage; um."""


def whole(data: bytes) -> bool:
    """Return True if bytes hold a whole JSON object, or will never be one."""
    if not data.rstrip().endswith(b"}"):
        return False
    try:
        json.loads(data)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


def read_state(data: bytes) -> State | None:
    """Return the state that SBEMimage sent, None if it is none."""
    try:
        return State.model_validate(json.loads(data))
    except (ValueError, RecursionError, ValidationError):
        return None


def reply(commands: Sequence[Command]) -> bytes:
    """Return an answer: one line of JSON, with the newline that the client waits for."""
    return json.dumps({"commands": list(commands)}, allow_nan=False).encode() + b"\n"


def pause() -> Command:
    """Return the command to pause at once: neither overviews nor grids nor a cut follow (pause state 1)."""
    return _command("PAUSE", 1)


def deactivate_grids(roi_index: int | None) -> Command:
    """Return the command to switch off all grids of an ROI index; None: all grids that belong to no ROI."""
    return _command("DEACTIVATE ARRAY GRID", roi_index)


def deactivate_overview(index: int) -> Command:
    """Return the command to switch off an overview."""
    return _command("DEACTIVATE OV", index)


def add_grid(
    array_index: int, roi_index: int, center_um: tuple[float, float], size_um: tuple[float, float]
) -> Command:
    """Return the command that adds a grid, or moves the one of these indices.

    Parameters
    ----------
    array_index, roi_index : int
    center_um : (float, float)
        Centre in SEM coordinates, um. It goes into ``ref_center``, which SBEMimage takes as it is.
    size_um : (float, float)
        Width and height that the tiles must cover, times the scale factors of the stage, by which SBEMimage
        divides; um.
    """
    return _command(
        "ADD ARRAY GRID",
        array_index=array_index,
        roi_index=roi_index,
        roi_center=[0.0, 0.0],
        size=list(size_um),
        ref_center=list(center_um),
    )


def activate_tiles(array_index: int, roi_index: int, mask: Sequence[Sequence[int]]) -> Command:
    """Return the command that switches the tiles of a grid on (1) and off (0), row by row."""
    return _command(
        "UPDATE GRID TILES WITH MASK",
        array_index=array_index,
        roi_index=roi_index,
        mask=[list(row) for row in mask],
    )


def _command(name: str, *args: Any, **kwargs: Any) -> Command:
    return {"msg": name, "args": list(args), "kwargs": kwargs}

"""SBEMimage as far as its documents and its behaviour go: its client, and what commands do to its grids.

Written from how it behaves, not from its code; `tests/long/test_sbemimage.py` runs SBEMimage itself.
"""

import json
import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.sbemimage.theirs.coordinates import Coordinates
from service.sbemimage.theirs.session_file import KnownGrid, SessionFile, Tiles

Key = tuple[int | None, int | None]

STATE: dict[str, Any] = {
    "paused": True,
    "z_depth": 12.5,
    "overviews": {
        "number_ov": 2,
        "ov_coords": [[0.0, 0.0], [5.0, 5.0]],
        "ov_dirs": ["D:\\s\\ov0", "D:\\s\\ov1"],
    },
    "slice_thickness": 50,
}
TILES = Tiles((2000, 1500), 12.5, 0.8, 100.0, 0.0)
"""25 x 18.75 um."""


def ask(port: int, message: object = STATE, timeout_s: float = 100.0) -> Any:
    """Ask as SBEMimage's client does: no end mark, an open connection, an answer up to a newline."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
        connection.sendall(message if isinstance(message, bytes) else json.dumps(message).encode("utf-8"))
        data = b""
        while chunk := connection.recv(1024):
            data += chunk
            if b"\n" in chunk:
                break
        return json.loads(data)


@dataclass
class TheirGrid:
    """A grid: centre and size of its tiles in SEM coordinates, um."""

    center: tuple[float, float]
    rows: int
    columns: int
    roi_um: tuple[float, float]
    tiles: Tiles = TILES
    active: bool = True
    on: frozenset[int] = frozenset()

    def rects(self) -> dict[int, tuple[float, float, float, float]]:
        """Return the ground of each tile, um."""
        (width, height), overlap = self.tiles.size_um, self.tiles.overlap_um
        whole = self.columns * (width - overlap) + overlap, self.rows * (height - overlap) + overlap
        left, top = (c - side / 2 for c, side in zip(self.center, whole, strict=True))
        found = {}
        for row in range(self.rows):
            for column in range(self.columns):
                x, y = left + column * (width - overlap), top + row * (height - overlap)
                found[row * self.columns + column] = x, y, x + width, y + height
        return found


@dataclass
class TheirMicroscope:
    """Grids, overviews and the log of SBEMimage; `acquire` exposes what is switched on."""

    coordinates: Coordinates = field(default_factory=Coordinates)
    base_dir: Path | None = None
    paused: bool = False
    grids: dict[Key, TheirGrid] = field(
        default_factory=lambda: {(None, None): TheirGrid((0.0, 0.0), 1, 1, (9.0, 9.0), on=frozenset({0}))}
    )
    overviews: list[bool] = field(default_factory=lambda: [True, True])
    exposed: list[tuple[Key, int]] = field(default_factory=list)

    def execute(self, commands: Sequence[dict[str, Any]]) -> None:
        self.paused = False
        for one in commands:
            assert set(one) == {"msg", "args", "kwargs"}
            handler = getattr(self, "_" + one["msg"].lower().replace(" ", "_"))
            handler(*one["args"], **one["kwargs"])

    def acquire(self, most: int | None = None) -> list[tuple[Key, int]]:
        """Expose a slice, or the first tiles of it; return what was exposed."""
        if self.paused:
            return []
        assert not any(self.overviews), "an overview would be exposed"
        todo = [(key, tile) for key, grid in self.grids.items() if grid.active for tile in sorted(grid.on)]
        done = todo[:most]
        self.exposed += done
        if self.base_dir is not None:
            logs = self.base_dir / "meta" / "logs"
            logs.mkdir(parents=True, exist_ok=True)
            with (logs / f"log_{len(list(logs.iterdir())):04d}.txt").open("w") as log:
                for (array, roi), tile in done:
                    log.write(
                        f"2026-11-30 16:27:24 | STAGE : Moving to position of Tile ROI {array}.{roi}.{tile}\n"
                    )
        return done

    def session(self) -> SessionFile:
        grids = [KnownGrid(*key, one.active, 0.0, one.tiles) for key, one in self.grids.items()]
        return SessionFile(
            self.coordinates, tuple(grids), str(self.base_dir or "D:\\stacks\\gone"), False, False
        )

    def ini(self) -> str:
        """Return its session file."""
        grids, scale, turn = list(self.grids.items()), self.coordinates.scale, self.coordinates.rotation_rad

        def column(values: Sequence[Any]) -> str:
            return json.dumps(list(values))

        return f"""[sys]
use_microtome = False
[sem]
stage_scale_factor_x = {scale[0]}
stage_scale_factor_y = {scale[1]}
stage_rotation_angle_x = {turn[0]}
stage_rotation_angle_y = {turn[1]}
[acq]
base_dir = {self.base_dir or "D:/100%/gone"}
use_autofocus = False
[autofocus]
ref_tiles = []
tracking_mode = 0
[grids]
number_grids = {len(grids)}
grid_active = {column([int(one.active) for _, one in grids])}
rotation = {column([0.0 for _ in grids])}
tile_size = {column([one.tiles.size_px for _, one in grids])}
pixel_size = {column([one.tiles.pixel_size_nm for _, one in grids])}
dwell_time = {column([one.tiles.dwell_us for _, one in grids])}
overlap = {column([one.tiles.overlap_px for _, one in grids])}
row_shift = {column([0 for _ in grids])}
array_index = {column([key[0] for key, _ in grids])}
roi_index = {column([key[1] for key, _ in grids])}
"""

    def _pause(self, state: int) -> None:
        assert state == 1
        self.paused = True

    def _deactivate_array_grid(self, roi_index: int | None) -> None:
        for key, one in self.grids.items():
            if key[1] == roi_index:
                one.active = False

    def _deactivate_ov(self, index: int) -> None:
        self.overviews[index] = False

    def _add_array_grid(
        self,
        array_index: int,
        roi_index: int,
        roi_center: Sequence[float],
        size: Sequence[float],
        ref_center: Sequence[float],
    ) -> None:
        scale = self.coordinates.scale
        center = tuple(r / s + f for r, s, f in zip(roi_center, scale, ref_center, strict=True))
        roi_um = tuple(side / s for side, s in zip(size, scale, strict=True))
        assert min(roi_um) > 0
        template = self.grids[None, None].tiles
        overlap = template.overlap_um
        columns, rows = (
            math.ceil(side / (tile - overlap)) if side > tile else 1
            for side, tile in zip(roi_um, template.size_um, strict=True)
        )
        key = (array_index, roi_index)
        before = self.grids.get(key)
        new = TheirGrid((center[0], center[1]), rows, columns, (roi_um[0], roi_um[1]), template)
        # One that is there keeps its tiles and whether it is active.
        self.grids[key] = new if before is None else replace(new, active=before.active, on=before.on)

    def _update_grid_tiles_with_mask(self, array_index: int, roi_index: int, mask: list[list[int]]) -> None:
        one = self.grids.get((array_index, roi_index))
        if one is None:
            return
        (width, height), overlap = one.tiles.size_um, one.tiles.overlap_um
        whole = one.columns * (width - overlap) + overlap, one.rows * (height - overlap) + overlap
        pixels: NDArray[np.int64] = np.array(mask)
        # The mask is that of the ROI; it is padded to the whole grid, then each tile takes its share of it.
        padding = [
            round((grid - roi) / 2 * count / roi)
            for grid, roi, count in zip(whole[::-1], one.roi_um[::-1], pixels.shape, strict=True)
        ]
        assert padding == [0, 0]
        assert pixels.shape == (one.rows, one.columns)
        one.on = frozenset(np.flatnonzero(pixels).tolist())

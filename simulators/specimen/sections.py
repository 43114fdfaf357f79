"""Positions of the sections of the block on the stage."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely import Polygon, contains_xy, prepare

from config.layout import GridLayout, ListedSection, ListLayout, field_centers_um, listed_sections
from config.simulator import SpecimenConfig

_MARGIN_UM = 30.0
"""Width of the resin around the fields of a section, in addition to its scatter; chosen by hand."""


@dataclass(frozen=True, slots=True)
class SectionPlace:
    """Position of one section on the stage.

    Attributes
    ----------
    id : str
    depth_um : float
        Depth of its middle in the block.
    center_um : (2,) array
        Stage position of the centre of the block's face.
    rotation_rad : float
        Counter-clockwise.
    outline : shapely.Polygon or None
        Stage um; the section ends there. None: it fills the face of the block.
    """

    id: str
    depth_um: float
    center_um: NDArray[np.float64]
    rotation_rad: float
    outline: Polygon | None = None

    def inside(self, plane_um: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which positions in the plane of the section, um (N, 2), lie inside its outline."""
        if self.outline is None:
            return np.ones(len(plane_um), np.bool_)
        x, y = self.to_stage(plane_um).T
        return np.asarray(contains_xy(self.outline, x, y))

    def _turn(self) -> NDArray[np.float64]:
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        return np.array([[cos, -sin], [sin, cos]])

    def to_plane(self, points_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert stage positions (N, 2) to positions in the plane of the section, um."""
        return np.asarray((points_um - self.center_um) @ self._turn())

    def to_stage(self, points_um: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert positions in the plane of the section (N, 2) to stage positions, um."""
        return np.asarray(points_um @ self._turn().T + self.center_um)


class SectionArray:
    """All sections, at the centres and angles of their layout with a seeded scatter.

    Parameters
    ----------
    layout : GridLayout or ListLayout
    specimen : SpecimenConfig
    field_size_um : (float, float)
    by_outline : bool
        Sections end at the outlines of the layout; else they reach beyond all of their fields.
    """

    def __init__(
        self,
        layout: GridLayout | ListLayout,
        specimen: SpecimenConfig,
        field_size_um: tuple[float, float],
        by_outline: bool = False,
    ) -> None:
        listed = listed_sections(layout)
        half_size = np.zeros(2)
        unlike = {(s.fields, s.field_overlap_percent): s for s in listed if s.field_centers_um is None}
        for fields in [*unlike.values(), *(s for s in listed if s.field_centers_um is not None)]:
            off = np.array(field_centers_um(fields, field_size_um)) - fields.center_um
            half_size = np.maximum(half_size, np.abs(off).max(axis=0) + np.array(field_size_um) / 2)
        # A face turned by at most `turn` still covers the fields; beyond 45 degrees the diagonal does.
        steepest_deg = max(_off_axis_deg(s.angle_deg or 0.0) for s in listed)
        turn = math.radians(3 * specimen.section_rotation_deg + steepest_deg)
        if turn < math.pi / 4:
            half_size = half_size * math.cos(turn) + half_size[::-1] * math.sin(turn)
        else:
            half_size = np.full(2, np.hypot(*half_size))
        half_size = half_size + 3 * specimen.section_shift_um + _MARGIN_UM
        self.half_size_um = (float(half_size[0]), float(half_size[1]))
        """Half of the width and height of the face of the block."""
        self._places = tuple(_place(s, n, specimen, by_outline) for n, s in enumerate(listed))
        self._by_id = {place.id: place for place in self._places}
        self._tree = cKDTree(np.array([place.center_um for place in self._places]))

    def __getitem__(self, section_id: str) -> SectionPlace:
        return self._by_id[section_id]

    def near(self, center_um: NDArray[np.float64], radius_um: float) -> tuple[SectionPlace, ...]:
        """Return the sections that may overlap a disc on the stage, the furthest first."""
        within = self._tree.query_ball_point(center_um, radius_um + float(np.hypot(*self.half_size_um)))
        places = [self._places[n] for n in within]
        return tuple(sorted(places, key=lambda p: -float(np.hypot(*(p.center_um - center_um)))))


def _off_axis_deg(angle_deg: float) -> float:
    """Return the smallest angle between a rotated line and its old direction, degrees."""
    return abs(math.remainder(angle_deg, 180.0))


def _place(section: ListedSection, index: int, specimen: SpecimenConfig, by_outline: bool) -> SectionPlace:
    rng = np.random.default_rng([specimen.seed, 3, index])
    # Cut at three times the scatter: the block is that much larger than the fields.
    shift = np.clip(rng.standard_normal(2), -3, 3) * specimen.section_shift_um
    scatter = float(np.clip(rng.standard_normal(), -3, 3)) * math.radians(specimen.section_rotation_deg)
    depth = (index + 0.5) * specimen.section_thickness_nm * 1e-3
    turn = math.radians(section.angle_deg or 0.0) + scatter
    outline = None
    if by_outline and section.outline_um is not None:
        outline = Polygon(section.outline_um)
        prepare(outline)
    return SectionPlace(section.id, depth, np.array(section.center_um) + shift, turn, outline)

"""Positions of the sections and their fields on the stage."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.base import Frozen

Outline = Annotated[
    tuple[tuple[float, float], ...],
    Field(min_length=3, max_length=1000, description="Corners of the section, stage x and y, um."),
]

FieldCenters = Annotated[tuple[tuple[float, float], ...], Field(min_length=1, max_length=10_000)]

SectionId = Annotated[
    str, Field(pattern=r"^S\d{4,6}$", description="Identifier of the section, such as S0001.")
]


class GridLayout(Frozen):
    """Sections on a regular grid, rows first, each with the same fields."""

    kind: Literal["grid"] = Field("grid", description="Sections on a regular grid.")
    sections: int = Field(3, ge=1, le=100_000, description="Number of sections.")
    columns: int = Field(10, ge=1, le=1000, description="Sections per row.")
    pitch_um: float = Field(800.0, gt=0, le=20_000, description="Distance between section centres, um.")
    first_um: tuple[float, float] = Field(
        (0.0, 0.0), description="Stage position of the centre of the first section, x and y, um."
    )
    fields: tuple[int, int] = Field((2, 1), description="Number of fields of a section in x and y.")
    field_overlap_percent: float = Field(
        10.0, ge=0, le=50, description="Overlap of neighbouring fields, percent."
    )

    @model_validator(mode="after")
    def _fields_in_range(self) -> Self:
        if not all(1 <= n <= 100 for n in self.fields):
            raise ValueError("fields must be two numbers from 1 to 100")
        return self


class ListedSection(Frozen):
    """One section with a given position."""

    id: SectionId
    center_um: tuple[float, float] = Field(description="Stage position of its centre, x and y, um.")
    fields: tuple[int, int] = Field((1, 1), description="Number of fields in x and y.")
    field_overlap_percent: float = Field(
        10.0, ge=0, le=50, description="Overlap of neighbouring fields, percent."
    )
    angle_deg: float | None = Field(
        None,
        ge=-360,
        le=360,
        description="Rotation of the section on the stage, counter-clockwise, degrees; null: unknown."
        " The registration of neighbouring sections starts from it.",
    )
    outline_um: Outline | None = Field(
        None,
        description="Outline; null: unknown. No frame leaves it by more than planner.outline_margin_um.",
    )
    field_centers_um: FieldCenters | None = Field(
        None,
        description="Centres of the fields in the order of imaging, stage x and y, um; null: a grid about the"
        " centre, as `fields` has it.",
    )
    left_out_centers_um: tuple[tuple[float, float], ...] | None = Field(
        None,
        max_length=10_000,
        description="Centres of fields that `ilemtrack preview` left out, since they seem to hold no cells,"
        " stage x and y, um; for people.",
    )

    @model_validator(mode="after")
    def _fields_in_range(self) -> Self:
        if not all(1 <= n <= 100 for n in self.fields):
            raise ValueError("fields must be two numbers from 1 to 100")
        return self

    @model_validator(mode="after")
    def _outline_is_a_polygon(self) -> Self:
        if self.outline_um is not None:
            # Few layouts list outlines, and a watchdog or a command should not wait for GEOS.
            from shapely import Polygon

            outline = Polygon(self.outline_um)
            if not outline.is_valid or outline.area == 0:
                raise ValueError("outline_um must be the corners of a polygon that does not cross itself")
        return self


class ListLayout(Frozen):
    """Sections listed one by one, in the order in which they were cut."""

    kind: Literal["list"] = Field(description="Sections listed one by one.")
    sections: tuple[ListedSection, ...] = Field(
        min_length=1, max_length=100_000, description="Sections in the order of cutting."
    )

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [s.id for s in self.sections]
        if len(set(ids)) != len(ids):
            twice = next(i for i in ids if ids.count(i) > 1)
            raise ValueError(f"section {twice} is listed twice")
        return self


LayoutConfig = Annotated[GridLayout | ListLayout, Field(discriminator="kind")]


def listed_sections(layout: GridLayout | ListLayout) -> tuple[ListedSection, ...]:
    """Return the sections of a layout in the order of cutting.

    Parameters
    ----------
    layout : GridLayout or ListLayout

    Returns
    -------
    tuple of ListedSection
        Grid sections are named S0001, S0002, ...; rows of the grid run towards smaller y.
    """
    if isinstance(layout, ListLayout):
        return layout.sections
    x0, y0 = layout.first_um
    return tuple(
        ListedSection(
            id=f"S{n + 1:04d}",
            center_um=(
                x0 + (n % layout.columns) * layout.pitch_um,
                y0 - (n // layout.columns) * layout.pitch_um,
            ),
            fields=layout.fields,
            field_overlap_percent=layout.field_overlap_percent,
        )
        for n in range(layout.sections)
    )


def fields_left_out(layout: GridLayout | ListLayout) -> int:
    """Return the number of fields that a preview left out of a layout."""
    if isinstance(layout, GridLayout):
        return 0
    return sum(len(one.left_out_centers_um or ()) for one in layout.sections)


def field_centers_um(
    section: ListedSection, field_size_um: tuple[float, float]
) -> tuple[tuple[float, float], ...]:
    """Return the stage positions of the fields of a section: those listed, or else a grid.

    A grid runs row by row in alternating directions.

    Parameters
    ----------
    section : ListedSection
    field_size_um : (float, float)
        Width and height of one field, um.

    Returns
    -------
    tuple of (x, y)
        Centres, um; the first of a grid is at the top left (smallest x, largest y).
    """
    if section.field_centers_um is not None:
        return section.field_centers_um
    columns, rows = section.fields
    step = 1 - section.field_overlap_percent / 100
    dx, dy = field_size_um[0] * step, field_size_um[1] * step
    left = section.center_um[0] - dx * (columns - 1) / 2
    top = section.center_um[1] + dy * (rows - 1) / 2
    centers = []
    for row in range(rows):
        order = range(columns) if row % 2 == 0 else range(columns - 1, -1, -1)
        centers += [(left + column * dx, top - row * dy) for column in order]
    return tuple(centers)

"""Edits as a person asks for them, checked and resolved to edits of single cells."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from detection.image.hits import CellSource, Decision
from drivers.pose import box_to_rect
from service.errors import RefusedChoiceError, UnknownIdError
from service.model.review import BoxPx4, Edit, EditKind, Verdict
from service.model.specimen import Cell, Field, FieldState
from service.planning.review.ground import Grounds, frame_place
from service.store.store import Store

LEAST_SIDE_UM = 0.5
"""Least side of a box that a person draws, um: a click is no box. Chosen by hand."""

_OPEN = (FieldState.DETECTED, FieldState.PLANNED)


@dataclass(frozen=True, slots=True)
class Asked:
    """An edit as a person asks for it.

    Attributes
    ----------
    kind : EditKind
        Not of the policy.
    cell : str or None
        None for a cell to draw.
    field : str or None
        Field of a cell to draw.
    box_px : tuple or None
        Half-open, in pixels of the frame of the field; for a cell that is drawn or resized.
    whole_track : bool
        All cells of its tracks, in all sections; for a cell that is rejected or accepted.
    """

    kind: EditKind
    cell: str | None = None
    field: str | None = None
    box_px: BoxPx4 | None = None
    whole_track: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """Edits of single cells, and the cells that they draw."""

    edits: tuple[Edit, ...]
    new: tuple[Cell, ...]


class Resolver:
    """Resolver of what a person asks for in one session."""

    def __init__(self, store: Store, grounds: Grounds) -> None:
        self._store, self._grounds = store, grounds
        self._exposed = store.review.exposed()
        self._drawn: dict[str, int] = {}

    def resolve(self, asked: Sequence[Asked]) -> Resolved:
        """Return the edits of single cells.

        Raises
        ------
        UnknownIdError
            There is no such cell or field.
        RefusedChoiceError
            An edit is not possible; one sentence.
        """
        edits: list[Edit] = []
        new: list[Cell] = []
        for one in asked:
            if one.kind is EditKind.DRAW:
                cell = self._new(self._store.specimen.field(str(one.field)), _box(one))
                new.append(cell)
                edits.append(Edit(one.kind, cell.id, cell.box_px, cell.rect_m))
            else:
                edits += self._of_cells(one)
        names = [str(one.cell) for one in edits]
        twice = [name for name, number in Counter(names).items() if number > 1]
        if twice:
            raise RefusedChoiceError(f"cell {twice[0]} comes twice in these edits")
        return Resolved(tuple(edits), tuple(new))

    def _of_cells(self, asked: Asked) -> list[Edit]:
        cell = self._cell(str(asked.cell))
        if asked.kind is EditKind.RESIZE:
            field = self._field_of(cell)
            box = self._checked(field, _box(asked))
            place = frame_place(self._store, field)
            return [Edit(asked.kind, cell.id, box, box_to_rect(place.pose, place.shape, box))]
        cells = self._track_of(cell) if asked.whole_track and cell.tracks else [cell]
        if asked.kind is EditKind.REJECT:
            cells = [one for one in cells if one.verdict is not Verdict.REJECTED]
            if not cells:
                raise RefusedChoiceError(f"cell {cell.id} is rejected already")
        elif not asked.whole_track:
            self._demand_ground(cell)
        else:
            cells = [one for one in cells if self._has_ground(one)]
            if not cells:
                self._demand_ground(cell)
        return [Edit(asked.kind, one.id) for one in cells]

    def _cell(self, name: str) -> Cell:
        found = [one for one in self._store.review.cells([name]) if one.verdict is not Verdict.WITHDRAWN]
        if not found:
            raise UnknownIdError(f"there is no cell {name}")
        self._field_of(found[0])
        return found[0]

    def _track_of(self, cell: Cell) -> list[Cell]:
        of_tracks = self._store.review.cells_of_tracks(cell.tracks)
        return [one for one in of_tracks if one.section not in self._exposed]

    def _field_of(self, cell: Cell) -> Field:
        field = self._store.specimen.field(cell.field)
        self._demand_open(field)
        return field

    def _demand_open(self, field: Field) -> None:
        if field.section in self._exposed:
            raise RefusedChoiceError(
                f"the beam has been on section {field.section}: it is too late for edits"
            )
        if field.state not in _OPEN:
            raise RefusedChoiceError(
                f"field {field.id} is '{field.state}': only fields whose cells were detected can be edited"
            )

    def _new(self, field: Field, asked_px: BoxPx4) -> Cell:
        self._demand_open(field)
        box = self._checked(field, asked_px)
        place = frame_place(self._store, field)
        rect = box_to_rect(place.pose, place.shape, box)
        if field.id not in self._drawn:
            self._drawn[field.id] = self._store.review.drawn_in(field.id)
        self._drawn[field.id] += 1
        return Cell(
            id=f"{field.id}/p{self._drawn[field.id]:04d}",
            field=field.id,
            section=field.section,
            box_px=box,
            image_box_px=box,
            rect_m=rect,
            image_rect_m=rect,
            confidence=1.0,
            reason="",
            source=CellSource.FRAME,
            decision=Decision.KEPT,
            verdict=Verdict.DRAWN,
        )

    def _checked(self, field: Field, box: BoxPx4) -> BoxPx4:
        """Refuse a box that leaves the frame of a field or is too small."""
        place = frame_place(self._store, field)
        (width, height), (x0, y0, x1, y1) = place.size_px, box
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            raise RefusedChoiceError(
                f"the box {x0}, {y0}, {x1}, {y1} must lie inside the saved fluorescence of {field.id}:"
                f" {width} x {height} px, with x0 < x1 and y0 < y1"
            )
        size_um = (x1 - x0) * place.pose.pixel_size_m[0] * 1e6, (y1 - y0) * place.pose.pixel_size_m[1] * 1e6
        if min(size_um) < LEAST_SIDE_UM:
            raise RefusedChoiceError(
                f"a box must be at least {LEAST_SIDE_UM:g} um wide and high, and this one is"
                f" {size_um[0]:.2g} x {size_um[1]:.2g} um"
            )
        return box

    def _demand_ground(self, cell: Cell) -> None:
        if not self._has_ground(cell):
            raise RefusedChoiceError(f"no fluorescence of cell {cell.id} is saved: it cannot be imaged")

    def _has_ground(self, cell: Cell) -> bool:
        """Return True if some of a cell lies on saved fluorescence; that of an imaged one does."""
        return cell.image_rect_m is not None or bool(
            [
                field
                for field in self._store.specimen.fields(section=cell.section, touching=cell.rect_m)
                if field.image is not None
            ]
        )


def _box(asked: Asked) -> BoxPx4:
    assert asked.box_px is not None
    return asked.box_px

"""Replies about fields and their cells."""

from service.api.wire import fields as wire
from service.api.wire.messages import MOST_ROWS
from service.errors import UnknownIdError
from service.model.jobs import JobState
from service.model.specimen import Cell, Field
from service.planning.review.ground import known_place
from service.store.store import Store


def page(store: Store, params: wire.FieldsParams) -> wire.FieldPage:
    """Return some fields.

    Raises
    ------
    UnknownIdError
    """
    limit = min(params.limit, MOST_ROWS)
    found = store.specimen.fields(params.section, params.state, limit, params.after)
    return wire.FieldPage(
        fields=tuple(map(wire.FieldRow.of, found)),
        after=found[-1].id if len(found) == limit else None,
    )


def detail(store: Store, params: wire.FieldParams) -> wire.FieldDetail:
    """Return a field and the number of its cells.

    Raises
    ------
    UnknownIdError
    """
    field = store.specimen.field(params.field)
    row = wire.FieldRow.of(field)
    cells = store.specimen.cells(field=params.field)
    jobs = {job for cell in cells for job in cell.jobs}
    done = {job for job in jobs if store.queue.job(job).state is JobState.DONE}
    planned = [cell for cell in cells if cell.jobs]
    return wire.FieldDetail(
        row=row,
        cells=len(cells),
        planned=len(planned),
        done=sum(done.issuperset(cell.jobs) for cell in planned),
        frame=_frame(store, field),
    )


def boxes(store: Store, params: wire.BoxesParams) -> wire.BoxPage:
    """Return some cells of a field.

    Raises
    ------
    UnknownIdError
    """
    store.specimen.field(params.field)
    cells = store.specimen.cells(field=params.field)
    return _page(cells, params.limit, params.after, f"field {params.field}")


def of_target(store: Store, params: wire.TargetCellsParams) -> wire.BoxPage:
    """Return some cells of a target in the order of the sections.

    Raises
    ------
    UnknownIdError
    """
    cells = store.tracks.cells_of(params.target)
    if not cells:
        raise UnknownIdError(f"there is no cell or track {params.target}")
    return _page(cells, params.limit, params.after, f"track {params.target}")


def _page(cells: list[Cell], limit: int, after: str | None, where: str) -> wire.BoxPage:
    names = [cell.id for cell in cells]
    if after is not None and after not in names:
        raise UnknownIdError(f"there is no cell {after} in {where}")
    first = 0 if after is None else names.index(after) + 1
    last = first + min(limit, MOST_ROWS)
    return wire.BoxPage(
        boxes=tuple(map(wire.BoxRow.of, cells[first:last])),
        after=names[last - 1] if last < len(cells) else None,
    )


def _frame(store: Store, field: Field) -> wire.FrameFacts | None:
    place = known_place(store, field)
    if place is None:
        return None
    pose = place.pose
    return wire.FrameFacts(
        size_px=place.size_px,
        pixel_size_m=pose.pixel_size_m,
        rotation_rad=pose.rotation_rad,
        flip_x=pose.flip_x,
        flip_y=pose.flip_y,
    )

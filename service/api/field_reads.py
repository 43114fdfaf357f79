"""Replies about sections and fields: their cells and their fluorescence frames."""

import base64
from pathlib import Path

from service.api.wire import fields as wire
from service.api.wire.messages import MOST_ROWS
from service.api.wire.methods import SectionPage, SectionRow, SectionsParams
from service.errors import ImageError, UnknownIdError
from service.model.jobs import JobState
from service.pictures.preview import preview
from service.store.store import Store


def sections(store: Store, params: SectionsParams) -> SectionPage:
    """Return some sections in the order of cutting.

    Raises
    ------
    UnknownIdError
    """
    limit = min(params.limit, MOST_ROWS)
    found = store.specimen.sections(limit, params.after)
    return SectionPage(
        sections=tuple(SectionRow(section=s.id, index=s.index, center_m=s.center_m) for s in found),
        after=found[-1].id if len(found) == limit else None,
    )


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
    row = wire.FieldRow.of(store.specimen.field(params.field))
    cells = store.specimen.cells(field=params.field)
    jobs = {job for cell in cells for job in cell.jobs}
    done = {job for job in jobs if store.queue.job(job).state is JobState.DONE}
    planned = [cell for cell in cells if cell.jobs]
    return wire.FieldDetail(
        row=row,
        cells=len(cells),
        planned=len(planned),
        done=sum(done.issuperset(cell.jobs) for cell in planned),
    )


def boxes(store: Store, params: wire.BoxesParams) -> wire.BoxPage:
    """Return some cells of a field.

    Raises
    ------
    UnknownIdError
    """
    store.specimen.field(params.field)
    cells = store.specimen.cells(field=params.field)
    names = [cell.id for cell in cells]
    if params.after is not None and params.after not in names:
        raise UnknownIdError(f"there is no cell {params.after} in field {params.field}")
    first = 0 if params.after is None else names.index(params.after) + 1
    last = first + min(params.limit, MOST_ROWS)
    return wire.BoxPage(
        boxes=tuple(map(wire.BoxRow.of, cells[first:last])),
        after=names[last - 1] if last < len(cells) else None,
    )


def image(store: Store, params: wire.ImageParams) -> wire.ImageResult:
    """Return the frame of a field as a small PNG, or a part of its file.

    Raises
    ------
    UnknownIdError
        There is no such field, or it has no frame yet.
    ImageError
        The file cannot be read.
    """
    field = store.specimen.field(params.field)
    if field.image is None or field.sha256 is None:
        raise UnknownIdError(f"field {field.id} has no image: it is {field.state.value}")
    path = Path(store.folder) / field.image
    try:
        size_bytes = path.stat().st_size
        if params.form == "png":
            small = preview(path, params.max_side_px)
            return wire.ImageResult(
                image=field.image,
                sha256=field.sha256,
                size_bytes=size_bytes,
                base64=base64.b64encode(small.png).decode(),
                size_px=small.size_px,
                low_adu=small.low_adu,
                high_adu=small.high_adu,
            )
        with path.open("rb") as file:
            file.seek(params.offset)
            part = file.read(params.length)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
    after = params.offset + len(part)
    return wire.ImageResult(
        image=field.image,
        sha256=field.sha256,
        size_bytes=size_bytes,
        base64=base64.b64encode(part).decode(),
        after=after if part and after < size_bytes else None,
    )

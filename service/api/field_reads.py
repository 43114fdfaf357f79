"""What the API tells of one field: its cells and its frame."""

import base64
from pathlib import Path

from service.api.wire import fields as models
from service.errors import ImageError, UnknownIdError
from service.model.jobs import JobState
from service.pictures.preview import preview
from service.store.store import Store


def detail(store: Store, params: models.FieldParams) -> models.FieldDetail:
    """Return a field, and how many cells it has.

    Raises
    ------
    UnknownIdError
    """
    row = models.FieldRow.of(store.specimen.field(params.field))
    cells = store.specimen.cells(field=params.field)
    jobs = {job for cell in cells for job in cell.jobs}
    done = {job for job in jobs if store.queue.job(job).state is JobState.DONE}
    planned = [cell for cell in cells if cell.jobs]
    return models.FieldDetail(
        row=row,
        cells=len(cells),
        planned=len(planned),
        done=sum(done.issuperset(cell.jobs) for cell in planned),
    )


def boxes(store: Store, params: models.BoxesParams, *, most: int) -> models.BoxPage:
    """Return some cells of a field, `most` at most.

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
    last = first + min(params.limit, most)
    return models.BoxPage(
        boxes=tuple(map(models.BoxRow.of, cells[first:last])),
        after=names[last - 1] if last < len(cells) else None,
    )


def image(store: Store, params: models.ImageParams) -> models.ImageResult:
    """Return the frame of a field as a small PNG, or a piece of its file.

    Raises
    ------
    UnknownIdError
        There is no such field, or no frame of it.
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
            return models.ImageResult(
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
            piece = file.read(params.length)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
    after = params.offset + len(piece)
    return models.ImageResult(
        image=field.image,
        sha256=field.sha256,
        size_bytes=size_bytes,
        base64=base64.b64encode(piece).decode(),
        after=after if piece and after < size_bytes else None,
    )

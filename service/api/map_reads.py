"""Replies for maps: sections on the stage, electron frames over fluorescence, images of both."""

import base64
from pathlib import Path

import numpy as np

from drivers.pose import RectM, to_pixels
from planner.geometry.rects import grown
from service.api.wire import maps as wire
from service.api.wire.fields import ImageParams, ImageResult
from service.api.wire.messages import MOST_ROWS
from service.errors import ImageError, RefusedChoiceError, UnknownIdError
from service.model.jobs import ExposureState
from service.model.section_states import section_state
from service.model.specimen import FramePlace
from service.pictures.preview import preview
from service.planning.review.ground import frame_place
from service.store.store import Store


def sections(store: Store, params: wire.SectionsParams) -> wire.SectionPage:
    """Return some sections in the order of cutting.

    Raises
    ------
    UnknownIdError
    """
    limit = min(params.limit, MOST_ROWS)
    found = store.specimen.sections(limit, params.after)
    names = [one.id for one in found]
    fields, jobs = store.specimen.fields_by_section(names), store.queue.counts_by_section(names)
    return wire.SectionPage(
        sections=tuple(
            wire.SectionRow(
                section=one.id,
                index=one.index,
                center_m=one.center_m,
                state=section_state(fields[one.id].counts, jobs.get(one.id, {})),
                rect_m=fields[one.id].rect_m,
                outline_m=one.outline_m,
                fields=fields[one.id].counts,
                jobs=jobs.get(one.id, {}),
            )
            for one in found
        ),
        after=names[-1] if len(found) == limit else None,
    )


def frames(store: Store, params: wire.FramesParams) -> wire.FramePage:
    """Return some electron frames that touch a field, in the order of the queue.

    Raises
    ------
    UnknownIdError
        There is no such field.
    ImageError
        The place of its frame is not known.
    """
    field = store.specimen.field(params.field)
    if field.image is None:
        return wire.FramePage(frames=(), after=None)
    try:
        place = frame_place(store, field)
    except RefusedChoiceError as error:
        raise ImageError(str(error)) from error
    limit = min(params.limit, MOST_ROWS)
    found = store.queue.jobs_touching(field.rect_m, limit, params.after)
    exposed = store.ledger.of_jobs([job.id for job in found])
    rows = []
    for job in found:
        ground = [
            grown(one.rect_m, one.halo_m)
            for one in exposed.get(job.id, ())
            if one.state is not ExposureState.VOID
        ]
        rows.append(
            wire.FrameRow(
                job=job.id,
                position=job.position,
                kind=job.kind,
                state=job.state,
                rect_m=job.rect_m,
                box_px=_box_px(place, job.rect_m),
                sha256=job.sha256,
                exposed_m=tuple(ground),
                exposed_px=tuple(_box_px(place, one) for one in ground),
            )
        )
    return wire.FramePage(frames=tuple(rows), after=found[-1].position if len(found) == limit else None)


def field_image(store: Store, params: ImageParams) -> ImageResult:
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
    if params.form == "png":
        return _small(path, field.image, field.sha256, params)
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            file.seek(params.offset)
            part = file.read(params.length)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
    after = params.offset + len(part)
    return ImageResult(
        image=field.image,
        sha256=field.sha256,
        size_bytes=size_bytes,
        base64=base64.b64encode(part).decode(),
        after=after if part and after < size_bytes else None,
    )


def job_image(store: Store, params: wire.JobImageParams) -> ImageResult:
    """Return the electron image of a job as a small PNG.

    Raises
    ------
    UnknownIdError
        There is no such job, or it has no image yet, or none of that exposure.
    ImageError
        The file cannot be read.
    """
    job = store.queue.job(params.job)
    if params.exposure is not None:
        images = store.images.of_jobs([job.id]).get(job.id, ())
        taken = next((one for one in images if one.exposure == params.exposure), None)
        if taken is None:
            raise UnknownIdError(f"job {job.id} has no image of exposure {params.exposure}")
        return _small(Path(store.folder) / taken.file, taken.file, taken.sha256, params)
    if job.image is None or job.sha256 is None:
        raise UnknownIdError(f"job {job.id} has no image: it is {job.state.value}")
    return _small(Path(store.folder) / job.image, job.image, job.sha256, params)


def _small(path: Path, name: str, sha256: str, params: ImageParams | wire.JobImageParams) -> ImageResult:
    """Return a file as a small PNG."""
    small = preview(path, params.max_side_px, params.box_px)
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
    return ImageResult(
        image=name,
        sha256=sha256,
        size_bytes=size_bytes,
        base64=base64.b64encode(small.png).decode(),
        size_px=small.size_px,
        low_adu=small.low_adu,
        high_adu=small.high_adu,
    )


def _box_px(place: FramePlace, rect: RectM) -> wire.BoxPx:
    x0, y0, x1, y1 = rect
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    points = to_pixels(place.pose, place.shape, corners)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return left, top, right, bottom

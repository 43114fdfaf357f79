"""Replies about the queue of SEM jobs, the ledger of exposures and the focus."""

from collections.abc import Mapping
from typing import Any

from planner.geometry.rects import area_m2, cut
from service.api.wire import focus
from service.api.wire import overviews as overview
from service.api.wire import queue as wire
from service.api.wire.messages import MOST_ROWS, EventMessage
from service.model.focus import FocusBeam, FocusState
from service.model.jobs import Job
from service.session.folders.run_folder import RunFolder
from service.store.store import Store


def page(store: Store, params: wire.QueueParams) -> wire.JobPage:
    """Return some jobs in the order of the queue."""
    limit = min(params.limit, MOST_ROWS)
    found = store.queue.jobs(params.state, params.section, limit, params.after)
    return wire.JobPage(jobs=rows(store, found), after=found[-1].position if len(found) == limit else None)


def rows(store: Store, found: list[Job]) -> tuple[wire.JobRow, ...]:
    """Return the rows of some jobs, with the reason for each cell that they cover."""
    kept, tracks = store.queue.kept_because(found), store.tracks.of_cells(found)
    images = store.images.of_jobs([job.id for job in found])
    return tuple(wire.JobRow.of(job, kept, tracks, images.get(job.id, ())) for job in found)


def detail(store: Store, params: wire.JobParams, devices: Mapping[str, Any], retakes: int) -> wire.JobDetail:
    """Return one job with its images, exposures, history and focus.

    Raises
    ------
    UnknownIdError
    """
    job = store.queue.job(params.job)
    folder = RunFolder(store.folder)
    image = folder.em_image(job.section, job.id, store.ledger.taken(job.id)).relative_to(folder.path)
    found, seen = store.focus.of_job(job.id), store.overviews.of_job(job.id)
    blanked = devices.get("beam_blanked")
    (row,) = rows(store, [job])
    return wire.JobDetail(
        row=row,
        rect_m=job.rect_m,
        image=job.image,
        sha256=job.sha256,
        images=tuple(map(wire.ImageRow.of, store.images.of_jobs([job.id]).get(job.id, ()))),
        retakes=retakes,
        image_found=image.as_posix() if (store.folder / image).is_file() else None,
        exposures=tuple(map(wire.ExposureRow.of, store.ledger.exposures(job=job.id))),
        history=tuple(map(EventMessage.of, store.queue.history(job.id))),
        focus=None if found is None else focus.FocusRow.of(found),
        overview=None if seen is None else overview.OverviewRow.of(seen),
        beam_blanked=blanked if isinstance(blanked, bool) else None,
        fields=_under(store, job),
    )


def exposures(store: Store, params: wire.ExposuresParams) -> wire.ExposurePage:
    """Return some rows of the ledger."""
    limit = min(params.limit, MOST_ROWS)
    found = store.ledger.exposures(limit, params.after, params.job)
    return wire.ExposurePage(
        exposures=tuple(map(wire.ExposureRow.of, found)),
        after=found[-1].id if len(found) == limit else None,
    )


def focuses(store: Store, params: focus.FocusesParams) -> focus.FocusPage:
    """Return the focus of some sections."""
    limit = min(params.limit, MOST_ROWS)
    found = store.focus.all(params.beam, limit, params.after)
    return focus.FocusPage(
        focuses=tuple(map(focus.FocusRow.of, found)),
        after=found[-1].id if len(found) == limit else None,
    )


def overviews(store: Store, params: overview.OverviewsParams) -> overview.OverviewPage:
    """Return some overviews of stage positions."""
    limit = min(params.limit, MOST_ROWS)
    found = store.overviews.all(limit, params.after)
    return overview.OverviewPage(
        overviews=tuple(map(overview.OverviewRow.of, found)),
        after=found[-1].id if len(found) == limit else None,
    )


def focus_sums(store: Store) -> tuple[focus.FocusSums, ...]:
    """Return the focus results of each beam in use, counted."""
    sums = []
    for beam in FocusBeam:
        counts = store.focus.counts(beam)
        count, exposed_s = store.focus.cost(beam)
        if counts:
            sums.append(
                focus.FocusSums(
                    beam=beam,
                    used=counts.get(FocusState.USED, 0),
                    outliers=counts.get(FocusState.OUTLIER, 0),
                    not_found=counts.get(FocusState.NOT_FOUND, 0),
                    exposures=count,
                    exposed_s=exposed_s,
                )
            )
    return tuple(sums)


def _under(store: Store, job: Job) -> tuple[str, ...]:
    found = store.specimen.fields(job.section, touching=job.rect_m)
    found.sort(key=lambda field: -area_m2(cut(field.rect_m, to=job.rect_m)))
    return tuple(field.id for field in found)

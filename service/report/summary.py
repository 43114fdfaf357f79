"""The numbers of a session, as `dry-run --json` and `replay --json` print them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from config.layout import fields_left_out
from config.model import Config
from detection.image.hits import Decision
from planner.settings import settings_from
from planner.values import Basis
from service.model.event import Event
from service.model.focus import FocusBeam
from service.model.images.checks import ImageCounts
from service.model.images.trends import Trend
from service.model.jobs import ExposureState, JobState
from service.model.overviews import Overview
from service.model.specimen import FieldState, TruthPoints
from service.report.durations import SessionWay, durations_of, session_ways
from service.report.focusing import Focusing, focusing
from service.report.found_sections import FoundSections, found_sections
from service.report.recall import contained_recall
from service.session.folders.run_folder import RunFolder, total_bytes
from service.session.missing_images import missing_images
from service.session.stage_frame import StageFrame
from service.store.outcome import end_state
from service.store.store import Store
from service.trends.noting import trends_of

_UNDONE = (JobState.FAILED, JobState.NEEDS_REVIEW)


@dataclass(frozen=True, slots=True)
class Measured:
    """Measured place of a field.

    Attributes
    ----------
    section : str
    field, job, reason : str or None
    state : str
        As in `service.model.overviews.OverviewState`.
    offset_um : (float, float) or None
    proven_um : float or None
    """

    section: str
    field: str | None
    job: str | None
    state: str
    reason: str | None
    offset_um: tuple[float, float] | None
    proven_um: float | None

    @classmethod
    def of(cls, overview: Overview) -> Self:
        """Return the numbers of an overview."""
        off_m = overview.offset_m
        return cls(
            section=overview.section,
            field=overview.field,
            job=overview.job,
            state=overview.state.value,
            reason=None if overview.reason is None else overview.reason.value,
            offset_um=None if off_m is None else (off_m[0] * 1e6, off_m[1] * 1e6),
            proven_um=None if overview.proven_m is None else overview.proven_m * 1e6,
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """Numbers of a session; see `ilemtrack dry-run --json` in docs/documents.md."""

    run: str
    end_state: str
    sections: int
    fields: int
    left_out_fields: int
    """Fields that `ilemtrack preview` left out of the layout, since they seemed to hold no cells."""
    cells: int
    below_floor_cells: int
    """Those of them that are reported only, as they are unlikely to be cells."""
    jobs: dict[str, int]
    helping_jobs: dict[str, int]
    """Those of all jobs that are no frames, by kind: focuses and overviews."""
    beam_s: float
    session_s: float
    idle_s: float
    raster_session_s: float | None
    alternatives: tuple[SessionWay, ...]
    data_bytes: int
    contained_recall: float | None
    tracks: int
    focus: tuple[Focusing, ...]
    """Each beam that was focused."""
    failed_fields: dict[str, str]
    """Reasons of failed fields, by field."""
    undone_jobs: dict[str, str]
    """Reasons of jobs that failed or need review, by job."""
    clipped_cells: dict[str, str]
    """Reasons of partly imaged cells, by cell."""
    frameless_cells: dict[str, str]
    """Reasons of cells that were to be imaged and got no frame, by cell."""
    stitched_cells: tuple[str, ...]
    """Cells that lie whole in no frame, by the plans."""
    raster_sections: tuple[str, ...]
    """Sections that are imaged as a full raster."""
    left_out_cells: dict[str, int]
    """Number of cells left out by choice, over all sections, by reason."""
    beside_cells: dict[str, int]
    """Those of them by what the frames of other cells do to them."""
    reviewed_cells: dict[str, int]
    """Number of cells by the last decision of a person; see `service.model.review.Verdict`."""
    overviews: tuple[Measured, ...]
    """Overviews in their order: where each field lies, or why that is not proven."""
    remarks: dict[str, str]
    """Remarks of the ledger on good images, by job."""
    images: ImageCounts
    """Checks of all images, those of frames that were taken again included."""
    flagged_images: dict[str, dict[str, float]]
    """Last images of jobs that are not as they should be: by job, the numbers of the checks that say so."""
    missing_images: tuple[str, ...]
    """Saved images that are no longer in the folder of the run."""
    trends: tuple[Trend, ...]
    """Last change of each quantity that should be the same in all sections."""
    retaken: tuple[str, ...]
    """Jobs that the program exposed again, as their image was bad; each once for each time."""
    found_sections: FoundSections | None
    """Sections of a simulated overview against the truth; None where the session began without one."""

    @property
    def well(self) -> bool:
        """True if the session is complete, nothing failed, and every image is there."""
        return self.end_state == "done" and not self.missing_images


def summarise(config: Config, store: Store, folder: RunFolder, truth: TruthPoints | None) -> Summary:
    """Return the summary of a session.

    Parameters
    ----------
    config : Config
    store : Store
    folder : RunFolder
    truth : callable or None
        Points of the true cells of a section; None where they are not known.

    Returns
    -------
    Summary
    """
    planned = store.events.of("plan")
    plans = {event.subject: event for event in planned}
    durations = durations_of(store.events.each())
    ways = session_ways(config, store, durations)
    focus = focusing(store.focus.all())
    noted = _noted(store)
    counts = store.queue.counts()
    undone = sorted((job for state in _UNDONE for job in store.queue.jobs(state)), key=lambda j: j.position)
    failed = store.specimen.fields(state=FieldState.FAILED)
    return Summary(
        run=store.run_id(),
        end_state=end_state(store),
        sections=len(store.specimen.sections()),
        fields=sum(store.specimen.field_counts().values()),
        left_out_fields=fields_left_out(config.layout),
        cells=store.specimen.cell_count(),
        below_floor_cells=store.specimen.cells_by("decision").get(Decision.BELOW_FLOOR.value, 0),
        jobs={
            state.value: counts[state]
            for state in (JobState.DONE, JobState.SKIPPED, JobState.FAILED, JobState.NEEDS_REVIEW)
        },
        helping_jobs={kind.value: n for kind, n in store.queue.helping_counts().items()},
        # Each scan that ended, also one that was taken again or whose image is in review.
        beam_s=sum(store.ledger.dwell_times_s())
        + sum(one.exposed_s for one in focus if one.beam == FocusBeam.ELECTRON),
        session_s=durations.session_s,
        idle_s=max(0.0, durations.session_s - durations.busy_s),
        raster_session_s=next((way.session_s for way in ways if way.method == "raster"), None),
        alternatives=ways,
        data_bytes=total_bytes([folder.path / "fm", folder.path / "em"]),
        contained_recall=None if truth is None else _recall(config, store, truth),
        tracks=store.tracks.count(),
        focus=focus,
        overviews=tuple(map(Measured.of, store.overviews.all())),
        remarks=noted.remarks,
        found_sections=found_sections(config),
        images=store.images.counts(),
        flagged_images={
            image.job: {one.kind.value: one.value for one in image.bad} for image in store.images.flagged()
        },
        missing_images=missing_images(store, folder),
        trends=trends_of(store),
        retaken=noted.retaken,
        failed_fields={field.id: str(field.reason) for field in failed},
        undone_jobs={job.id: str(job.reason) for job in undone},
        clipped_cells=_clipped(planned),
        frameless_cells=store.targets.without_frame(),
        stitched_cells=tuple(sorted(c for e in plans.values() for c in e.data.get("stitched", ()))),
        left_out_cells=store.specimen.cells_by("left_out"),
        beside_cells=store.specimen.cells_by("beside"),
        reviewed_cells=store.specimen.cells_by("verdict"),
        raster_sections=tuple(s for s, e in plans.items() if e.data.get("basis") == Basis.RASTER),
    )


@dataclass(frozen=True, slots=True)
class _Noted:
    """Remarks of the ledger on good images, by job, and jobs that the program exposed again."""

    remarks: dict[str, str]
    retaken: tuple[str, ...]


def _noted(store: Store) -> _Noted:
    remarks: dict[str, str] = {}
    retaken: list[str] = []
    for row in store.ledger.each():
        if row.state is ExposureState.CLOSED and row.note:
            remarks[row.job] = row.note
        if row.retake_of is not None and row.state is not ExposureState.VOID:
            retaken.append(row.job)
    return _Noted(remarks, tuple(retaken))


def _clipped(plans: Sequence[Event]) -> dict[str, str]:
    """Return the reasons of cells that the plans show in part, by cell."""
    found: dict[str, str] = {}
    for event in plans:
        found |= event.data["clipped"]
    return found


def _recall(config: Config, store: Store, truth: TruthPoints) -> float | None:
    reach_m = StageFrame.of(config).reach_m
    # Frames that overlap by twice the error of the stage leave no gap.
    seam_m = 2e-6 * config.stage.position_error_um
    stay_seam_m = 2e-6 * config.sem.beam_error_um
    outline_margin_m = config.planner.outline_margin_um * 1e-6
    border_m = settings_from(config.planner, config.sem, config.stage).border_m
    return contained_recall(store, truth, reach_m, outline_margin_m, seam_m, stay_seam_m, border_m)

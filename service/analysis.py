"""Detection and planning beside the microscope: while it takes the next frame, the last one is worked on."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from config.model import Config
from detection.cells import Cell as FoundCell
from detection.detect import detect
from detection.errors import DetectionError
from drivers.clock import Clock
from drivers.pose import Pose, box_to_rect
from service.detectors import open_detector
from service.errors import ImageError, StoreError
from service.images import Pixels, read_fm
from service.logs import get_logger
from service.planning import plan_section
from service.records import Cell, Field, FieldState
from service.run_folder import RunFolder
from service.store.store import Store

log = get_logger(__name__)

Load = Callable[[], tuple[Pixels, Pose, float | None]]
"""Gets a frame: pixels, pose, and the grey level of no light if known."""


class Analysis:
    """One worker: boxes of every saved field, then the plan of every section whose fields are all seen.

    Raises
    ------
    InputError
        The configuration names a detector that is not at hand.
    """

    def __init__(self, config: Config, store: Store, folder: RunFolder, clock: Clock) -> None:
        self._config, self._store, self._folder, self._clock = config, store, folder, clock
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analysis")
        self._pending: list[Future[None]] = []
        self._submitted: set[str] = set()
        self._detector = open_detector(config.detection)
        self._ready_s = 0.0

    def submit(self, field: Field, pixels: Pixels, pose: Pose, offset_adu: float | None) -> None:
        """Work on a frame that was just saved."""
        self._submit(field, lambda: (pixels, pose, offset_adu))

    def submit_unfinished(self) -> None:
        """Work on what an earlier program saved but did not analyse, from disk."""
        # What the database did not take is done again below.
        self._pending = [one for one in self._pending if not (one.done() and _unrecorded(one))]
        for field in self._store.fields(state=FieldState.SAVED):
            if field.id not in self._submitted:
                self._submit_from_disk(field)
        sections = {field.section for field in self._store.fields(state=FieldState.DETECTED)}
        for section in sorted(sections):
            self._pending.append(self._worker.submit(self._plan_if_seen, section))

    def wait(self) -> None:
        """Wait until all that was submitted is done; errors of the store come out here."""
        pending, self._pending = self._pending, []
        for future in pending:
            future.result()
        # Where time runs faster than the computer, the session still pays for what analysis really took.
        self._clock.sleep(max(0.0, self._ready_s - self._clock.now_s()))

    def close(self) -> None:
        """End the worker; what it had not begun is left for the next program."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _submit_from_disk(self, field: Field) -> None:
        def load() -> tuple[Pixels, Pose, float | None]:
            return read_fm(self._folder.path / str(field.image), field.sha256)

        self._submit(field, load)

    def _submit(self, field: Field, load: Load) -> None:
        self._submitted.add(field.id)
        begun_s = self._clock.now_s()
        work = self._worker.submit(self._work, field, load, begun_s)
        work.add_done_callback(lambda done: self._forget_unrecorded(field, done))
        self._pending.append(work)

    def _forget_unrecorded(self, field: Field, done: Future[None]) -> None:
        """Let a field be submitted again whose result the database did not take."""
        if _unrecorded(done):
            self._submitted.discard(field.id)

    def _work(self, field: Field, load: Load, begun_s: float) -> None:
        begun = time.perf_counter()
        try:
            pixels, pose, offset_adu = load()
            size_um = pose.pixel_size_m[0] * 1e6
            found = detect(pixels, size_um, self._config.detection, offset_adu, self._detector)
        except Exception as error:
            # Whatever a frame does to a detector, it costs that field only: its fluorescence is on the disk.
            known = isinstance(error, (DetectionError, ImageError))
            log.error("detection failed", field=field.id, error=str(error), exc_info=not known)
            reason = f"detection failed: {error or type(error).__name__}"
            self._store.set_field(field.id, FieldState.FAILED, reason=reason)
        else:
            cells = [_cell(field, cell, pose, pixels.shape) for cell in found.cells]
            self._store.record_detection(field.id, cells, found.elapsed_ms, found.warnings)
            log.info("detected", field=field.id, cells=len(cells), elapsed_ms=found.elapsed_ms)
        self._plan_if_seen(field.section)
        self._ready_s = max(self._ready_s, begun_s) + time.perf_counter() - begun

    def _plan_if_seen(self, section: str) -> None:
        """Plan a section once all its fields were seen or given up."""
        fields = self._store.fields(section=section)
        if not any(field.state in (FieldState.PENDING, FieldState.SAVED) for field in fields):
            plan_section(self._config, self._store, section)


def _unrecorded(done: Future[None]) -> bool:
    """Whether a work that ended failed at the database."""
    return not done.cancelled() and isinstance(done.exception(), StoreError)


def _cell(field: Field, found: FoundCell, pose: Pose, shape: tuple[int, ...]) -> Cell:
    """Put a cell as found in pixels on the stage, by the pose of its frame."""
    rows, columns = shape
    box, image = found.box_px, found.image_box_px
    box_px = (box.x0, box.y0, box.x1, box.y1)
    image_px = (image.x0, image.y0, image.x1, image.y1) if image is not None else None
    return Cell(
        id=f"{field.id}/{found.id}",
        field=field.id,
        section=field.section,
        box_px=box_px,
        image_box_px=image_px,
        rect_m=box_to_rect(pose, (rows, columns), box_px),
        image_rect_m=box_to_rect(pose, (rows, columns), image_px) if image_px is not None else None,
        confidence=found.confidence,
        reason=found.reason,
    )

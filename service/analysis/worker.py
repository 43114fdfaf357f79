"""Detection and planning beside the microscope, in a worker thread while it takes frames."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial

from config.layout import listed_sections
from config.model import Config
from detection.detectors import Detector
from drivers.clock import Clock
from service.analysis.brightness import with_brightness
from service.analysis.detectors import open_detector
from service.analysis.linking import Found, Linking
from service.analysis.mosaic import FieldFrame
from service.analysis.run_pictures import RunPictures
from service.analysis.track_names import TrackNames
from service.errors import ImageError, StoreError
from service.image_files.images import read_fm
from service.logs import get_logger
from service.model.specimen import Field, FieldCells, FieldState
from service.planning.review.edit import conform
from service.planning.section import plan_section
from service.planning.targets.choose import decide_by_rule, rule_in_force
from service.session.folders.run_folder import RunFolder
from service.store.store import Store
from service.trends.noting import note_fluorescence

log = get_logger(__name__)

_LOOK_S = 0.2
"""Between calls of `check`: a person who aborts waits no longer."""
_LOG_EVERY = 50
"""Sections between log lines while recorded sections are linked again, which takes minutes."""
_OPEN = (FieldState.PENDING, FieldState.SAVED)
_SEEN = (FieldState.DETECTED, FieldState.PLANNED)


class Analysis:
    """One worker thread: finds the cells of every section whose fluorescence is taken, and plans it.

    Sections are processed in the order of cutting, each once none of its fields is pending. Their frames are
    read from disk, so that memory does not grow with the array and a restart sees the same pixels. A new
    process starts again with the first section, and records results only for fields that are still ``saved``;
    see docs/decisions/0007-serial-in-sessions.md. Without `pictures`, none are drawn. A `detector` stands
    for the one that the configuration names.

    Raises
    ------
    InputError
        Raised when the configuration names a detector that is not available.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        folder: RunFolder,
        clock: Clock,
        pictures: bool = True,
        detector: Detector | None = None,
    ) -> None:
        self._config, self._store, self._folder, self._clock = config, store, folder, clock
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analysis")
        self._pending: list[Future[None]] = []
        self._look_ahead = config.session.order == "array"
        self._linking = Linking(
            config.detection,
            detector or open_detector(config.detection),
            self._look_ahead,
            TrackNames(store.tracks.names()),
            lambda section: store.specimen.cells(section=section),
        )
        self._untaken = [section.id for section in store.specimen.sections()]
        self._angles_rad = {
            section.id: math.radians(section.angle_deg)
            for section in listed_sections(config.layout)
            if section.angle_deg is not None
        }
        self._found: list[Found] = []
        """Results not yet in the store."""
        self._pictures = RunPictures(folder, len(self._untaken)) if pictures else None
        self._linked_again = 0
        """Sections recorded by an earlier process."""
        self._ready_s = 0.0
        self._closing = threading.Event()

    def submit(self) -> None:
        """Process the sections that are complete, now that a frame was saved."""
        self._submit(lambda: self._advance(last=False))

    def submit_unfinished(self) -> None:
        """Process fields that an earlier process saved without analysis, or that the database refused."""
        self._pending = [one for one in self._pending if not (one.done() and _unrecorded(one))]
        for section in dict.fromkeys(
            f.section for f in self._store.specimen.fields(state=FieldState.DETECTED)
        ):
            self._submit(partial(self._plan_if_seen, section))
        self.submit()

    def finish(self) -> None:
        """Process the remaining sections: no more fluorescence comes before the beam."""
        self._submit(lambda: self._advance(last=True))

    def plan_again(self) -> None:
        """Plan the sections whose plan was withdrawn; may be called from any thread."""
        # While the program ends, the next process does it.
        with suppress(RuntimeError):
            self.finish()

    def wait(self, check: Callable[[], None]) -> None:
        """Wait until the cells of all saved fields are planned; raise errors of the store.

        After a restart it may take minutes. `check` is called several times a second; if it raises, the wait
        ends but not the work.
        """
        self.finish()
        while self._pending:
            done, _ = wait(self._pending[:1], timeout=_LOOK_S)
            if done:
                self._pending.pop(0).result()
            check()
        # Under a fast clock the session still takes the time that analysis really took.
        self._clock.sleep(max(0.0, self._ready_s - self._clock.now_s()))

    def close(self) -> None:
        """End the worker after the current section; the next process does the rest."""
        self._closing.set()
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _submit(self, work: Callable[[], None]) -> None:
        begun_s = self._clock.now_s()

        def timed() -> None:
            begun = time.perf_counter()
            try:
                work()
            finally:
                self._ready_s = max(self._ready_s, begun_s) + time.perf_counter() - begun

        self._pending.append(self._worker.submit(timed))

    def _advance(self, last: bool) -> None:
        """Process the complete sections; with `last`, finish those that wait for later ones, too."""
        self._keep_found()
        if self._store.specimen.fields(state=FieldState.SAVED, limit=1):
            for section, fields in self._complete(last):
                if self._closing.is_set():
                    return
                new = any(field.state is FieldState.SAVED for field in fields)
                if self._config.detection.serial or new:
                    frames = self._frames(fields)
                    if frames:
                        self._log_relinking(section, new)
                        self._found += self._linking.add(frames, self._angles_rad.get(section))
                self._untaken.remove(section)
                self._keep_found()
            if last:
                self._found += self._linking.finish()
                self._keep_found()
        if last:
            self._plan_the_rest()
        if self._pictures and last and not self._store.specimen.fields(state=FieldState.PENDING, limit=1):
            self._pictures.finish()

    def _log_relinking(self, section: str, new: bool) -> None:
        """Log the progress of linking recorded sections again, which gives new ones their tracks."""
        if not new:
            if self._linked_again % _LOG_EVERY == 0:
                recorded = {f.section for state in _SEEN for f in self._store.specimen.fields(state=state)}
                log.info(
                    "linking recorded sections again",
                    section=section,
                    done=self._linked_again,
                    recorded=len(recorded),
                )
            self._linked_again += 1
        elif self._linked_again:
            log.info("recorded sections are linked again", sections=self._linked_again)
            self._linked_again = 0

    def _complete(self, last: bool) -> Iterator[tuple[str, list[Field]]]:
        """Yield the sections without a pending field, up to the first that has one.

        Sections without fluorescence are skipped as gaps. If all fluorescence comes first, a section still
        pending at its end does not hold up the others.
        """
        for section in tuple(self._untaken):
            fields = self._store.specimen.fields(section=section)
            if any(field.state is FieldState.PENDING for field in fields):
                if last and self._look_ahead:
                    continue
                return
            yield section, fields

    def _frames(self, fields: list[Field]) -> list[FieldFrame]:
        """Read saved frames, except those that an earlier process could not use."""
        frames = []
        for field in fields:
            if field.image is None or field.undetected:
                continue
            try:
                frames.append(FieldFrame(field, *read_fm(self._folder.path / field.image, field.sha256)))
            except (ImageError, OSError) as error:
                log.error("a frame is lost", field=field.id, error=str(error))
                if field.state is FieldState.SAVED:
                    self._found.append(Found(field.section, failed={field.id: f"detection failed: {error}"}))
        return frames

    def _keep_found(self) -> None:
        while self._found:
            found = self._found[0]
            self._keep(found)
            # Only now, so that results the store refused are tried again.
            del self._found[0]
            if self._pictures is not None:
                self._pictures.add(found)

    def _keep(self, found: Found) -> None:
        """Record new results of a section, and plan it once all its fields are detected or failed."""
        states = {field.id: field.state for field in self._store.specimen.fields(section=found.section)}
        for field, reason in found.failed.items():
            if states[field] is FieldState.SAVED:
                self._store.specimen.set_field(field, FieldState.FAILED, reason=reason)
        new = [one for one in found.fields if states[one.field] is FieldState.SAVED]
        if new:
            with self._store.transaction():
                new = with_brightness(new, found.frames)
                self._store.tracks.record_section(new, found.tracks)
                conform(self._config, self._store, found.section)
            cells = sum(len(one.cells) for one in new)
            elapsed_ms = round(sum(one.elapsed_ms for one in new), 1)
            log.info("detected", section=found.section, cells=cells, elapsed_ms=elapsed_ms)
            self._note_levels(found, new)
        if new or found.failed:
            self._plan_if_seen(found.section)

    def _note_levels(self, found: Found, new: list[FieldCells]) -> None:
        """Note what may change slowly; an error in that costs the numbers, never the cells."""
        try:
            frames = [(frame.pixels, frame.offset_adu) for frame in found.frames]
            note_fluorescence(self._store, found.section, frames, new)
        except Exception:
            log.exception("levels not noted", section=found.section)

    def _plan_if_seen(self, section: str) -> None:
        # Cells are chosen among those of all sections, so that no plan is made before the last is seen.
        if rule_in_force(self._config, self._store).everything:
            self._plan(section)

    def _plan_the_rest(self) -> None:
        """Plan the sections that are seen and not planned, after the choice among their cells."""
        seen = self._store.specimen.fields(state=FieldState.DETECTED)
        if seen:
            decide_by_rule(self._config, self._store)
        for section in dict.fromkeys(field.section for field in seen):
            if self._closing.is_set():
                return
            self._plan(section)

    def _plan(self, section: str) -> None:
        fields = self._store.specimen.fields(section=section)
        if not any(field.state in _OPEN for field in fields):
            plan_section(self._config, self._store, section)


def _unrecorded(done: Future[None]) -> bool:
    """Return True if a finished work failed at the database."""
    return not done.cancelled() and isinstance(done.exception(), StoreError)

"""Detection in the sections of a session: linked to their neighbours where possible, else alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from config.work import DetectionConfig
from detection.detect import detect
from detection.detectors import Detector
from detection.errors import DetectionError
from detection.image.hits import Detection
from detection.registration.section_frame import SectionFrame
from detection.serial.detector import SerialDetector
from detection.serial.section import PIXEL_SIZE_TOLERANCE, SerialSection, Share
from detection.tracking.central_section import central_sections
from service.analysis.mosaic import FieldFrame, Mosaic, stitch_fields
from service.analysis.track_names import TrackNames
from service.logs import get_logger
from service.model.specimen import Cell, FieldCells, Track

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """Final result for the fields of a section, or for some of them.

    Attributes
    ----------
    section : str
    fields : tuple of FieldCells
    tracks : tuple of Track
        Of these cells, as far as later sections are known already.
    failed : mapping
        Reason why a field has no cells, by its identifier.
    mosaic : Mosaic or None
        None if the section was not linked.
    serial : SerialSection or None
        The same cells, in pixels of the mosaic.
    alone : tuple of (FieldFrame, Detection)
        Detections of single fields, if the section was not linked.
    """

    section: str
    fields: tuple[FieldCells, ...] = ()
    tracks: tuple[Track, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    mosaic: Mosaic | None = None
    serial: SerialSection | None = None
    alone: tuple[tuple[FieldFrame, Detection], ...] = ()

    @property
    def frames(self) -> tuple[FieldFrame, ...]:
        """Frames in which its cells were found."""
        return tuple(frame for frame, _ in self.alone) if self.mosaic is None else self.mosaic.frames


class Linking:
    """Detects the cells of sections in the order of cutting, linked to their neighbours.

    A failure of the linking loses no cells: a section that cannot be linked is detected alone, field by
    field.

    Parameters
    ----------
    settings : DetectionConfig
    detector : Detector
    look_ahead : bool
        Use later sections too; a section then comes out some sections late.
    names : TrackNames
    recorded : callable
        Returns the cells of a section that are recorded already; none for a new one.
    """

    def __init__(
        self,
        settings: DetectionConfig,
        detector: Detector,
        look_ahead: bool,
        names: TrackNames,
        recorded: Callable[[str], Sequence[Cell]],
    ) -> None:
        self._settings, self._detector, self._look_ahead = settings, detector, look_ahead
        self._names, self._recorded = names, recorded
        self._held: dict[str, Mosaic] = {}
        self._serial = self._new_detector()
        self._last: SectionFrame | None = None
        self._order: list[str] = []
        """Sections that the detector has taken, in order."""

    def add(
        self, frames: Sequence[FieldFrame], angle_rad: float | None = None, share: Share = Share.WHOLE
    ) -> list[Found]:
        """Take the next section, and return the results that are final now.

        Parameters
        ----------
        frames : sequence of FieldFrame
            Of one section, in the order of exposure, at least one.
        angle_rad : float, optional
            Rotation of the section on the stage, where the layout gives it.
        share : Share
            Less than the whole for sections that are there for others.
        """
        if not self._settings.serial:
            return [self._alone(frames)]
        section = frames[0].field.section
        try:
            mosaic = stitch_fields(frames, angle_rad)
        except DetectionError as error:
            return [self._alone(frames, f"the section is not linked to its neighbours: {error}")]
        found: list[Found] = []
        if self._last is not None and _unlike(mosaic.whole, self._last):
            found += self.finish()
            self._restart()
        self._held[section] = mosaic
        try:
            done = self._serial.add(mosaic.whole, share)
            self._order.append(section)
            self._last = mosaic.whole
            for one in done:
                found.append(self._found(one))
        except Exception as error:
            log.error("a section could not be linked", section=section, error=str(error), exc_info=True)
            found += self._without(section, frames, angle_rad, error)
        return found

    def finish(self) -> list[Found]:
        """Return the remaining results, after the last section."""
        found: list[Found] = []
        try:
            for one in self._serial.finish():
                found.append(self._found(one))  # noqa: PERF401 - results before a failure stay
        except Exception as error:
            log.error("the last sections could not be linked", error=str(error), exc_info=True)
            found += self._give_up(error)
        return found

    def _new_detector(self) -> SerialDetector:
        return SerialDetector(self._settings, look_ahead=self._look_ahead, detector=self._detector)

    def _restart(self) -> None:
        self._serial, self._last = self._new_detector(), None
        self._order.clear()
        self._names.restart()

    def _without(
        self, section: str, frames: Sequence[FieldFrame], angle_rad: float | None, error: Exception
    ) -> list[Found]:
        """Continue after a failure: without the fields that failed, or with new linking."""
        alone = self._alone(frames)
        if not alone.failed:
            return self._give_up(error)
        self._held.pop(section)
        rest = [frame for frame in frames if frame.field.id not in alone.failed]
        found = [replace(alone, fields=(), alone=())]
        return found + self.add(rest, angle_rad) if rest else found

    def _give_up(self, error: Exception) -> list[Found]:
        """Detect the held sections alone; later sections are linked anew."""
        why = f"the section is not linked to its neighbours: {str(error) or type(error).__name__}"
        held = list(self._held.values())
        self._held.clear()
        self._restart()
        return [self._alone(mosaic.frames, why) for mosaic in held]

    def _alone(self, frames: Sequence[FieldFrame], warning: str | None = None) -> Found:
        fields: list[FieldCells] = []
        detections: list[tuple[FieldFrame, Detection]] = []
        failed: dict[str, str] = {}
        for frame in frames:
            size_um = frame.pose.pixel_size_m[0] * 1e6
            try:
                one = self._detected(frame, size_um)
            except Exception as error:
                # A failure of the detector costs this field only: its fluorescence is on disk.
                known = isinstance(error, DetectionError)
                log.error("detection failed", field=frame.field.id, error=str(error), exc_info=not known)
                failed[frame.field.id] = f"detection failed: {error or type(error).__name__}"
                continue
            cells = tuple(frame.cell(cell) for cell in one.cells)
            warnings = one.warnings if warning is None else (*one.warnings, warning)
            fields.append(FieldCells(frame.field.id, cells, one.elapsed_ms, warnings))
            detections.append((frame, replace(one, warnings=warnings)))
        return Found(frames[0].field.section, tuple(fields), failed=failed, alone=tuple(detections))

    def _detected(self, frame: FieldFrame, size_um: float) -> Detection:
        """Detect in one frame; once more where memory or files ran out, which may have passed."""
        try:
            return detect(frame.pixels, size_um, self._settings, frame.offset_adu, self._detector)
        except (OSError, MemoryError) as error:
            log.warning("detection is tried again", field=frame.field.id, error=str(error))
            return detect(frame.pixels, size_um, self._settings, frame.offset_adu, self._detector)

    def _found(self, one: SerialSection) -> Found:
        mosaic = self._held[one.section]
        by_field = mosaic.cells(one.cells)
        everything = [cell for cells in by_field.values() for cell in cells]
        self._names.learn(everything, self._recorded(one.section))
        raw_names = sorted({raw for cell in one.cells for raw in cell.tracks}, key=lambda raw: int(raw[1:]))
        names = {raw: self._names.name(raw) for raw in raw_names}
        share_ms = one.elapsed_ms / len(mosaic.frames)
        fields = tuple(
            FieldCells(
                name,
                tuple(_named(cell, names) for cell in cells),
                share_ms,
                # Warnings of the section: only once.
                one.warnings if name == mosaic.frames[0].field.id else (),
            )
            for name, cells in by_field.items()
        )
        renamed = replace(one, cells=tuple(_named(cell, names) for cell in one.cells))
        found = Found(one.section, fields, self._tracks(names), mosaic=mosaic, serial=renamed)
        # Last, so that a failure above does not lose it.
        del self._held[one.section]
        return found

    def _tracks(self, names: Mapping[str, str]) -> tuple[Track, ...]:
        tracks = [track for track in self._serial.tracks() if track.id in names]
        central = central_sections([track.areas or track.cut_areas for track in tracks])
        return tuple(
            Track(
                names[track.id],
                track.sections[0],
                track.sections[-1],
                self._order[index],
                len(track.sections),
            )
            for track, index in zip(tracks, central, strict=True)
        )


def _named(cell: Any, names: Mapping[str, str]) -> Any:
    return replace(cell, tracks=tuple(names[raw] for raw in cell.tracks))


def _unlike(a: SectionFrame, b: SectionFrame) -> bool:
    """Return True if two frames cannot be compared: they differ in type or size of pixel."""
    return (
        a.pixels.dtype != b.pixels.dtype or abs(a.pixel_size_um / b.pixel_size_um - 1) > PIXEL_SIZE_TOLERANCE
    )

"""Work, progress and output of `ilemtrack detect`."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.progress import Progress
from rich.table import Table

from config.choices import Denoising
from config.work import DetectionConfig
from detection.image.hits import Decision, Detection
from drivers.recorded.collection import image_files
from drivers.recorded.listed.frames import ListedFrame
from drivers.recorded.listed.listing import Listing
from service.analysis.detectors import absolute_model
from service.archive.frames import numbers, picture_names
from service.batch.frames import detect_archive, list_archive
from service.batch.tasks import FailedFrame, FoundFrame, Order, detector_of
from service.cli.consoles import people, results
from service.cli.exit_status import FAILURES, OK
from service.cli.output import print_json, tell, tell_written
from service.cluster.opening import opened_workers
from service.cluster.workers import Here, Lost, Workers
from service.errors import InputError
from service.pictures.overlay import write_png
from service.store.durable import write_bytes
from service.wording_cells import below_floor, cells

_MOST_SAID = 20
"""Frames that cannot be used of which each is said on a terminal."""
MONTAGE = "montage"
"""Name of the picture of all serial sections."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Wishes of a person.

    Attributes
    ----------
    overlay, explain, roi, labels : Path or None
        Folders for pictures of the boxes and of the steps, for ROIs of Fiji, and for labels in OME-Zarr.
    as_json : bool
    """

    overlay: Path | None
    explain: Path | None
    roi: Path | None
    labels: Path | None
    as_json: bool


@dataclass(frozen=True, slots=True)
class Tracked:
    """A serial section: its name, and the tracks of each of its cells."""

    section: str
    tracks: list[tuple[str, ...]]


@dataclass(slots=True)
class _Found:
    """Cells found so far, in the order of the frames."""

    frames: list[tuple[ListedFrame, Detection]] = field(default_factory=list)
    sections: list[Tracked] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    failed: list[FailedFrame] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)
    """Files for people."""


def detect_all(
    images: Sequence[Path],
    settings: DetectionConfig,
    reading: tuple[float | None, str | None],
    serial: bool,
    outputs: Outputs,
    work: tuple[str | None, int | None],
) -> int:
    """Detect in images, write what is wanted, and return the exit status.

    Parameters
    ----------
    images : sequence of Path
    settings : DetectionConfig
    reading : (float or None, str or None)
        Pixel size, nm, and channel, as given.
    serial : bool
        The frames are sections of one stack.
    outputs : Outputs
    work : (str or None, int or None)
        Address of a scheduler, and number of workers, as given.

    Raises
    ------
    InputError, FrameError, DetectionError
        No frame can be used, or the settings cannot; one sentence.
    """
    settings = absolute_model(settings)
    order = Order(settings, uuid.uuid4().hex, outputs.overlay is not None, outputs.explain is not None)
    # What is wrong with it is said here, and not by every worker.
    detector_of(settings, order.token, False)
    files = image_files(images, ordered=serial)
    found = _Found()
    with opened_workers(*work, tell) as workers:
        # Workers of another computer have a working folder of their own.
        paths = [path.absolute() for path in files.paths] if workers.elsewhere else files.paths
        given = dict(zip(paths, files.paths, strict=True))
        listing = list_archive(paths, *reading, workers)
        for notice in (*files.notices, *listing.notices):
            tell(f"warning: {notice}")
        found.failed += [FailedFrame(path, None, says) for path, says in listing.failed.items()]
        sections: Sequence[str] = ()
        if serial:
            from service.archive.stack import section_names

            sections = section_names(listing.frames)
        wanted = [outputs.overlay, outputs.explain, outputs.roi, outputs.labels]
        made = [folder for folder in wanted if folder is not None and make_folder(folder)]
        if serial:
            _detect_stack(listing, sections, order, paths, outputs, workers, found, work == (None, None))
        else:
            _detect_frames(listing, order, paths, outputs, workers, found)
    found.frames = [(replace(frame, path=given[frame.path]), one) for frame, one in found.frames]
    found.documents = [
        {**one, "path": str(frame.path)}
        for one, (frame, _) in zip(found.documents, found.frames, strict=True)
    ]
    if not found.frames:
        for folder in made:
            with suppress(OSError):  # It holds something.
                folder.rmdir()
        more = f" ({len(found.failed) - 1} more cannot be used)" if len(found.failed) > 1 else ""
        raise InputError(found.failed[0].says + more)
    for failed in found.failed[:_MOST_SAID]:
        tell(f"warning: {failed.says}")
    if len(found.failed) > _MOST_SAID:
        tell(f"warning: {len(found.failed) - _MOST_SAID} more cannot be used; --json lists them all")
    if outputs.roi is not None:
        from service.evaluation.fiji_writing import write_found

        write_found(outputs.roi, [(frame.path, frame.page, detection) for frame, detection in found.frames])
        found.written.append(outputs.roi)
    if outputs.labels is not None:
        from service.batch.labels import write_found_labels

        names = picture_names(files.paths)
        for n, (frame, detection) in enumerate(found.frames):
            tracks = found.sections[n].tracks if found.sections else None
            write_found_labels(
                outputs.labels / f"{_page_name(names, frame)}.ome.zarr", frame, detection, tracks
            )
            found.written.append(outputs.labels / f"{_page_name(names, frame)}.ome.zarr")
    if outputs.as_json:
        document = {"v": 1, "detector": settings.detector, "frames": found.documents}
        if found.failed:
            document["failed"] = [
                {"path": str(one.path), "page": one.page, "says": one.says} for one in found.failed
            ]
        print_json(document)
    else:
        print_found(found.frames, found.sections)
        tell_written(found.written)
    return FAILURES if found.failed else OK


def _detect_frames(
    listing: Listing,
    order: Order,
    paths: Sequence[Path],
    outputs: Outputs,
    workers: Workers,
    found: _Found,
) -> None:
    names = picture_names(paths)
    with _bar(len(listing.frames)) as advance:
        for one in detect_archive(listing.frames, order, workers):
            advance(1)
            if isinstance(one, FailedFrame):
                found.failed.append(one)
                continue
            found.written += _write_pictures(one, _page_name(names, one.frame), outputs)
            found.frames.append((one.frame, one.detection))
            found.documents.append(one.document)


def _write_pictures(one: FoundFrame, name: str, outputs: Outputs) -> list[Path]:
    """Write the pictures of a frame that are wanted; return their files."""
    written = []
    if outputs.overlay is not None and one.overlay is not None:
        written.append(outputs.overlay / f"{name}.png")
        write_bytes(written[-1], one.overlay)
    if outputs.explain is None:
        return written
    if one.steps is None:
        tell(f"warning: {one.frame.path} page {one.frame.page}: {one.no_steps}")
    else:
        written.append(outputs.explain / f"{name}.png")
        write_bytes(written[-1], one.steps)
    return written


def _detect_stack(
    listing: Listing,
    sections: Sequence[str],
    order: Order,
    paths: Sequence[Path],
    outputs: Outputs,
    workers: Workers,
    found: _Found,
    whole: bool,
) -> None:
    # Few calls need it, and it takes half a second.
    from detection.serial.section import as_detection
    from service.batch.stack import detect_in_windows, detect_whole, draw_section

    with _bar(len(listing.frames)) as advance:
        if whole:
            result = detect_whole(listing.frames, sections, order, advance)
        else:
            result = detect_in_windows(listing.frames, sections, order, workers, advance)
    found.failed += result.failed
    found.frames += [(one.frame, as_detection(one.section)) for one in result.found]
    found.sections += [
        Tracked(one.section.section, [cell.tracks for cell in one.section.cells]) for one in result.found
    ]
    found.documents += [one.document for one in result.found]
    if outputs.overlay is not None:
        others = Here() if whole else workers
        values = [(one.frame, one.section) for one in result.found]
        pictures = others.each(partial(draw_section, others.elsewhere), values)
        frames = [one.frame for one in result.found]
        found.written += _write_stack(outputs.overlay, picture_names(paths), frames, pictures)


def _write_stack(
    folder: Path, names: Mapping[Path, str], frames: Sequence[ListedFrame], pictures: Iterator[Any]
) -> list[Path]:
    """Write a picture of each section, of `service.batch.stack.draw_section`, and a montage of all.

    Returns
    -------
    list of Path
        The files.
    """
    from service.pictures.montage import draw_montage

    tiles, written = [], []
    for frame, drawn in zip(frames, pictures, strict=True):
        if isinstance(drawn, Lost | FailedFrame):
            tell(f"warning: no picture of {frame.path} page {frame.page}: {drawn.says}")
            continue
        picture, tile = drawn
        written.append(folder / f"{_page_name(names, frame)}.png")
        write_bytes(written[-1], picture)
        tiles.append(tile)
    if tiles:
        # A frame of that name keeps its own picture.
        montage = MONTAGE if MONTAGE not in names.values() else f"{MONTAGE}_of_sections"
        written.append(folder / f"{montage}.png")
        write_png(written[-1], draw_montage(tiles))
    return written


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show progress on a terminal; give a function that takes the number of frames that are done."""
    with Progress(console=people, transient=True, disable=not people.is_terminal) as bar:
        task = bar.add_task("detecting", total=total)
        yield partial(bar.advance, task)


def _page_name(names: Mapping[Path, str], frame: ListedFrame) -> str:
    return names[frame.path] + (f"_{frame.page:04d}" if frame.page else "")


def print_found(found: Sequence[tuple[ListedFrame, Detection]], sections: Sequence[Tracked]) -> None:
    """Print a table of the cells of each frame, and its warnings."""
    for n, (frame, detection) in enumerate(found):
        title = f"{frame.path} page {frame.page}" + (f", {sections[n].section}" if sections else "")
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for heading in ("cell", "box / px", "area to image / px", "confidence", "reason"):
            table.add_column(heading)
        if sections:
            table.add_column("track")
        for index, cell in enumerate(detection.cells):
            image = cell.image_box_px
            row = [
                cell.id,
                "{} {} {} {}".format(*numbers(cell.box_px)),
                "-" if image is None else "{} {} {} {}".format(*numbers(image)),
                f"{cell.confidence:.2f}",
                cell.reason,
            ]
            table.add_row(*row, *([" ".join(sections[n].tracks[index])] if sections else []))
        results.print(table)
        unlikely = sum(cell.decision is Decision.BELOW_FLOOR for cell in detection.cells)
        results.print(
            f"{len(detection.cells)} {cells(len(detection.cells))}{below_floor(unlikely)},"
            f" {detection.imaged_fraction:.1%} of the frame to image\n"
        )
        # Of several frames, by name: the tables may go to a file, and the warnings to the screen.
        of = f"{frame.path} page {frame.page}: " if len(found) > 1 else ""
        for warning in detection.warnings:
            tell(f"warning: {of}{warning}")


def chosen_settings(
    settings: DetectionConfig, detector: str | None, denoise: Denoising | None, any_pixel_size: bool
) -> DetectionConfig:
    """Return the settings, changed by the options of the command line."""
    given: dict[str, object] = {"any_pixel_size": settings.any_pixel_size or any_pixel_size}
    if detector is not None:
        given["detector"] = detector
    if denoise is not None:
        given["denoise"] = denoise
    try:
        return DetectionConfig.model_validate(settings.model_dump() | given)
    except ValidationError:
        raise InputError(
            f"--detector {detector}: no such detector; choose combined, network, recall-first, paper, an"
            " installed plug-in, or forest:FILE, network:FILE, combined:FILE"
        ) from None


def make_folder(path: Path) -> bool:
    """Make a folder for output; return False if it was there.

    Raises
    ------
    InputError
    """
    new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror})") from error
    return new

"""Detection in the serial sections of one stack: as a whole in this process, or in windows on workers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from detection.serial.section import SerialSection, Share, as_detection
from drivers.errors import FrameError
from drivers.recorded.frame import RecordedFrame
from drivers.recorded.listed.frames import ListedFrame, read_listed
from service.archive.stack import detect_serial, serial_document
from service.batch.tasks import FailedFrame, Order, detector_of, overlay_png, seen_by
from service.batch.windows import (
    Sightings,
    Window,
    joined_names,
    placed,
    renamed,
    sightings_of,
    windows_of,
)
from service.cluster.workers import Lost, Workers
from service.errors import InputError
from service.pictures.montage import Shown, shown


@dataclass(frozen=True, slots=True)
class FoundSection:
    """Cells of a section.

    Attributes
    ----------
    frame : ListedFrame
    section : SerialSection
    document : dict
        Entry of ``frames`` of the JSON document.
    """

    frame: ListedFrame
    section: SerialSection
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StackResult:
    """Result of a stack, or of a window of it.

    Attributes
    ----------
    found : tuple of FoundSection
        In the order of cutting.
    failed : tuple of FailedFrame
        Frames whose sections are left out.
    sightings : tuple of Sightings
        Of all sections of a window; empty for a whole stack.
    """

    found: tuple[FoundSection, ...]
    failed: tuple[FailedFrame, ...]
    sightings: tuple[Sightings, ...] = ()


def detect_whole(
    frames: Sequence[ListedFrame],
    names: Sequence[str],
    order: Order,
    advance: Callable[[int], None] = lambda _: None,
) -> StackResult:
    """Detect in a whole stack, in this process; `advance` is called with the sections that are done."""
    found: list[FoundSection] = []
    failed: list[FailedFrame] = []
    for one in _sections(frames, names, order, False, lambda _: Share.WHOLE):
        if isinstance(one, FailedFrame):
            failed.append(one)
        else:
            found.append(one)
        advance(1)
    return StackResult(tuple(found), tuple(failed))


def detect_in_windows(
    frames: Sequence[ListedFrame],
    names: Sequence[str],
    order: Order,
    workers: Workers,
    advance: Callable[[int], None] = lambda _: None,
) -> StackResult:
    """Detect in a stack window by window, and join the tracks; the result does not depend on the workers.

    docs/archives.md says where it differs from that of the whole stack.

    Raises
    ------
    InputError
        The detector cannot be opened where the work is done, or workers died of a window; one sentence.
    """
    windows = windows_of(len(frames))
    results = []
    work = partial(detect_window, order, workers.elsewhere)
    values = [(one, frames[one.first : one.last], names[one.first : one.last]) for one in windows]
    for window, result in zip(windows, workers.each(work, values), strict=True):
        if isinstance(result, Lost):
            raise InputError(f"sections {names[window.begin]} to {names[window.end - 1]}: {result.says}")
        results.append(result)
        advance(window.end - window.begin)
    if len(windows) == 1:
        return replace(results[0], sightings=())
    renaming = joined_names(windows, [one.sightings for one in results])
    sections = [
        (one, renamed(one.section, new))
        for result, new in zip(results, renaming, strict=True)
        for one in result.found
    ]
    whole = placed([section for _, section in sections])
    return StackResult(
        tuple(
            FoundSection(one.frame, section, _with_tracks(one.document, section))
            for (one, _), section in zip(sections, whole, strict=True)
        ),
        tuple(one for result in results for one in result.failed),
    )


def draw_section(
    elsewhere: bool, one: tuple[ListedFrame, SerialSection]
) -> tuple[bytes, Shown] | FailedFrame:
    """Return the picture of a section, a PNG file, and its part of the montage; a worker does it."""
    listed, section = one
    try:
        frame = read_listed(listed)
    except FrameError as error:
        return FailedFrame(listed.path, listed.page, str(error) + seen_by(listed.path, elsewhere))
    picture = overlay_png(frame, as_detection(section), [cell.tracks for cell in section.cells])
    return picture, shown(frame.pixels, section, frame.pixel_size_m[0] * 1e6)


def detect_window(
    order: Order,
    elsewhere: bool,
    value: tuple[Window, Sequence[ListedFrame], Sequence[str]],
) -> StackResult:
    """Detect in a window of a stack; a worker does it.

    Parameters
    ----------
    order : Order
    elsewhere : bool
        True on a computer that may not see the files as the one does that has listed them.
    value : (Window, sequence of ListedFrame, sequence of str)
        With the frames and names of all its sections, from first to last.
    """
    window, frames, names = value
    numbers = {(frame.path, frame.page): window.first + n for n, frame in enumerate(frames)}
    found: list[FoundSection] = []
    failed: list[FailedFrame] = []
    sightings = []
    shares = {name: window.share(window.first + n) for n, name in enumerate(names)}
    for one in _sections(frames, names, order, elsewhere, shares.__getitem__):
        if isinstance(one, FailedFrame):
            if window.begin <= numbers[one.path, one.page or 0] < window.end:
                failed.append(one)
            continue
        number = numbers[one.frame.path, one.frame.page]
        sightings.append(sightings_of(number, one.section.cells))
        if window.begin <= number < window.end:
            found.append(one)
    return StackResult(tuple(found), tuple(failed), tuple(sightings))


def _sections(
    frames: Sequence[ListedFrame],
    names: Sequence[str],
    order: Order,
    elsewhere: bool,
    share_of: Callable[[str], Share],
) -> Iterator[FoundSection | FailedFrame]:
    """Yield the sections of a stack; at most a window of frames is in memory."""
    failed: list[FailedFrame] = []
    held: dict[str, tuple[ListedFrame, RecordedFrame]] = {}

    def read() -> Iterator[tuple[RecordedFrame, str]]:
        for listed, name in zip(frames, names, strict=True):
            try:
                frame = read_listed(listed)
            except FrameError as error:
                failed.append(
                    FailedFrame(listed.path, listed.page, str(error) + seen_by(listed.path, elsewhere))
                )
                continue
            held[name] = listed, frame
            yield frame, name

    def refused(frame: RecordedFrame, says: str) -> None:
        del held[next(name for name, (_, one) in held.items() if one is frame)]
        failed.append(FailedFrame(frame.path, frame.page, says))

    for section in detect_serial(
        read(), order.settings, detector_of(order.settings, order.token, elsewhere), refused, share_of
    ):
        while failed:
            yield failed.pop(0)
        listed, frame = held.pop(section.section)
        yield FoundSection(listed, section, serial_document(frame, section))
    yield from failed


def _with_tracks(document: dict[str, Any], section: SerialSection) -> dict[str, Any]:
    cells = [
        {**cell, "tracks": list(one.tracks)}
        for cell, one in zip(document["cells"], section.cells, strict=True)
    ]
    return {**document, "cells": cells}

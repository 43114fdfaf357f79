"""Detection in many single frames, in the order of the frames."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from drivers.errors import FrameError
from drivers.recorded.listed.frames import ListedFrame
from drivers.recorded.listed.listing import Listing, listing_of
from service.batch.tasks import FailedFrame, FoundFrame, Order, detect_frames, list_file, list_files
from service.cluster.workers import Lost, Workers

_PIXELS_AT_ONCE = 2**22
"""Pixels of the frames that a worker gets at once: half a second of work, 13 ms of CPU time to hand out."""
_MOST_AT_ONCE = 16
_FILES_AT_ONCE = 32
"""Files that a worker of another computer lists at once: .3 ms each on a disk, some ms on a network drive."""

T = TypeVar("T")
R = TypeVar("R")


def list_archive(
    paths: Sequence[Path], pixel_size_nm: float | None, channel: str | None, workers: Workers
) -> Listing:
    """List the frames of many files; see `drivers.recorded.listed.listing.listing_of`.

    Workers of this computer are not asked: to hand a file out takes longer than to look into it.

    Raises
    ------
    FrameError
    """
    if not workers.elsewhere:
        found = [list_file(pixel_size_nm, channel, False, path) for path in paths]
        return listing_of(paths, found, channel)
    groups = [paths[n : n + _FILES_AT_ONCE] for n in range(0, len(paths), _FILES_AT_ONCE)]
    listed = _in_groups(partial(list_files, pixel_size_nm, channel, True), groups, workers)
    return listing_of(
        paths,
        [
            FrameError(f"{path}: {one.says}") if isinstance(one, Lost) else one
            for path, one in zip(paths, listed, strict=True)
        ],
        channel,
    )


def detect_archive(
    frames: Sequence[ListedFrame], order: Order, workers: Workers
) -> Iterator[FoundFrame | FailedFrame]:
    """Detect in many frames; the results are in their order, and do not depend on the workers.

    Raises
    ------
    InputError
        The detector cannot be opened where the work is done; one sentence.
    """
    results = _in_groups(partial(detect_frames, order, workers.elsewhere), _groups(frames), workers)
    for frame, found in zip(frames, results, strict=True):
        yield _lost(frame, found) if isinstance(found, Lost) else found


def _in_groups(
    function: Callable[[Sequence[T]], list[R]], groups: Sequence[Sequence[T]], workers: Workers
) -> Iterator[R | Lost]:
    """Yield the result for each value of all groups, of which workers get one at a time."""
    for group, found in zip(groups, workers.each(function, groups), strict=True):
        if not isinstance(found, Lost):
            yield from found
        elif len(group) == 1:
            yield found
        else:
            # One of them is to blame: each by itself.
            for alone in workers.each(function, [[one] for one in group]):
                yield alone if isinstance(alone, Lost) else alone[0]


def _lost(frame: ListedFrame, lost: Lost) -> FailedFrame:
    return FailedFrame(frame.path, frame.page, f"{frame.path} page {frame.page}: {lost.says}")


def _groups(frames: Sequence[ListedFrame]) -> list[list[ListedFrame]]:
    """Return the frames in groups of some pixels; one large frame is a group."""
    groups: list[list[ListedFrame]] = []
    held = _PIXELS_AT_ONCE
    for frame in frames:
        pixels = frame.shape[0] * frame.shape[1]
        if held + pixels > _PIXELS_AT_ONCE or len(groups[-1]) >= _MOST_AT_ONCE:
            groups.append([])
            held = 0
        groups[-1].append(frame)
        held += pixels
    return groups

"""Detection in many single frames, in the order of the frames."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from drivers.errors import FrameError
from drivers.recorded.listed.frames import ListedFrame
from drivers.recorded.listed.listing import Listing, listing_of
from service.batch.tasks import FailedFrame, FoundFrame, Order, detect_frames, list_file
from service.cluster.workers import Lost, Workers

_PIXELS_AT_ONCE = 2**22
"""Pixels of the frames that a worker gets at once: half a second of work, 13 ms of CPU time to hand out."""
_MOST_AT_ONCE = 16


def list_archive(
    paths: Sequence[Path], pixel_size_nm: float | None, channel: str | None, workers: Workers
) -> Listing:
    """List the frames of many files; see `drivers.recorded.listed.listing.listing_of`.

    Raises
    ------
    FrameError
    """
    found = workers.each(partial(list_file, pixel_size_nm, channel, workers.elsewhere), paths)
    return listing_of(
        paths,
        [
            FrameError(f"{path}: {one.says}") if isinstance(one, Lost) else one
            for path, one in zip(paths, found, strict=True)
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
    groups = _groups(frames)
    results = workers.each(partial(detect_frames, order, workers.elsewhere), groups)
    for group, found in zip(groups, results, strict=True):
        if not isinstance(found, Lost):
            yield from found
        elif len(group) == 1:
            yield _lost(group[0], found)
        else:
            # One of them is to blame: each by itself.
            alone = workers.each(partial(detect_frames, order, workers.elsewhere), [[one] for one in group])
            for frame, one in zip(group, alone, strict=True):
                yield _lost(frame, one) if isinstance(one, Lost) else one[0]


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

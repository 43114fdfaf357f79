"""The frames of many files together: what must go together, and what people must know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drivers.errors import FrameError
from drivers.recorded.listed.frames import ListedFrame


class OfAChannel(Protocol):
    """Facts of a frame, read or not."""

    @property
    def path(self) -> Path:
        """Its file."""
        ...

    @property
    def channel(self) -> str | None:
        """Its channel, where the file states it."""
        ...

    @property
    def channels(self) -> int:
        """Number of channels of its series."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences that people must know."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """Frames of several files, in order, without their pixels.

    Attributes
    ----------
    frames : tuple of ListedFrame
    failed : mapping of Path to str
        Files that could not be used, with the sentence of the error.
    notices : tuple of str
        What people must know of how they are read.
    """

    frames: tuple[ListedFrame, ...]
    failed: Mapping[Path, str]
    notices: tuple[str, ...] = ()


def listing_of(
    paths: Sequence[Path], found: Sequence[tuple[ListedFrame, ...] | FrameError], channel: str | None
) -> Listing:
    """Join what was found in each of several files.

    Parameters
    ----------
    paths : sequence of Path
    found : sequence of (tuple of ListedFrame or FrameError)
        Of each path.
    channel : str or None
        As asked for.

    Raises
    ------
    FrameError
        None of the files can be used, or they do not go together; see `notices_of`.
    """
    failed = {path: one for path, one in zip(paths, found, strict=True) if isinstance(one, FrameError)}
    frames = [frame for one in found if not isinstance(one, FrameError) for frame in one]
    if failed and not frames:
        first = str(next(iter(failed.values())))
        raise FrameError(first if len(failed) == 1 else f"{first} ({len(failed) - 1} more cannot be read)")
    good = [path for path in paths if path not in failed]
    return Listing(
        tuple(frames), {path: str(error) for path, error in failed.items()}, notices_of(good, frames, channel)
    )


def notices_of(paths: Sequence[Path], frames: Sequence[OfAChannel], channel: str | None) -> tuple[str, ...]:
    """Return what people must know of frames that are taken together.

    Raises
    ------
    FrameError
        No file holds the channel, or the files hold several channels of a series and none is chosen.
    """
    if paths and not frames:
        raise FrameError(f"{paths[0]}: holds no channel {channel!r}, and neither does any other image")
    used = {frame.path for frame in frames}
    notices = [
        f"{path}: holds other channels than {channel}, and is left out" for path in paths if path not in used
    ]
    told: dict[str, dict[Path, None]] = {}
    for frame in frames:
        for notice in frame.notices:
            told.setdefault(notice, {})[frame.path] = None
    for notice, which in told.items():
        more = f" (and of {len(which) - 1} more)" if len(which) > 1 else ""
        notices.append(f"{next(iter(which))}{more}: {notice}")
    of_series = dict.fromkeys(frame.channel for frame in frames if frame.channels > 1 and frame.channel)
    if channel is None and len(of_series) > 1:
        raise FrameError(
            f"{paths[0]}: the images hold {len(of_series)} channels ({', '.join(of_series)});"
            " choose the one with the cells with --channel NAME or NUMBER"
        )
    names = dict.fromkeys(frame.channel for frame in frames if frame.channel)
    if channel is None and len(names) > 1:
        notices.append(f"the images name different channels ({', '.join(names)}); --channel chooses one")
    return tuple(notices)

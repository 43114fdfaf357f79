"""Description of the planes of a file, and the choice of a channel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from drivers.errors import FrameError
from drivers.recorded.pixel_size import StatedSize

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of a series of planes.

    Attributes
    ----------
    number : int
        From 1, as in Fiji.
    name : str
        Empty if it has none.
    """

    number: int
    name: str = ""

    def __str__(self) -> str:
        return self.name or str(self.number)


@dataclass(frozen=True, slots=True)
class Plane:
    """Description of one page of a file.

    Attributes
    ----------
    channel : Channel or None
    channels : int
        Number of channels of its series, in this file and in others.
    z, t : int or None
        Slice and time point, from 0.
    size : StatedSize or None
    center_m : (float, float) or None
        Stage position, m.
    exposure_s : float or None
    notes : mapping of str to str
        Key-value annotations.
    """

    channel: Channel | None = None
    channels: int = 1
    z: int | None = None
    t: int | None = None
    size: StatedSize | None = None
    center_m: tuple[float, float] | None = None
    exposure_s: float | None = None
    notes: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def of_channel(planes: Iterable[tuple[int, Plane]], wanted: str | None, file: str) -> list[tuple[int, Plane]]:
    """Return the pages of one channel, in their order.

    Parameters
    ----------
    planes : iterable of (int, Plane)
        Pages of a file.
    wanted : str or None
        Name of a channel, in any case, or its number from 1; None where the file has one channel.
    file : str
        Its name, for errors.

    Returns
    -------
    list of (int, Plane)
        Empty if the file holds only other channels of a series of files.

    Raises
    ------
    FrameError
        The file holds several channels and none is chosen, or it knows no such channel.
    """
    pages = list(planes)
    known = sorted(
        {plane.channel for _, plane in pages if plane.channel is not None}, key=lambda one: one.number
    )
    unknown = next((page for page, plane in pages if plane.channel is None), None)
    if len(known) > 1 and unknown is not None:
        raise FrameError(
            f"{file}: page {unknown} is of no channel that its metadata name ({_names(known)}); save the"
            " channel with the cells alone"
        )
    if wanted is None:
        if len(known) > 1:
            raise FrameError(
                f"{file}: has {len(known)} channels ({_names(known)});"
                " choose the one with the cells with --channel NAME or NUMBER"
            )
        return pages
    called = wanted.strip().casefold()
    named = [one for one in known if one.name.casefold() == called and called]
    chosen = named or [one for one in known or [Channel(1)] if str(one.number) == called]
    if not chosen:
        most = max((plane.channels for _, plane in pages), default=1)
        if len(known) == 1 and most > 1 and not (called.isdecimal() and int(called[:9]) > most):
            return []
        if not known:
            raise FrameError(
                f"{file}: names no channels, so {wanted!r} cannot be chosen; leave out --channel"
            )
        raise FrameError(f"{file}: has no channel {wanted!r}; it has {_names(known)}")
    if len({one.number for one in chosen}) > 1:
        numbers = ", ".join(str(one.number) for one in chosen)
        raise FrameError(f"{file}: several channels are called {wanted}; choose by number: {numbers}")
    return [(page, plane) for page, plane in pages if plane.channel is None or plane.channel in chosen]


def _names(channels: Iterable[Channel]) -> str:
    return ", ".join(str(one) for one in channels)

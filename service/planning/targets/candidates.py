"""Cells of all sections, put together to the targets that are chosen as a whole."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from drivers.pose import RectM
from service.model.targets import Target


@dataclass(frozen=True, slots=True)
class Cut:
    """One cell in one section, as far as the choice needs it.

    Attributes
    ----------
    id : str
    section : str
    rect_m : RectM
        As found, without a margin.
    tracks : tuple of str
        Empty where sections are not linked; several where cells merged.
    brightness_adu : float or None
    seen : bool
        False where only neighbouring sections show it.
    """

    id: str
    section: str
    rect_m: RectM
    tracks: tuple[str, ...] = ()
    brightness_adu: float | None = None
    seen: bool = True

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets that it belongs to: its tracks, or itself."""
        return self.tracks or (self.id,)


def by_target(cuts: Iterable[Cut]) -> dict[str, tuple[Cut, ...]]:
    """Return the cells of each target, in their order."""
    found: dict[str, list[Cut]] = defaultdict(list)
    for cut in cuts:
        for name in cut.targets:
            found[name].append(cut)
    return {name: tuple(own) for name, own in found.items()}


def targets_of(grouped: Mapping[str, Sequence[Cut]]) -> tuple[Target, ...]:
    """Return the targets with their brightness, size and length.

    Brightness and size are those of sections that show the cell by itself, where there are any: a box around
    merged cells is too large.
    """
    return tuple(_target(name, cuts) for name, cuts in grouped.items())


def _target(name: str, cuts: Sequence[Cut]) -> Target:
    seen = [cut for cut in cuts if cut.seen]
    best = [cut for cut in seen if len(cut.tracks) < 2] or seen or list(cuts)
    bright = [cut.brightness_adu for cut in best if cut.brightness_adu is not None]
    return Target(
        id=name,
        brightness_adu=median(bright) if bright else None,
        size_um=max(_size_um(cut.rect_m) for cut in best),
        sections=len({cut.section for cut in seen or cuts}),
    )


def _size_um(rect: RectM) -> float:
    x0, y0, x1, y1 = rect
    return float(((x1 - x0) * (y1 - y0)) ** 0.5 * 1e6)

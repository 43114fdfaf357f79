"""Position of sections in the block, from those on each other: along the surest links."""

from collections.abc import Sequence
from dataclasses import dataclass

from detection.registration.rigid import Rigid


@dataclass(frozen=True, slots=True)
class Laid:
    """The motion from the plane of one section to that of another, and how sure it is."""

    one: int
    other: int
    motion: Rigid
    sure: float


@dataclass(frozen=True, slots=True)
class Poses:
    """Motions from the plane of each section to that of its group, and the number of the group."""

    to_group: tuple[Rigid, ...]
    group: tuple[int, ...]

    def motion(self, one: int, other: int) -> Rigid | None:
        """Return the motion from one section to another; None between groups."""
        if self.group[one] != self.group[other]:
            return None
        return self.to_group[other].inverse().after(self.to_group[one])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of sections in the group of each section."""
        return tuple(self.group.count(one) for one in self.group)


def poses_of(count: int, links: Sequence[Laid]) -> Poses:
    """Return the positions of sections by the surest links (Kruskal's spanning tree).

    A doubtful link counts only where nothing else joins two groups.
    """
    pose, group = [Rigid()] * count, list(range(count))
    members = {n: [n] for n in range(count)}
    for link in sorted(links, key=lambda one: -one.sure):
        kept, moved = group[link.one], group[link.other]
        if kept == moved:
            continue
        move = pose[link.one].after(link.motion.inverse()).after(pose[link.other].inverse())
        for n in members.pop(moved):
            pose[n] = move.after(pose[n])
            group[n] = kept
            members[kept].append(n)
    return Poses(tuple(pose), tuple(group))

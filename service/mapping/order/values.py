"""An order of cutting, with the links that it rests on."""

from dataclasses import dataclass
from enum import StrEnum


class LinkKind(StrEnum):
    """Basis of a link from one section to the next."""

    EDGES = "edges"
    """Their edges face each other in a ribbon."""
    ACROSS_GAP = "across_gap"
    """They lie in one line, with room for sections between them."""
    BETWEEN_RIBBONS = "between_ribbons"
    """One ribbon ends and another begins: nothing shows that they follow each other."""
    SIMILAR = "similar"
    """Their fluorescence is alike."""


class Doubt(StrEnum):
    """Reasons for a person to look at a link."""

    FAR = "far"
    """The edges are far apart, shifted or turned against each other."""
    ANOTHER = "another"
    """Another section may fit as well."""
    GAP = "gap"
    """A section seems to be missing between the two."""
    UNKNOWN = "unknown"
    """Nothing shows the order of these two."""
    DIRECTION = "direction"
    """The two belong together, but which is first is not known."""
    UNREGISTERED = "unregistered"
    """Their fluorescence could not be laid on each other."""


@dataclass(frozen=True, slots=True)
class OrderLink:
    """Two sections that follow each other.

    Attributes
    ----------
    before, after : str
        Ids.
    kind : LinkKind
    doubt : Doubt or None
    cost : float
        Of edges: 0 is perfect, 1 doubtful. Of fluorescence: dissimilarity, 0 to 1.
    chance : float or None
        Of the two to be neighbours, 0 to 1, by fluorescence; None where that was not asked.
    instead : tuple of (str, str, float)
        Other likely neighbours of one of the two, the likeliest first: the one, the other, the chance.
    """

    before: str
    after: str
    kind: LinkKind
    doubt: Doubt | None
    cost: float
    chance: float | None = None
    instead: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Ordering:
    """An order of cutting.

    Attributes
    ----------
    ids : tuple of str
        Every section once.
    links : tuple of OrderLink
        From each section to the next; one fewer than sections.
    """

    ids: tuple[str, ...]
    links: tuple[OrderLink, ...]

    @property
    def doubtful(self) -> tuple[OrderLink, ...]:
        """Links that a person should look at."""
        return tuple(link for link in self.links if link.doubt is not None)

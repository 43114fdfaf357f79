"""The packages that the program needs at run time, among those that are installed."""

from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROGRAM = "ilemtrack"
EXTRAS = ("console",)
"""Extras that a microscope's computer gets; the others are for development, or not free for all uses."""


def installed(folder: Path | None = None) -> Distribution:
    """Return our program as it is installed here, or in a folder `site-packages`."""
    if folder is None:
        return distribution(PROGRAM)
    (ours,) = (one for one in distributions(path=[str(folder)]) if one.name == PROGRAM)
    return ours


def needed(program: Distribution, extras: Iterable[str] = ()) -> list[Distribution]:
    """Return all packages that a program needs with these extras, directly or not, by name.

    Raises
    ------
    PackageNotFoundError
        One is not installed here.
    """
    left = _requirements(program, frozenset(extras))
    done: set[tuple[str, frozenset[str]]] = set()
    found: dict[str, Distribution] = {}
    while left:
        need = left.pop()
        key = (canonicalize_name(need.name), frozenset(need.extras))
        if key not in done:
            done.add(key)
            found[key[0]] = distribution(need.name)
            left += _requirements(found[key[0]], key[1])
    return [found[name] for name in sorted(found)]


def _requirements(one: Distribution, extras: frozenset[str]) -> list[Requirement]:
    """Return the requirements that hold on this computer."""
    found = [Requirement(text) for text in one.requires or ()]
    return [
        need
        for need in found
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras | {""})
    ]

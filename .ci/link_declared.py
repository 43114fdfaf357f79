"""Link into an environment what its ilemtrack declares to need, and nothing else of what is installed here.

``python link_declared.py SITE_PACKAGES``. A copy of half a gigabyte would show no more: that the constraints
can be installed is known since the environment of this Python was made.
"""

import sys
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement


def needed_by(one: Distribution, extras: set[str]) -> list[Requirement]:
    """Return the requirements that hold here."""
    found = [Requirement(text) for text in one.requires or ()]
    return [
        need
        for need in found
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras | {""})
    ]


def main() -> None:
    """Link all that is needed, directly or not."""
    site = Path(sys.argv[1])
    (ours,) = (one for one in distributions(path=[str(site)]) if one.name == "ilemtrack")
    left = needed_by(ours, set())
    done: set[tuple[str, frozenset[str]]] = set()
    while left:
        need = left.pop()
        key = (need.name.lower(), frozenset(need.extras))
        if key in done:
            continue
        done.add(key)
        one = distribution(need.name)
        left += needed_by(one, need.extras)
        for name in {file.parts[0] for file in one.files or () if file.parts[0] not in ("..", "__pycache__")}:
            link = site / name
            if not link.exists():
                link.symlink_to(Path(str(one.locate_file(name))))


if __name__ == "__main__":
    main()

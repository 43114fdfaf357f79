"""Link into an environment what its ilemtrack declares to need, and nothing else of what is installed here.

``python -m release.link_declared SITE_PACKAGES``. A copy of half a gigabyte would show no more: that the
constraints can be installed is known since the environment of this Python was made.
"""

import sys
from pathlib import Path

from release.run_time import installed, needed


def main() -> None:
    """Link all that is needed, directly or not."""
    site = Path(sys.argv[1])
    for one in needed(installed(site)):
        for name in {file.parts[0] for file in one.files or () if file.parts[0] not in ("..", "__pycache__")}:
            link = site / name
            if not link.exists():
                link.symlink_to(Path(str(one.locate_file(name))))


if __name__ == "__main__":
    main()

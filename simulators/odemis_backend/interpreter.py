"""The Python of a simulated back-end: this one, with a package `odemis` that connects to the back-end."""

import sys
from pathlib import Path

SITE = Path(__file__).parent / "site"
"""Folder with the package `odemis`."""
SOCKET = "backend"
"""File name of the socket in the folder of a back-end."""


def write_python(folder: Path) -> Path:
    """Write a script for `odemis.python` into the folder of a back-end, and return its path."""
    python = folder / "python"
    python.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH='{SITE}' ILEMTRACK_SIMULATED_ODEMIS='{folder / SOCKET}'"
        f" exec '{sys.executable}' \"$@\"\n"
    )
    python.chmod(0o700)
    return python

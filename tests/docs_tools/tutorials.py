"""Tutorials run in an empty folder, with the program that is tested."""

import os
import sys
from pathlib import Path

from docs_tools.tutorials import run


def run_tutorial(document: Path, folder: Path) -> int:
    """Run a tutorial and return the number of its commands."""
    place = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    return run(document, folder, environment)

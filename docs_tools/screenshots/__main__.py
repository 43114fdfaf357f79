"""Take all pictures anew, or some: ``python -m docs_tools.screenshots [console] [holder] [run]``."""

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Browser

from docs_tools.places import ROOT
from docs_tools.screenshots import console, holder, run
from docs_tools.screenshots.programs import runtime_folder
from tests.chromium import chromium

TRIALS = ROOT / "build" / "screenshots"
"""Runs of which the pictures are taken."""

KINDS: Mapping[str, Callable[[Path, Browser], None]] = {
    "console": console.take,
    "holder": holder.take,
    "run": run.take,
}


def main(names: list[str]) -> None:
    """Take pictures of these kinds, all by default."""
    if unknown := set(names) - KINDS.keys():
        sys.exit(f"no such pictures: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    shutil.rmtree(TRIALS, ignore_errors=True)
    with runtime_folder(), chromium() as browser:
        for name in names or KINDS:
            folder = TRIALS / name
            folder.mkdir(parents=True)
            KINDS[name](folder, browser)


if __name__ == "__main__":
    main(sys.argv[1:])

"""The build of the site: the documents are staged, made to pages, and every link of the pages is followed."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs_tools.places import DOCS, ROOT
from docs_tools.site.links import faults
from docs_tools.site.staging import stage

BUILD = ROOT / "build"
SITE = BUILD / "site"
SETTINGS = Path(__file__).with_name("zensical.toml")
_DECISIONS = "    # decisions\n"
"""Line of the settings in whose place the decisions are listed."""


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class SiteError(Exception):
    """The site could not be built, or has links that lead nowhere."""


def settings() -> str:
    """Return the settings of the site, with all decisions in its navigation."""
    pages = sorted((DOCS / "decisions").glob("*.md"))
    lines = [
        f"      {{ {json.dumps(_title(page))} = {json.dumps(f'decisions/{page.name}')} }},\n"
        for page in pages
    ]
    listed = "".join(['    { "Decisions" = [\n', *lines, "    ] },\n"])
    return SETTINGS.read_text(encoding="utf-8").replace(_DECISIONS, listed)


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def build() -> Path:
    """Build the site and return its folder.

    Raises
    ------
    SiteError
        A page is missing, a link leads to no page, heading or picture, or something would be loaded from
        another computer.
    """
    stage(BUILD / "docs")
    shutil.rmtree(SITE, ignore_errors=True)
    written = BUILD / "zensical.toml"
    written.write_text(settings(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", written],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise SiteError(_COLOUR.sub("", done.stdout + done.stderr).partition("Traceback")[0])
    if found := faults(SITE):
        raise SiteError("\n".join(found))
    return SITE

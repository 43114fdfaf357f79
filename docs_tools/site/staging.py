"""The documents as the site has them, made from those in the repository."""

import shutil
from pathlib import Path

from docs_tools.places import DOCS, ROOT
from docs_tools.site.diagrams import with_diagrams

ASSETS = Path(__file__).with_name("assets")
"""Style and script, which only the site has."""


def stage(folder: Path) -> None:
    """Write the documents into a folder, which is emptied before.

    The changelog joins them, and diagrams become HTML, as to draw Mermaid a browser needs 3 MB of script,
    which the theme would load from the network.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder)
    shutil.copytree(ASSETS, folder / "assets")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (folder / "changelog.md").write_text(changes.replace("](docs/", "]("), encoding="utf-8")
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE.txt")
    for page in folder.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(with_diagrams(_within_the_site(text)), encoding="utf-8")


def _within_the_site(text: str) -> str:
    """Return a page with the links to files beside docs led to their copies."""
    return text.replace("](../CHANGELOG.md)", "](changelog.md)").replace("](../LICENSE)", "](LICENSE.txt)")

"""Links of a site, followed from file to file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
"""Attributes from which a browser loads by itself."""

_SAID = {"canonical", "prev", "next"}
"""Links for search engines."""


@dataclass
class _Page(HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    text: str
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the anchors and addresses of an element."""
        given = {name: value for name, value in attrs if value is not None}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if given.get("rel") in _SAID:
            return
        for name, value in given.items():
            if (tag, name) in _LOADED:
                self.loads.append(value)
            elif name == "href":
                self.links.append(value)


def faults(site: Path) -> list[str]:
    """Return a sentence for each link of a site that leads nowhere, and each thing loaded from elsewhere.

    Parameters
    ----------
    site : Path
        Folder of a site whose pages link to each other by files.
    """
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    return [
        f"{path.relative_to(site)}: {fault}"
        for path, page in pages.items()
        # The theme gives this page the addresses of a server's root.
        if path.name != "404.html"
        for fault in _faults_of(path, page, pages)
    ]


def _faults_of(path: Path, page: _Page, pages: dict[Path, _Page]) -> Iterator[str]:
    for link in page.loads:
        if urlsplit(link).netloc:
            yield f"loads {link} from another computer"
    for link in dict.fromkeys([*page.links, *page.loads]):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not there.exists():
            yield f"leads to {link}, which is not there"
        elif parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].anchors:
            yield f"leads to {link}, which has no such heading"

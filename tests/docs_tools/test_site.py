"""Parts of the site; tests/long/test_site.py builds it and opens it in a browser."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs_tools.places import DOCS
from docs_tools.site.build import settings
from docs_tools.site.diagrams import with_diagrams
from docs_tools.site.links import faults
from docs_tools.site.staging import ASSETS, stage


def pages(nav: Any) -> Iterator[str]:
    """Yield the pages of a navigation."""
    for entry in nav:
        for target in entry.values():
            yield from [target] if isinstance(target, str) else pages(target)


def test_every_document_has_one_place_in_the_navigation() -> None:
    listed = list(pages(tomllib.loads(settings())["project"]["nav"]))
    assert len(listed) > 40
    assert sorted(listed) == sorted(
        ["changelog.md", *(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))]
    )


def test_staged_documents_have_the_changelog_and_no_diagram_that_needs_a_script(tmp_path: Path) -> None:
    stage(tmp_path / "docs")
    changelog = (tmp_path / "docs" / "changelog.md").read_text(encoding="utf-8")
    assert "](session.md" in changelog or "](exports.md" in changelog
    assert "](docs/" not in changelog
    architecture = (tmp_path / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert "```mermaid" not in architecture
    assert "<li>cli/</li>" in architecture
    assert {path.name for path in (tmp_path / "docs" / "assets").iterdir()} == {
        path.name for path in ASSETS.iterdir()
    }


def test_a_diagram_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no flow chart"):
        with_diagrams("```mermaid\nsequenceDiagram\n```\n")


def test_the_rooms_of_a_diagram_keep_floors_and_imports() -> None:
    text = (
        '```mermaid\nflowchart TB\n    subgraph a\n        a_0["x · y"] --> a_1["z"]\n    end\n    b\n'
        "    a --> b\n```"
    )
    drawn = with_diagrams(text)
    assert drawn.count('class="room"') == 2
    assert "<li>x · y</li>\n<li>z</li>" in drawn
    assert "<p>imports b</p>" in drawn


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#there">b</a><a href="b.html#gone">b</a><a href="c.html">c</a>'
        '<a href="https://example.org/">out</a><link rel="canonical" href="/a.html"><img src="d.png">'
        '<script src="https://example.org/x.js"></script><a href="#top">up</a>',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<h2 id="there">B</h2><a href="a.html">a</a>', encoding="utf-8")
    assert faults(tmp_path) == [
        "a.html: loads https://example.org/x.js from another computer",
        "a.html: leads to b.html#gone, which has no such heading",
        "a.html: leads to c.html, which is not there",
        "a.html: leads to d.png, which is not there",
    ]

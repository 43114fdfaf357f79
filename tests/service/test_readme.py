import re
from pathlib import Path

import pytest

from service.api.wire.table import put_into
from service.cli.commands import run
from tests.places import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "docs"
API = DOCS / "api.md"
DOCUMENTS = sorted([README, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
_ONE_SCREEN = 70
"""Lines."""


def text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def named_commands(document: Path) -> set[str]:
    """Return the commands in blocks of code, those of groups with their second word."""
    code = "".join(re.findall(r"^```\n(.*?)^```", text(document), re.MULTILINE | re.DOTALL))
    code += "".join(re.findall(r"^    (ilemtrack .*\n)", text(document), re.MULTILINE))
    return set(re.findall(r"^ilemtrack ((?:queue |keys |config )?[a-z-]+)", code, re.MULTILINE))


def test_the_table_of_methods_is_that_of_the_models() -> None:
    assert put_into(text(API)) == text(API)


def test_the_client_in_the_document_is_the_one_that_is_tested() -> None:
    assert text(ROOT / "docs" / "examples" / "client.py") in text(API)


def test_the_readme_is_one_screen() -> None:
    assert len(text(README).splitlines()) <= _ONE_SCREEN


def test_every_command_that_the_documents_name_exists() -> None:
    named = {document: named_commands(document) for document in DOCUMENTS}
    assert len(named[README]) > 4
    commands = set().union(*named.values())
    assert len(commands) > 25
    for command in sorted(commands):
        assert run([*command.split(), "--help"]) == 0, command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_links_to_exists(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", text(document))
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    links = set(re.findall(r"\]\(([^)#]+)\)", text(README)))
    reached = {(ROOT / link).resolve() for link in links}
    # The site's own first page, and the tutorials behind the first one.
    behind = {DOCS / "index.md", *(DOCS / "tutorials").glob("*.md")}
    assert {path for path in DOCS.rglob("*.md") if path.parent.name != "decisions"} - behind <= reached

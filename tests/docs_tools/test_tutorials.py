"""The tutorials and the commands that documents show; the longer tutorials run in tests/long."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.exceptions import TyperException

from docs_tools.places import DOCS, REFERENCE, ROOT, TUTORIALS
from docs_tools.tutorials import TutorialError, matches, run, steps
from service.cli.commands import COMMANDS
from service.cli.lazy import Entry, Section, load_command
from tests.docs_tools.tutorials import run_tutorial

DOCUMENTS = sorted([ROOT / "README.md", *set(DOCS.rglob("*.md")) - {REFERENCE / "commands.md"}])
"""All but the reference, which shows usage."""

_BLOCK = re.compile(r"^```(?:\w*)\n(.*?)^```|^((?:    .*\n)+)", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^(?:\$ )?\s*(?:sudo .*)?ilemtrack ([a-z][a-z-]*.*)$")
_ENDS = ("|", ">", "&", "&&")
"""Words with which a shell ends a command."""


def command_lines(document: Path) -> Iterator[list[str]]:
    """Yield the words of each command of ours in the blocks of a document, up to a pipe or the like."""
    for block in _BLOCK.finditer(document.read_text(encoding="utf-8")):
        for line in (block[1] or block[2]).replace("\\\n", " ").splitlines():
            if found := _COMMAND.match(line.split("  #")[0]):
                words = shlex.split(found[1], comments=True)
                yield words[: next((n for n, word in enumerate(words) if word in _ENDS), None)]


def parse(words: list[str]) -> None:
    """Parse a command, and do nothing."""
    name, *rest = words
    entry = COMMANDS[name]
    if isinstance(entry, Section):
        name, *rest = rest
        entry = entry.commands[name]
    assert isinstance(entry, Entry)
    load_command(name, entry).make_context(name, rest)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_document_shows_is_understood(document: Path) -> None:
    refused = []
    for words in command_lines(document):
        try:
            parse(words)
        except (TyperException, KeyError) as error:
            refused.append((words, str(error)))
    assert refused == []


def test_commands_are_found_in_blocks_of_both_kinds() -> None:
    assert len([words for document in DOCUMENTS for words in command_lines(document)]) > 100


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TyperException, match="No such option"):
        parse(["queue", "list", "--everything"])


def test_the_first_tutorial_runs_as_it_is_written(tmp_path: Path, runtime_dir: Path) -> None:
    assert run_tutorial(TUTORIALS / "first_session.md", tmp_path) > 4


def test_a_tutorial_whose_output_differs_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "tutorial.md"
    document.write_text(
        "# It\n\n<!-- file: it.txt -->\n```text\na\n$b\n```\n\n```console\n$ cat it.txt\na\n$c\n```\n",
        encoding="utf-8",
    )
    written, step = steps(document.read_text(encoding="utf-8"))
    assert (written.expected, written.line) == ("", 5)
    assert (step.command, step.expected, step.line) == ("cat it.txt", "a\n$c", 10)
    with pytest.raises(TutorialError, match="line 10"):
        run(document, tmp_path, os.environ)
    assert (tmp_path / "it.txt").read_text(encoding="utf-8") == "a\n$b\n"


def test_a_block_that_begins_with_output_is_refused() -> None:
    with pytest.raises(TutorialError, match="line 2"):
        list(steps("```console\nwell\n```\n"))


def test_a_tutorial_whose_command_fails_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "tutorial.md"
    document.write_text("```console\n$ echo a; false | true\na\n```\n", encoding="utf-8")
    with pytest.raises(TutorialError, match="status 1"):
        run(document, tmp_path, {})


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("", "", True),
        ("", "a\n", False),
        ("a ... c", "a b c\n", True),
        ("a ... c", "a\nc\n", False),
        ("...", "", True),
        ("...", "a\nb\n", True),
        ("a\n...", "a\n", True),
        ("...\nb\n...", "a\nb\nc", True),
        ("...\nb", "a\nb\nc", False),
        ("1.5 s", "1x5 s", False),
    ],
)
def test_dots_stand_for_any_text(expected: str, printed: str, same: bool) -> None:
    assert matches(expected, printed) == same

import re

from service.api.wire.table import put_into
from service.cli.commands import run
from tests.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_methods_is_that_of_the_models() -> None:
    assert put_into(README) == README


def test_every_command_that_the_readme_names_exists() -> None:
    code = "".join(re.findall(r"^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
    commands = set(re.findall(r"^ilemtrack ([a-z-]+(?: (?:list|show|check|schema))?)", code, re.MULTILINE))
    assert len(commands) > 8
    for command in sorted(commands):
        assert run([*command.split(), "--help"]) == 0, command


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    for link in links:
        assert (ROOT / link).exists(), link

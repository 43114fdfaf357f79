"""The reference of the commands, made from the command line itself."""

from collections.abc import Iterator

import typer
from typer.core import TyperArgument, TyperCommand

from docs_tools.reference.cells import cell, table
from service.cli.commands import COMMANDS
from service.cli.lazy import Entry, Section, load_command

_HEAD = """# Every command

Made from the program by `python -m docs_tools`; `ilemtrack COMMAND --help` says the same. Every command
takes `--help`. Exit statuses: [sessions](../session.md#exit-status). The keys of `--json`:
[documents](../documents.md).
"""


def commands() -> str:
    """Return the page with every command: usage, description, arguments and options with their defaults."""
    every = list(_entries())
    rows = [[f"[`{words}`](#{_anchor(words)})", cell(entry.summary)] for words, entry in every]
    parts = [_HEAD, table(["command", "purpose"], rows)]
    parts += [_command(words, entry) for words, entry in every]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _entries() -> Iterator[tuple[str, Entry]]:
    for name, entry in COMMANDS.items():
        if isinstance(entry, Section):
            for word, inner in entry.commands.items():
                if isinstance(inner, Entry):
                    yield f"{name} {word}", inner
        else:
            yield name, entry


def _anchor(words: str) -> str:
    """Return the anchor that GitHub and the site give to the heading of a command."""
    return f"ilemtrack-{words}".replace(" ", "-")


def _command(words: str, entry: Entry) -> str:
    command = load_command(words.split()[-1], entry)
    context = typer.Context(command, info_name=f"ilemtrack {words}")
    usage = " ".join(["ilemtrack", words, *command.collect_usage_pieces(context)])
    parts = [f"## ilemtrack {words}", f"```text\n{usage}\n```", _description(command.help or "")]
    rows = [
        [f"`{_unbroken(name)}`", cell(said)]
        for name, said in _parameters(command, context)
        if name != "--help"
    ]
    if rows:
        parts.append(table(["argument or option", "meaning"], rows))
    return "\n\n".join(parts)


def _description(text: str) -> str:
    """Return a docstring as Markdown: paragraphs without the line breaks of the source."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return "\n\n".join(paragraph.replace("<", "&lt;") for paragraph in paragraphs)


def _parameters(command: TyperCommand, context: typer.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            name, said = record
            yield (name.split()[0] if isinstance(parameter, TyperArgument) else name), said


def _unbroken(name: str) -> str:
    return name.replace("|", r"\|").replace(" range>", ">")

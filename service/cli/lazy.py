"""Command groups that list their commands without importing them.

The libraries of a command (SciPy, Matplotlib, OpenCV, ...) take seconds to import. So a group keeps a table
with the one-line help of each command, and imports the module of a command only when the command is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is not imported yet."""

    function: str
    """``module:function``."""
    summary: str
    """First line of the function's docstring."""


@dataclass(frozen=True, slots=True)
class Section:
    """A group of commands within a group."""

    summary: str
    commands: Mapping[str, Entry]


Table = Mapping[str, Entry | Section]


class Command(TyperCommand):
    """A command that has been imported."""

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the completions of an option, without their help."""
        return _names_only(super().shell_complete(ctx, incomplete))


class LazyGroup(TyperGroup):
    """A group that imports a command when it is used.

    Parameters
    ----------
    table : mapping of str to Entry or Section
        The commands by name, in the order of the help.
    **attributes
        Arguments of `TyperGroup`.
    """

    def __init__(self, *, table: Table, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._unloaded = {name: entry for name, entry in table.items() if isinstance(entry, Entry)}
        for name, entry in table.items():
            if isinstance(entry, Section):
                self.add_command(_group(name, entry))
            else:
                # Enough to list the command.
                self.add_command(Command(name, help=entry.summary, rich_markup_mode=None))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command named by the first argument, and return it."""
        entry = self._unloaded.pop(args[0], None)
        if entry is not None:
            self.add_command(load_command(args[0], entry))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the completions of a command or option, without their help."""
        return _names_only(super().shell_complete(ctx, incomplete))


def load_command(name: str, entry: Entry) -> TyperCommand:
    """Import the module of a command and return the command."""
    module, _, function = entry.function.partition(":")
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, cls=Command)(getattr(import_module(module), function))
    command = typer.main.get_command(alone)
    assert isinstance(command, TyperCommand)
    return command


def _group(name: str, section: Section) -> LazyGroup:
    return LazyGroup(
        table=section.commands,
        name=name,
        help=section.summary,
        no_args_is_help=True,
        rich_markup_mode=None,
    )


def _names_only(items: list[Any]) -> list[Any]:
    """Drop the help texts: to show them, typer would import rich, which takes longer than all the rest."""
    for item in items:
        item.help = None
    return items

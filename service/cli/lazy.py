"""Groups of commands that list their commands without loading them.

The modules of a command (SciPy, Matplotlib, OpenCV, ...) take seconds to load. So a group keeps a table with
the one-line help of each command, and imports a command's module only when the command is used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is not loaded yet."""

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
    """A loaded command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments of the command."""
        _convert_on_demand(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete options, without their help."""
        return _names_only(super().shell_complete(ctx, incomplete))


class LazyGroup(TyperGroup):
    """A group that loads a command when it is used.

    Parameters
    ----------
    table : mapping of str to Entry or Section
        The commands by name, in the order of the help.
    **attributes
        Of a `TyperGroup`.
    """

    def __init__(self, *, table: Table, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._unloaded = {name: entry for name, entry in table.items() if isinstance(entry, Entry)}
        for name, entry in table.items():
            if isinstance(entry, Section):
                self.add_command(_group(name, entry))
            else:
                # Enough for a list of commands.
                self.add_command(Command(name, help=entry.summary, rich_markup_mode=None))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options before the command."""
        _convert_on_demand(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the arguments begin with, and load it."""
        entry = self._unloaded.pop(args[0], None)
        if entry is not None:
            self.add_command(load_command(args[0], entry))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete commands and options, without their help."""
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


class _OnDemand:
    """Typer's conversion of a parameter, begun only for a value that must be converted.

    Typer builds a pydantic model for every parameter, given or not, which takes longer than all the rest of
    `ilemtrack abort`.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        annotation = param.type_descriptor.annotation
        many = param.multiple or param.nargs == -1
        if not many and (value is None or type(value) is annotation):
            return value
        if many and annotation == list[str] and isinstance(value, tuple):
            return list(value)
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _convert_on_demand(params: Iterable[Any]) -> None:
    for param in params:
        param._runtime_param = _OnDemand()


def _names_only(items: list[Any]) -> list[Any]:
    """Drop the help texts: to show them, typer would load rich, which takes longer than all the rest."""
    for item in items:
        item.help = None
    return items

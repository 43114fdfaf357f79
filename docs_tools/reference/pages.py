"""The pages that are made from the code."""

from collections.abc import Callable, Mapping

from docs_tools.reference.commands import commands
from docs_tools.reference.settings import settings

PAGES: Mapping[str, Callable[[], str]] = {"commands.md": commands, "settings.md": settings}
"""The function that makes each page, by the name of its file."""

"""The type of the fixture `say`, which runs a command of the command line."""

from collections.abc import Callable
from typing import Any

Said = Callable[..., tuple[int, Any, str]]
"""Takes the words of a command; gives its status, its document (or text), and what it said to people."""

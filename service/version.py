"""The version of this program."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def program_version() -> str:
    """Return the version of the installed program; every image has it, and to read it takes a millisecond."""
    try:
        return version("ilemtrack")
    except PackageNotFoundError:
        return "not installed"

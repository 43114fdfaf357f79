"""The version of this program."""

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """Return the version of the installed program."""
    try:
        return version("ilemtrack")
    except PackageNotFoundError:
        return "not installed"

"""Start-up check of the packages: another program may have overwritten one with a name like `config`."""

import importlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from service.errors import InputError

HOME = Path(__file__).resolve().parent.parent
"""Folder of our packages."""

OWN_PACKAGES = ("config", "detection", "drivers", "planner", "service", "simulators")


@cache
def _owners() -> Mapping[str, list[str]]:
    """Return the distributions of each package; reading all of them takes a fifth of a second."""
    return packages_distributions()


def check() -> None:
    """Refuse to run with packages of another program.

    Raises
    ------
    InputError
        A package with one of our names is not ours.
    """
    owners = _owners()
    for room in OWN_PACKAGES:
        file = importlib.import_module(room).__file__
        strangers = set(owners.get(room, ())) - {"ilemtrack"}
        if file is None or Path(file).resolve().parent.parent != HOME or strangers:
            whose = ", ".join(sorted(strangers)) or str(file)
            raise InputError(
                f"the package '{room}' is not ilemtrack's own ({whose});"
                " install ilemtrack in an environment of its own"
            )

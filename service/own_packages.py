"""A start-up check that the packages are ours: names like `config` may be overwritten by another program."""

import importlib
from importlib.metadata import packages_distributions
from pathlib import Path

from service.errors import InputError

HOME = Path(__file__).resolve().parent.parent
"""Folder that holds our packages."""

OWN_PACKAGES = ("config", "detection", "drivers", "planner", "service", "simulators")


def check() -> None:
    """Refuse to work with another program's packages.

    Raises
    ------
    InputError
        A package of that name came from elsewhere.
    """
    owners = packages_distributions()
    for room in OWN_PACKAGES:
        file = importlib.import_module(room).__file__
        strangers = set(owners.get(room, ())) - {"ilemtrack"}
        if file is None or Path(file).resolve().parent.parent != HOME or strangers:
            whose = ", ".join(sorted(strangers)) or str(file)
            raise InputError(
                f"the package '{room}' is not ilemtrack's own ({whose});"
                " install ilemtrack in an environment of its own"
            )

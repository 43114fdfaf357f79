"""A start-up check that the rooms are ours: names like `config` may be overwritten by another program."""

import importlib
from importlib.metadata import packages_distributions
from pathlib import Path

from service.errors import InputError

ROOMS = ("config", "detection", "drivers", "planner", "service", "simulators")


def check() -> None:
    """Refuse to work with another program's packages.

    Raises
    ------
    InputError
        A package of that name came from elsewhere.
    """
    home = Path(__file__).resolve().parent.parent
    owners = packages_distributions()
    for room in ROOMS:
        file = importlib.import_module(room).__file__
        strangers = set(owners.get(room, ())) - {"ilemtrack"}
        if file is None or Path(file).resolve().parent.parent != home or strangers:
            whose = ", ".join(sorted(strangers)) or str(file)
            raise InputError(
                f"the package '{room}' is not ilemtrack's own ({whose});"
                " install ilemtrack in an environment of its own"
            )

"""How Odemis fails, switched on by a file: one JSON object, fault by fault.

A fault that takes a list of roles strikes those components only.

=================  ===========================================================================================
``killed``         [roles]: get() raises ConnectionClosedError, settings CommunicationError, result() hangs
``get_hangs``      [roles]: get() never returns
``result_hangs``   [roles]: result() never returns, whatever its timeout
``missing``        [roles]: LookupError
``ghosts``         {name: reason}: listed as what did not start
``without``        {role: [settings]}: this microscope does not have them
``corrections``    {role: {key: value}}: metadata of a fine alignment that Odemis keeps
``undated``        true: frames do not say when they began
``unmarked``       true: frames do not carry the metadata that others wrote
``stale_position`` [x, y]: frames say that they lie so far from where they do, m
``clips``          [width, height]: larger resolutions are clipped silently, px
``presets``        true: the resolution follows the scale, and neither it nor the translation is set
``pump_lies``      true: the future of the chamber succeeds, nothing was pumped, it reads as vented
``runs_on``        [roles]: stop() and cancel() have no effect
``arrives_early``  number: the stage says it has stopped, and still moves for so many read-backs
``tiny_moves``     metres: shorter moves do not happen, and report success
``blanker_stuck``  true: the blanker ignores what is written to it
``light_stuck``    true: the light ignores what is written to it
``silent``         number: so many questions are never answered
=================  ===========================================================================================
"""

import json
from pathlib import Path
from typing import Any

NAMES = (
    "killed",
    "get_hangs",
    "result_hangs",
    "missing",
    "ghosts",
    "without",
    "corrections",
    "undated",
    "unmarked",
    "stale_position",
    "clips",
    "presets",
    "pump_lies",
    "runs_on",
    "arrives_early",
    "tiny_moves",
    "blanker_stuck",
    "light_stuck",
    "silent",
)


class Faults:
    """The faults of a file, read at every question, so that they can come and go.

    Parameters
    ----------
    path : Path
        May be missing: then there are none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, **faults: Any) -> None:
        """Switch these faults on, and all others off.

        Raises
        ------
        ValueError
            There is no such fault.
        """
        for name in faults:
            if name not in NAMES:
                raise ValueError(f"no fault {name!r}; there are {', '.join(NAMES)}")
        new = self._path.with_name(self._path.name + ".new")
        new.write_text(json.dumps(faults))
        new.replace(self._path)

    def of(self, name: str) -> Any:
        """Value of a fault, or None."""
        try:
            return json.loads(self._path.read_text()).get(name)
        except FileNotFoundError:
            return None

    def strikes(self, name: str, role: str) -> bool:
        """Whether a fault that takes roles strikes this one."""
        return role in (self.of(name) or ())

"""Faults of Odemis, switched on by a file with one JSON object.

A fault with a list of roles affects only those components.

=================  ===========================================================================================
``killed``         [roles]: get() raises ConnectionClosedError, settings CommunicationError, result() hangs
``get_hangs``      [roles]: get() never returns
``result_hangs``   [roles]: result() never returns, whatever its timeout
``missing``        [roles]: LookupError
``ghosts``         {name: reason}: components listed as not started
``without``        {role: [settings]}: this microscope does not have them
``corrections``    {role: {key: value}}: metadata of a fine alignment that Odemis keeps
``undated``        true: frames carry no date
``unmarked``       true: frames do not carry the metadata written by clients
``stale_position`` [x, y]: offset of the position in the metadata of frames, m
``clips``          [width, height]: larger resolutions are clipped silently, px
``clips_shift``    number: a translation is clipped silently at this many px on each axis
``fixed_frame``    true: the size of camera frames is read-only
``presets``        true: the resolution follows the scale; it and the translation are read-only
``pump_lies``      true: the future of the chamber succeeds, but nothing was pumped; it reads as vented
``runs_on``        [roles]: stop() and cancel() have no effect
``arrives_early``  number of read-backs for which the stage still moves after it reported a stop
``tiny_moves``     metres: shorter moves report success but do not happen
``blanker_stuck``  true: the blanker ignores what is written to it
``light_stuck``    true: the light ignores what is written to it
``silent``         number of questions that are never answered
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
    "clips_shift",
    "fixed_frame",
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
    """The faults in a file, read at every question, so that they can change at any time.

    Parameters
    ----------
    path : Path
        May be missing: no faults.
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
        """Return the value of a fault, or None."""
        try:
            return json.loads(self._path.read_text()).get(name)
        except FileNotFoundError:
            return None

    def strikes(self, name: str, role: str) -> bool:
        """Return True if a fault affects a role."""
        return role in (self.of(name) or ())

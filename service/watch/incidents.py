"""Incident log of a run, for people: ``incidents.md`` in its folder."""

import os
from datetime import datetime
from pathlib import Path

from service.logs import get_logger
from service.watch.alarms import Alarm

log = get_logger(__name__)

_HEAD = "# Incidents\n\nTimes are UTC, the newest is last.\n"


def write(path: Path, at: datetime, alarm: Alarm) -> None:
    """Append an incident; an error of the disk is logged, never raised.

    Parameters
    ----------
    path : Path
    at : datetime
        UTC.
    alarm : Alarm
    """
    title = (alarm.kind or "note").replace("_", " ")
    parts = (("What happened", alarm.what), ("What was done", alarm.done), ("To do", alarm.to_do))
    lines = "".join(f"- {name}: {' '.join(said.split())}\n" for name, said in parts)
    text = f"\n## {at:%Y-%m-%d %H:%M:%S} {title}\n\n{lines}"
    try:
        new = not path.exists()
        with path.open("a", encoding="utf-8") as file:
            file.write(_HEAD + text if new else text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        log.error("incident not written", error=str(error), what=alarm.what)

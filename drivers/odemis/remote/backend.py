"""State of the back-end of Odemis as a whole."""

from typing import Any

NOT_RUNNING = "Odemis is not running; start it"

_COMING = ("unloaded", "starting")
"""States of components whose start has not ended; a start that failed leaves an exception."""


def coming(ghosts: dict[Any, Any]) -> list[str]:
    """Return the names of the components that are still to start."""
    return sorted(str(name) for name, state in ghosts.items() if str(state) in _COMING)


def trouble() -> tuple[str, str] | None:
    """Return kind (of `protocol.KINDS`) and sentence if the back-end is down or starting; else None."""
    try:
        from odemis.util import driver

        status = driver.get_backend_status()
        if status in (driver.BACKEND_DEAD, driver.BACKEND_STOPPED):
            return "not-running", NOT_RUNNING
        if status == driver.BACKEND_STARTING:
            from odemis import model

            return starting(model.getMicroscope().ghosts.value)
    except Exception:  # noqa: BLE001 - the error that led here is reported instead
        return None
    return None


def starting(ghosts: dict[Any, Any]) -> tuple[str, str] | None:
    """Return kind and sentence if components are still to start; else None."""
    names = coming(ghosts)
    return ("starting", f"Odemis is starting; not there yet: {', '.join(names)}") if names else None

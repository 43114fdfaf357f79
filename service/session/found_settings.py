"""Settings that a program found on the microscope: kept over a crash, put back at an orderly end."""

from drivers.errors import DriverError
from drivers.microscope import FoundSettings, Microscope, PutBack
from service.errors import HungDeviceError, StoreError
from service.logs import get_logger
from service.model.phases import Phase
from service.store.store import Store

log = get_logger(__name__)

FOUND, PUT_BACK = "found", "put_back"
"""Kinds of the events."""

_WITHIN_S = 30.0
"""Longest time to put everything back, s; chosen by hand, not measured."""


def remember(store: Store, devices: Microscope) -> None:
    """Record what was found, or recall what an earlier process of the run found and did not put back.

    A store that refuses costs only the memory over a crash.
    """
    if devices.found is None:
        return
    try:
        _remember(store, devices.found)
    except StoreError as error:
        log.error("found settings not recorded", error=str(error))


def _remember(store: Store, now: FoundSettings) -> None:
    found, put_back = store.events.last_of(FOUND), store.events.last_of(PUT_BACK)
    done = put_back is not None and bool(put_back.data["complete"])
    if found is not None and not (put_back is not None and done and put_back.seq > found.seq):
        now.recall(found.data)
    else:
        store.events.note(FOUND, "microscope", now.values())


def put_back(devices: Microscope) -> PutBack:
    """Put back what was found; a failure is reported in the result. The microscope must be safe."""
    if devices.found is None:
        return PutBack()
    try:
        result = devices.found.put_back(_WITHIN_S)
    except (DriverError, HungDeviceError, OSError) as error:
        result = PutBack(left=(f"the settings were not put back: {error}",), complete=False)
    log.info("put back", done=result.done, left=result.left)
    return result


def put_back_at_the_end(store: Store, devices: Microscope) -> PutBack:
    """Put back at the end of a session and record it; after a fault everything stays as it is."""
    if devices.found is None:
        return PutBack()
    try:
        if store.status().phase is Phase.FAULT:
            result = PutBack(left=("after the fault, all settings stay as they are",), complete=False)
        else:
            result = put_back(devices)
        data = {"done": result.done, "left": result.left, "complete": result.complete}
        store.events.note(PUT_BACK, "microscope", data)
    except StoreError as error:
        log.error("not recorded what was put back", error=str(error))
        return PutBack(left=("the database fails: what was put back is only in the log",), complete=False)
    return result


def sentences(result: PutBack) -> list[str]:
    """Return what was put back and what was not, for people."""
    done = [f"put back as found at the start: {', '.join(result.done)}"] if result.done else []
    return [*done, *result.left]

"""The blanker and the power of the beam of a Quanta-style server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.errors import BeamOffError, DriverError, StoppedInTimeError
from drivers.quanta.client import Call, QuantaClient

_LOCK_S = 0.2
"""Longest wait of `blank` for an unblanking under way, s; it must leave most of its second for the calls."""


class Blanker:
    """Blanks at any time, from any thread, over connections of its own.

    Parameters
    ----------
    client : QuantaClient
    """

    def __init__(self, client: QuantaClient) -> None:
        self._client = client
        self._lock = threading.Lock()

    def blank(self) -> None:
        """Blank the beam and read it back; waits for an unblanking under way, but not for one that hangs.

        Raises
        ------
        DriverError
            The blanker does not answer or does not blank; in the latter case the beam was switched off.
        """
        held = self._lock.acquire(timeout=_LOCK_S)
        try:
            self.blank_now()
        finally:
            if held:
                self._lock.release()

    def blank_now(self) -> None:
        """Blank the beam and read it back, without waiting for anything.

        Raises
        ------
        DriverError
            As `blank`.
        """
        blank: tuple[Call, Call] = ("blank_beam", {}), ("beam_is_blanked", {})
        if self._client.urgent(*blank)[1] is True or self._client.urgent(*blank)[1] is True:
            return
        off = self._client.urgent(("set_beam_power", {"value": False}), ("get_beam_power", {}))[1] is False
        raise DriverError(
            "the blanker does not blank; "
            + ("the beam was switched off" if off else "AND THE BEAM DOES NOT SWITCH OFF")
        )

    def is_blanked(self) -> bool:
        """Return True if the beam is blanked or switched off."""
        blanked, power = self._client.urgent(("beam_is_blanked", {}), ("get_beam_power", {}))
        return blanked is True or power is False

    @contextmanager
    def unblanking(self, wake: threading.Event) -> Iterator[None]:
        """Unblank, and let the block start the scan before anything blanks again.

        Raises
        ------
        StoppedInTimeError
            `wake` is set: the beam stayed blanked.
        """
        with self._lock:
            if wake.is_set():
                raise StoppedInTimeError("the scan was stopped before the beam was on")
            self._client.call("unblank_beam")
            yield

    def require_power(self) -> None:
        """Refuse a beam that is switched off as a whole.

        Raises
        ------
        BeamOffError
        """
        if self._client.call("get_beam_power") is not True:
            raise BeamOffError(
                "the beam is switched off as a whole; only a person switches it on, at the SEM"
            )

"""The detector channel of a Quanta-style server: it runs a scan and keeps the last frame."""

import threading

from config.quanta import QuantaConfig
from drivers.clock import Clock
from drivers.errors import (
    DeviceLostError,
    DeviceTimeoutError,
    DriverError,
    InterruptedCallError,
    NotReadyError,
    StoppedInTimeError,
)
from drivers.quanta.client import QuantaClient
from drivers.quanta.scans import frames

_STALE_S = 5.0
"""Longest time for which a server may still show the frame before ours, s; chosen by hand, not measured."""
_CANCEL_S = 10.0
"""Longest time for an earlier scan to end once it is cancelled, s; chosen by hand, not measured."""


class Channel:
    """Starts and watches scans; the caller blanks and unblanks.

    Parameters
    ----------
    client : QuantaClient
    quanta : QuantaConfig
    clock : Clock
    """

    def __init__(self, client: QuantaClient, quanta: QuantaConfig, clock: Clock) -> None:
        self._client = client
        self._quanta = quanta
        self._clock = clock

    def cancel_earlier(self, wake: threading.Event) -> None:
        """End a scan that an earlier program may have left running.

        Raises
        ------
        NotReadyError
            It does not end.
        StoppedInTimeError
            `wake` was set.
        """
        end_s = self._clock.now_s() + _CANCEL_S
        while self._state() != "stopped":
            if self._clock.now_s() >= end_s:
                raise NotReadyError("a scan that was begun earlier does not end")
            self._set_state("cancel")
            if not self._clock.sleep(self._quanta.poll_s, wake):
                raise StoppedInTimeError("the scan was stopped before the beam was on")

    def run_once(self, beam_s: float) -> None:
        """Begin to scan frames without end, and stop after the first, which takes `beam_s`.

        Raises
        ------
        DeviceTimeoutError
            The SEM took the request to stop so late that it may have begun a second frame.
        """
        begin_s = self._clock.now_s()
        self._set_state("run")
        self._set_state("stop")
        late_s = self._clock.now_s() - begin_s
        if late_s >= beam_s:
            raise DeviceTimeoutError(
                f"the SEM took the request to stop after its first frame only {late_s:.1f} s after it began a"
                f" frame of {beam_s:.1f} s: it may have exposed the ground twice"
            )

    def wait(self, beam_s: float, end_s: float, wake: threading.Event) -> None:
        """Wait until the scan has ended.

        Parameters
        ----------
        beam_s : float
            Time under the beam; not asked before it is over, s.
        end_s : float
            Deadline on the microscope's clock, s.
        wake : threading.Event

        Raises
        ------
        InterruptedCallError
            `wake` was set.
        DeviceTimeoutError
        """
        wait_s = beam_s
        while True:
            left_s = end_s - self._clock.now_s()
            if not self._clock.sleep(max(0.0, min(wait_s, left_s)), wake) or wake.is_set():
                raise InterruptedCallError("the scan was stopped; part of the rows were exposed")
            if self._state() == "stopped":
                return
            if self._clock.now_s() >= end_s:
                raise DeviceTimeoutError("the scan did not end in time")
            wait_s = self._quanta.poll_s

    def begin_focus(self) -> None:
        """Begin an automatic focus on what is set to be scanned."""
        self._client.call("set_autofocusing", channel=self._quanta.channel, state=True)

    def wait_for_focus(self, timeout_s: float, end_s: float, wake: threading.Event) -> None:
        """Wait for the automatic focus to end.

        Raises
        ------
        InterruptedCallError
            `wake` was set.
        DeviceTimeoutError
        """
        while self._client.call("is_autofocusing", channel=self._quanta.channel):
            if self._clock.now_s() >= end_s:
                raise DeviceTimeoutError(f"the automatic focus did not end within {timeout_s:g} s")
            if not self._clock.sleep(self._quanta.poll_s, wake):
                raise InterruptedCallError("the focus was stopped; the rectangle was exposed")

    def latest(self) -> frames.Frame | None:
        """Return the last whole frame; None before the first."""
        found = self._client.call("get_latest_image", channel=self._quanta.channel)
        return found if isinstance(found, tuple) else None

    def fetch(self, before: bytes, expected: frames.Expected, wake: threading.Event) -> frames.Frame:
        """Fetch the frame of the scan that has ended; asks again where the connection breaks.

        The frame is all that is left of the exposed ground, and asking for it changes nothing.

        Parameters
        ----------
        before : bytes
            Fingerprint of the frame that the server had before the scan.
        expected : frames.Expected
        wake : threading.Event

        Raises
        ------
        DriverError
            The server has no frame of this scan.
        InterruptedCallError
            `wake` was set.
        """
        end_s = self._clock.now_s() + _STALE_S
        while True:
            try:
                frame = self.latest()
            except DeviceLostError as error:
                wrong: DriverError = error
            else:
                mismatch = _mismatch(frame, before, expected)
                if frame is not None and mismatch is None:
                    return frame
                wrong = DriverError(mismatch)
            if self._clock.now_s() >= end_s:
                raise wrong
            if not self._clock.sleep(self._quanta.poll_s, wake):
                raise InterruptedCallError("stopped while its image was fetched; the rows were exposed")

    def _state(self) -> str:
        return str(self._client.call("get_channel_state", channel=self._quanta.channel))

    def _set_state(self, state: str) -> None:
        self._client.call("set_channel_state", channel=self._quanta.channel, state=state)


def _mismatch(frame: frames.Frame | None, before: bytes, expected: frames.Expected) -> str | None:
    """Return in a sentence why a frame is not that of the scan; None if it is."""
    if frame is None or frames.fingerprint(frame) == before:
        return "the SEM shows the frame that it had before the scan"
    return frames.mismatch(frame[0], expected)

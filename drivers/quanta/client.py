"""Calls to a Quanta-style server, each with a deadline; urgent ones on a connection of their own."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from drivers.errors import DeviceLostError, DeviceTimeoutError, DriverError, NotReadyError, OutOfRangeError
from drivers.quanta.wire import MAX_IMAGE_BYTES, MAX_LINE_BYTES, Address, ErrorCode, line, parsed

URGENT_S = 0.9
"""Time for the calls of one blanking or stopping, s; the contract allows 1 s."""
_CHUNK_BYTES = 1 << 20
_LOOK_S = 0.1
"""Longest wait between two looks at the stopwatch, s."""

Call = tuple[str, dict[str, object]]
T = TypeVar("T")


class QuantaClient:
    """Client of a server. Safe to use from several threads: calls wait for each other, urgent ones do not.

    No call is repeated automatically. After a missed deadline or a lost connection the next call opens a new
    connection, so that a late answer is never taken for that of another call.

    Parameters
    ----------
    endpoint : str
        ``tcp://HOST:PORT`` or ``unix:///PATH``.
    call_timeout_s : float
        Longest time for one call and its answer, s. No call waits for hardware.
    now_s : callable
        Stopwatch for that time, s.
    """

    def __init__(
        self, endpoint: str, call_timeout_s: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = Address(endpoint)
        self._timeout_s = call_timeout_s
        self._now_s = now_s
        self._lock = threading.Lock()
        self._connection: _Connection | None = None

    def call(self, method: str, **params: object) -> Any:
        """Call and wait for the answer.

        Returns
        -------
        object
            A JSON value; for an image a pair of that and the bytes of its pixels.

        Raises
        ------
        OutOfRangeError, NotReadyError, DriverError
            The server refused.
        DeviceTimeoutError
            No answer in time; the server may still act on the call.
        DeviceLostError
            No server is listening, or the connection broke.
        """
        with self._lock:
            if self._connection is None:
                self._connection = _Connection(self._address, self._timeout_s, self._now_s)
            try:
                return self._connection.call(method, params, self._timeout_s)
            except (DeviceTimeoutError, DeviceLostError):
                self._connection.close()
                self._connection = None
                raise

    def ask(self, method: str, read: Callable[[Any], T]) -> T:
        """Call, and convert the answer.

        Parameters
        ----------
        method : str
        read : callable
            Converts the JSON value.

        Raises
        ------
        DriverError
            As `call`, or the answer has an unexpected form.
        """
        found = self.call(method)
        try:
            return read(found)
        except (TypeError, KeyError, IndexError, ValueError) as error:
            raise DriverError(f"{method}: unexpected answer: {found!r}") from error

    def urgent(self, *calls: Call) -> list[Any]:
        """Make calls over a new connection, whatever hangs in another, within `URGENT_S`.

        Parameters
        ----------
        *calls : (str, dict)
            Method and parameters of each.

        Returns
        -------
        list
            Result of each.

        Raises
        ------
        DriverError
            As `call`; the calls after one that failed are not made.
        """
        end_s = self._now_s() + URGENT_S
        connection = _Connection(self._address, URGENT_S, self._now_s)
        try:
            return [connection.call(name, params, end_s - self._now_s()) for name, params in calls]
        finally:
            connection.close()

    def apart(self, *calls: Call) -> list[Any]:
        """Make calls over a new connection, each within the usual time: none of them holds up another thread.

        Parameters and results are those of `urgent`.
        """
        connection = _Connection(self._address, self._timeout_s, self._now_s)
        try:
            return [connection.call(name, params, self._timeout_s) for name, params in calls]
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection, which ends a call that hangs in it; the next call opens a new one."""
        connection = self._connection
        if connection is not None:
            connection.shut()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


class _Connection:
    """One socket, used by one thread at a time and dropped after its first failure."""

    def __init__(self, address: Address, timeout_s: float, now_s: Callable[[], float]) -> None:
        self._name = address.text
        self._now_s = now_s
        self._calls = 0
        self._rest = bytearray()
        try:
            self._socket = address.connect(timeout_s)
        except TimeoutError as error:
            raise DeviceTimeoutError(f"{self._name} does not answer") from error
        except OSError as error:
            raise DeviceLostError(f"no server answers at {self._name}: {error.strerror or error}") from error

    def call(self, method: str, params: dict[str, object], timeout_s: float) -> Any:
        """Send one request and return the result of its reply."""
        end_s = self._now_s() + timeout_s
        self._calls += 1
        request = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params}
        try:
            text = line(request)
        except ValueError as error:
            raise OutOfRangeError(f"{method}: not a finite number among {params}") from error
        try:
            self._socket.settimeout(max(timeout_s, 1e-3))
            self._socket.sendall(text)
            reply = parsed(self._line(end_s))
            if reply.get("id") != self._calls:
                raise DeviceLostError(f"{self._name} answered another call than {method}")
            result = _result(method, reply)
            if isinstance(result, dict) and "bytes" in result:
                return result, self._exactly(int(result["bytes"]), end_s)
        except TimeoutError as error:
            raise DeviceTimeoutError(f"{method}: no answer within {timeout_s:.2g} s") from error
        except OSError as error:
            raise DeviceLostError(f"{method}: the connection broke: {error.strerror or error}") from error
        return result

    def shut(self) -> None:
        """End the call that another thread waits for; harmless when the connection is gone."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()

    def _line(self, end_s: float) -> bytes:
        while (at := self._rest.find(b"\n")) < 0:
            if len(self._rest) > MAX_LINE_BYTES:
                raise DeviceLostError(f"{self._name} sends a line without end")
            self._read(end_s)
        text = bytes(self._rest[:at])
        del self._rest[: at + 1]
        return text

    def _exactly(self, count: int, end_s: float) -> bytes:
        if not 0 <= count <= MAX_IMAGE_BYTES:
            raise DeviceLostError(f"{self._name} sends an image of {count} bytes")
        while len(self._rest) < count:
            self._read(end_s)
        data = bytes(self._rest[:count])
        del self._rest[:count]
        return data

    def _read(self, end_s: float) -> None:
        chunk: bytes | None = None
        while chunk is None:
            left_s = end_s - self._now_s()
            if left_s <= 0:
                raise TimeoutError
            self._socket.settimeout(min(left_s, _LOOK_S))
            with suppress(TimeoutError):
                chunk = self._socket.recv(_CHUNK_BYTES)
        if not chunk:
            raise DeviceLostError(f"{self._name} closed the connection")
        self._rest += chunk


def _result(method: str, reply: dict[str, Any]) -> Any:
    """Return the result of a reply, or raise its error."""
    error = reply.get("error")
    if error is None:
        return reply.get("result")
    code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, error)
    said = f"{method}: {message}"
    if code == ErrorCode.OUT_OF_RANGE:
        raise OutOfRangeError(said)
    if code == ErrorCode.NOT_READY:
        raise NotReadyError(said)
    raise DriverError(said)

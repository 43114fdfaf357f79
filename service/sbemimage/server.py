"""TCP server for SBEMimage: one message and one answer for each connection, each within its deadline."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from service.errors import InputError
from service.logs import get_logger
from service.sbemimage.theirs.dialect import MOST_BYTES, whole

log = get_logger(__name__)

MESSAGE_S = 10.0
"""Deadline for a message to arrive, of some kB over a network of the laboratory."""
_LINGER_S = 2.0
"""Time in which a client may read its answer before the connection is closed."""
_MOST_CLIENTS = 16
"""Connections at once; SBEMimage has one. Those above are closed, which SBEMimage takes for an error."""


class Server(socketserver.ThreadingTCPServer):
    """Server on one address.

    Parameters
    ----------
    host : str
    port : int
        0: any that is free.
    answer : callable
        Returns the reply to the bytes of a message from a client.

    Raises
    ------
    InputError
        The address is taken, or is none of this computer.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, host: str, port: int, answer: Callable[[bytes, str], bytes], message_s: float = MESSAGE_S
    ) -> None:
        self.answer, self.message_s = answer, message_s
        self.places = threading.BoundedSemaphore(_MOST_CLIENTS)
        try:
            super().__init__((host, port), _Connection)
        except (OSError, OverflowError) as error:
            raise InputError(f"{host} port {port}: cannot be listened on ({error})") from None

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Log an error of one connection; the others go on."""
        log.exception("connection of SBEMimage")


class _Connection(socketserver.BaseRequestHandler):
    server: Server
    request: socket.socket

    def handle(self) -> None:
        if not self.server.places.acquire(blocking=False):
            return
        try:
            self._handle()
        finally:
            self.server.places.release()

    def _handle(self) -> None:
        client = str(self.client_address[0])
        data = self._message()
        if not data:
            # Somebody looked if the port is open.
            return
        answer = self.server.answer(data, client)
        try:
            self.request.settimeout(self.server.message_s)
            self.request.sendall(answer)
            self.request.shutdown(socket.SHUT_WR)
        except OSError as error:
            log.warning("SBEMimage did not wait for its answer", client=client, error=str(error))
            return
        self._drain()

    def _message(self) -> bytes:
        data = bytearray()
        end_s = time.monotonic() + self.server.message_s
        while len(data) <= MOST_BYTES and not whole(bytes(data)):
            self.request.settimeout(max(0.001, end_s - time.monotonic()))
            try:
                chunk = self.request.recv(65536)
            except OSError:
                break
            if not chunk or time.monotonic() > end_s:
                break
            data += chunk
        return bytes(data)

    def _drain(self) -> None:
        """Read what is still sent: a connection closed over it would take the answer from the client."""
        end_s = time.monotonic() + _LINGER_S
        with suppress(OSError):
            while (left_s := end_s - time.monotonic()) > 0:
                self.request.settimeout(left_s)
                if not self.request.recv(65536):
                    break

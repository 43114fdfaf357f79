"""CURVE for the sockets of the API, and the ZAP handler that accepts or refuses the keys of clients.

https://rfc.zeromq.org/spec/26 (CurveZMQ) and https://rfc.zeromq.org/spec/27 (ZAP).
"""

from dataclasses import dataclass
from pathlib import Path

import zmq
from zmq.utils import z85

from service.api.transport import keys
from service.api.transport.keys import Certificate
from service.errors import EndpointError
from service.logs import Seldom, get_logger
from service.session.folders.runtime_folder import run_stem

log = get_logger(__name__)

_ZAP = "inproc://zeromq.zap.01"
_DOMAIN = b"ilemtrack"
_AT_ONCE = 20
"""Handshakes decided in a row."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Keys of a daemon whose clients must present one.

    Attributes
    ----------
    directory : Path
        Folder of the keys; see `service.api.transport.keys`.
    server : Certificate
        Key pair of the daemon.
    local : Certificate
        Key pair for the clients of this user on this computer, for the life of the daemon.
    """

    directory: Path
    server: Certificate
    local: Certificate


def prepare(directory: Path) -> Curve:
    """Read the keys, and make those that are missing.

    Raises
    ------
    EndpointError
        No client is permitted.
    InputError
        A file cannot be read or written.
    """
    if not zmq.has("curve"):
        raise EndpointError("this libzmq has no CURVE, so the daemon listens on ipc and 127.0.0.1 only")
    if not keys.permitted_clients(directory):
        raise EndpointError(
            f"{directory}: no client key is permitted, and without keys the daemon listens on ipc and"
            " 127.0.0.1 only; make one with `ilemtrack keys new NAME`"
        )
    server = keys.server_pair(directory)
    return Curve(directory, server, keys.new_pair(server.public))


def local_key(run_id: str, curve: Curve) -> Path:
    """Write the key of the local clients into the runtime folder of this user and return its path.

    Raises
    ------
    EndpointError, InputError
    """
    path = run_stem(run_id).with_suffix(".key_secret")
    # One that exists is of a daemon of this run that was killed.
    path.unlink(missing_ok=True)
    keys.write(path, curve.local)
    return path


def require_keys(socket_: "zmq.Socket[bytes]", curve: Curve) -> None:
    """Let only clients with a permitted key connect; call it before the socket is bound."""
    assert curve.server.secret is not None
    socket_.setsockopt(zmq.CURVE_SERVER, 1)
    socket_.setsockopt(zmq.CURVE_SECRETKEY, curve.server.secret.encode())
    socket_.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN)
    # Without a handler, refuse everybody; the default of libzmq is to accept everybody.
    socket_.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


class Gatekeeper:
    """ZAP handler: accepts or refuses the keys of clients; for the thread that serves the sockets.

    The folder of keys is read for each request, so that a revoked key is refused at once.
    """

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", curve: Curve) -> None:
        self._curve = curve
        self._permitted = self._read()
        self._seldom = Seldom()
        self.socket: zmq.Socket[bytes] = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(_ZAP)

    def answer(self) -> None:
        """Answer requests of libzmq, so many at a time that others have their turn."""
        for _ in range(_AT_ONCE):
            if not self.socket.poll(0):
                return
            version, number, _, address, _, mechanism, *credentials = self.socket.recv_multipart()
            name = self._name(mechanism, credentials)
            if name is None:
                self._seldom.write(log.warning, "client refused: no permitted key", address=address.decode())
            verdict = (b"400", b"no permitted key", b"") if name is None else (b"200", b"OK", name.encode())
            self.socket.send_multipart([version, number, *verdict, b""])

    def a_key_was_revoked(self) -> bool:
        """Return True if a key was revoked since the last call."""
        before, self._permitted = self._permitted, self._read()
        return not before <= self._permitted

    def _name(self, mechanism: bytes, credentials: list[bytes]) -> str | None:
        if mechanism != b"CURVE" or len(credentials) != 1 or len(credentials[0]) != 32:
            return None
        public = z85.encode(credentials[0]).decode()
        if public == self._curve.local.public:
            return "local"
        return keys.permitted_clients(self._curve.directory).get(public)

    def _read(self) -> frozenset[str]:
        return frozenset(keys.permitted_clients(self._curve.directory))

"""CURVE keys: the daemon's own pair, and the public keys of permitted clients.

::

    <keys>/server.key_secret  server.key  clients/NAME.key

Files are ZeroMQ certificates. A client's secret file also holds the public key of its server, so a client
needs no other file.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import zmq
from zmq.utils import z85

from config.documents.text_files import read_text
from service.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_LINE = re.compile(r'\s+([a-z-]+)\s*=\s*"([^"]*)"\s*')
_MOST_BYTES = 100_000
_KEY_CHARACTERS = 40
"""Length of 32 bytes in Z85."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Content of a key file; keys in Z85."""

    public: str
    secret: str | None = None
    server: str | None = None
    """Public key of the server to connect to."""
    made: str | None = None
    """Time of creation, ISO 8601."""


def default_directory() -> Path:
    """Return the folder of the keys of this user's daemon."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "ilemtrack" / "keys"


def new_client(directory: Path, name: str, out: Path) -> None:
    """Make a key pair for a client: the public key is permitted, the secret goes to `out`.

    Raises
    ------
    InputError
        The name is taken or not allowed, or a file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r}: the name of a key has at most 63 letters, digits, '_', '-' and '.'")
    permitted = directory / "clients" / f"{name}.key"
    if permitted.exists():
        raise InputError(f"{permitted}: a key of that name exists; revoke it first, or choose another name")
    server = server_pair(directory)
    pair = new_pair(server.public)
    write(out, pair)
    write(permitted, Certificate(pair.public, made=pair.made))


def revoke(directory: Path, name: str) -> None:
    """Revoke the key of a client; a running daemon notices within a second.

    Raises
    ------
    InputError
        There is no such key, or it cannot be removed.
    """
    try:
        if not _NAME.fullmatch(name):
            raise FileNotFoundError
        (directory / "clients" / f"{name}.key").unlink()
    except FileNotFoundError:
        known = ", ".join(sorted(permitted_clients(directory).values())) or "none"
        raise InputError(f"{directory}: there is no key named {name!r}; there are: {known}") from None
    except OSError as error:
        raise InputError(f"{directory}: the key {name!r} cannot be removed ({error.strerror})") from error


def permitted_clients(directory: Path) -> dict[str, str]:
    """Return the names of the permitted clients by public key; ignore files that are not certificates."""
    found = {}
    for path in sorted((directory / "clients").glob("*.key")):
        try:
            found[read(path).public] = path.stem
        except InputError:
            continue
    return found


def server_pair(directory: Path) -> Certificate:
    """Return the key pair of the daemon; make it if there is none.

    Raises
    ------
    InputError
        The pair cannot be written or read, or other users may read it.
    """
    path = directory / "server.key_secret"
    if not path.exists():
        pair = new_pair()
        write(path, pair)
        write(directory / "server.key", Certificate(pair.public, made=pair.made))
    if path.stat().st_mode & 0o077:
        raise InputError(f"{path}: other users may read it; `chmod 600` it, or better make new keys")
    return read_secret(path)


def new_pair(server: str | None = None) -> Certificate:
    """Return a new key pair, for a client if `server` is the public key of its server."""
    public, secret = zmq.curve_keypair()
    return Certificate(public.decode(), secret.decode(), server, datetime.now(UTC).isoformat("T", "seconds"))


def write(path: Path, certificate: Certificate) -> None:
    """Write a certificate to a new file; only this user can read one that holds a secret key.

    Raises
    ------
    InputError
    """
    metadata = {"created": certificate.made, "server-key": certificate.server}
    keys = {"public-key": certificate.public, "secret-key": certificate.secret}
    lines = ["metadata", *_lines(metadata), "curve", *_lines(keys), ""]
    mode = 0o644 if certificate.secret is None else 0o600
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "w") as file:
            file.write("\n".join(lines))
    except FileExistsError:
        raise InputError(f"{path}: exists already; a key is never overwritten") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def read(path: Path) -> Certificate:
    """Read a certificate.

    Raises
    ------
    InputError
        The file cannot be read, or is not a certificate.
    """
    try:
        text = read_text(path, _MOST_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as a key file ({error.strerror})") from None
    matches = [match for match in map(_LINE.fullmatch, text.splitlines()) if match]
    values: dict[str, str] = {match[1]: match[2] for match in matches}
    keys = [values.get(name) for name in ("public-key", "secret-key", "server-key")]
    if keys[0] is None or any(key is not None and not _is_key(key) for key in keys):
        raise InputError(f"{path}: not a ZeroMQ key file; `ilemtrack keys new NAME` makes one")
    return Certificate(keys[0], keys[1], keys[2], values.get("created"))


def read_secret(path: Path) -> Certificate:
    """Read a certificate with its secret key.

    Raises
    ------
    InputError
    """
    found = read(path)
    if found.secret is None:
        raise InputError(f"{path}: holds no secret key; use the file that ends in .key_secret")
    return found


def present(socket_: "zmq.Socket[bytes]", key: Certificate) -> None:
    """Present a client's key to the server; call it before the socket connects."""
    assert key.secret is not None
    assert key.server is not None
    socket_.setsockopt(zmq.CURVE_SERVERKEY, key.server.encode())
    socket_.setsockopt(zmq.CURVE_PUBLICKEY, key.public.encode())
    socket_.setsockopt(zmq.CURVE_SECRETKEY, key.secret.encode())


def _lines(values: dict[str, str | None]) -> list[str]:
    return [f'    {name} = "{value}"' for name, value in values.items() if value is not None]


def _is_key(text: str) -> bool:
    try:
        return len(text) == _KEY_CHARACTERS and len(z85.decode(text)) == 32
    except (ValueError, KeyError):
        return False

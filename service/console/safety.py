"""Rights to use the console, decided for each request before anything else sees it.

- The Host of a request must be a name of this computer or a numeric address, so a name that is rebound to
  it (DNS rebinding) is refused. The Origin, which browsers send, must be the console itself; a WebSocket must
  have one.
- A GET changes nothing of a session, and nothing else is accepted but the form of the login. All changes go
  over the WebSocket of a page that this console has made for this person.
"""

import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode, urlsplit

from service.errors import InputError

SHORTEST_TOKEN = 16
"""Shortest token that is accepted; those made by the console have 22 characters of 6 bit."""

LOGIN = "/login"

NAME_COOKIE = "ilemtrack_name"
"""Cookie with the name that is recorded for a person's decisions."""

ONCE = "once"
"""Parameter of the address that signs in once."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # NiceGUI begins a page with scripts in it, and Vue compiles templates. Attributes such as onerror are
        # refused.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "script-src-attr 'none'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Mapping[str, str] = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Headers of each reply."""


class Role(StrEnum):
    """Rights of a person at the console."""

    OPERATE = "operate"
    WATCH = "watch"
    """Sees everything and changes nothing."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of the two roles; without them everybody who reaches the console may operate."""

    operate: str
    watch: str


class Invitation:
    """A part of an address that signs in once, so that whoever sees the address later gains nothing.

    Parameters
    ----------
    name : str
        Person whose browser it signs in.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._open: str | None = new_token()

    @property
    def path(self) -> str:
        """Path of the address."""
        return f"{LOGIN}?{urlencode({ONCE: self._open or ''})}"

    def accept(self, shown: str) -> bool:
        """Return True for the right part, the first time."""
        if self._open is None or not hmac.compare_digest(shown.encode(), self._open.encode()):
            return False
        self._open = None
        return True


@dataclass(frozen=True, slots=True)
class Refusal:
    """Answer to a request that is not served: a status of HTTP and a sentence."""

    status: int
    says: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules of one console.

    Attributes
    ----------
    host : str
        Address at which it listens.
    port : int
    tokens : Tokens or None
    invitation : Invitation or None
        Signs one browser in, to operate.
    """

    host: str
    port: int
    tokens: Tokens | None = None
    invitation: Invitation | None = None

    @property
    def cookie(self) -> str:
        """Name of the cookie of the login; browsers keep cookies for a computer, not for a port."""
        return f"ilemtrack_console_{self.port}"

    def refusal(self, kind: str, method: str, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """Return why a request is refused whoever sends it, else None.

        Parameters
        ----------
        kind : str
            ``http`` or ``websocket``.
        method, path : str
            Of HTTP.
        headers : mapping of str to str
            By lower-case names.
        """
        host = headers.get("host", "")
        if not self._is_ours(_name(host)):
            return Refusal(400, f"this console is not served under the name {host!r}")
        origin = headers.get("origin")
        if origin is None and kind == "websocket":
            return Refusal(403, "a WebSocket without an Origin is refused")
        if origin is not None and _place(origin) != host:
            return Refusal(403, "requests from other sites are refused")
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return Refusal(403, "requests from other sites are refused")
        if kind == "http" and path.startswith("/_nicegui_ws"):
            return Refusal(403, "events go over a WebSocket only")
        if kind == "http" and method not in ("GET", "HEAD") and (method, path) != ("POST", LOGIN):
            return Refusal(405, "nothing is changed by HTTP requests")
        return None

    def role(self, headers: Mapping[str, str]) -> Role | None:
        """Return the role of whoever sends a request; None without a valid login."""
        if self.tokens is None:
            return Role.OPERATE
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            morsel = None
        shown = "" if morsel is None else morsel.value
        for role, token in self._by_role(self.tokens):
            if hmac.compare_digest(shown.encode(), _proof(token).encode()):
                return role
        return None

    def login(self, token: str) -> str | None:
        """Return the value of the cookie for a token, None for a wrong one."""
        if self.tokens is not None:
            for _, right in self._by_role(self.tokens):
                if hmac.compare_digest(token.strip().encode(), right.encode()):
                    return _proof(right)
        return None

    def invited(self, shown: str) -> tuple[str, str] | None:
        """Return the value of the cookie for the part of an invitation, and the name; None for a used one."""
        if self.tokens is None or self.invitation is None or not self.invitation.accept(shown):
            return None
        return _proof(self.tokens.operate), self.invitation.name

    def _is_ours(self, name: str) -> bool:
        if is_loopback(self.host):
            return name in ("localhost", "127.0.0.1", "::1", self.host.lower())
        names = {"localhost", self.host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
        return name in names or _is_address(name)

    @staticmethod
    def _by_role(tokens: Tokens) -> tuple[tuple[Role, str], tuple[Role, str]]:
        return (Role.OPERATE, tokens.operate), (Role.WATCH, tokens.watch)


def new_token() -> str:
    """Return a new random token, of 128 bit."""
    return secrets.token_urlsafe(16)


def checked_tokens(operate: str, watch: str) -> Tokens:
    """Return the tokens of the two roles.

    Raises
    ------
    InputError
        One is too short, or both are the same.
    """
    if min(len(operate), len(watch)) < SHORTEST_TOKEN:
        raise InputError(f"a token of the console has at least {SHORTEST_TOKEN} characters")
    if operate == watch:
        raise InputError("the tokens of the console, to operate and to watch, must differ")
    return Tokens(operate, watch)


def is_loopback(host: str) -> bool:
    """Return True if an address is reached from this computer only."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _proof(token: str) -> str:
    """Return the value of the cookie: it proves the token and does not show it."""
    return hmac.new(token.encode(), b"ilemtrack console", hashlib.sha256).hexdigest()


def _place(origin: str) -> str:
    """Return name and port of an Origin header."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _name(host: str) -> str:
    """Return the name in a Host header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

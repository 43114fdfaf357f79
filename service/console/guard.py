"""The first thing that sees a request: refuses it, asks for a login, or lets it through with a role."""

import html
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode

from service.console.safety import HEADERS, LOGIN, NAME_COOKIE, ONCE, Policy, Role

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ROLE = "ilemtrack_role"
"""Key of the role in the scope of a request that was let through."""

_LARGEST_FORM = 4096
_KEPT = "Path=/; SameSite=Strict; Max-Age=2592000"
"""Attributes of a cookie that is kept for a month."""

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ilemtrack</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{{background:#101418;color:#e8ecef;font:16px/1.5 sans-serif;display:grid;place-items:center;
min-height:90vh}}
main{{width:20rem;max-width:90vw}} h1{{font-size:1.25rem}} p{{min-height:1.5em}}
input,button{{font:inherit;width:100%;box-sizing:border-box;padding:.6rem;margin:.3rem 0 1rem;
border:1px solid #7b8894;border-radius:6px;background:#1a2026;color:inherit}}
button{{background:#8cc8ff;color:#06131f;border:0}}
</style></head><body><main><h1>ilemtrack console</h1><form method="post" action="/login">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" autofocus required>
<button>Sign in</button></form><p role="alert">{says}</p></main></body></html>"""


class Guard:
    """ASGI middleware that holds the rules of a `Policy`."""

    def __init__(self, app: App, policy: Policy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = scope.get("method", "GET"), scope["path"]
        refusal = self._policy.refusal(scope["type"], method, path, headers)
        role = self._policy.role(headers)
        if refusal is None and role is not None and path != LOGIN:
            scope[ROLE] = role
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            # Closed before it is accepted: the server answers with 403.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif refusal is not None:
            await _answer(send, refusal.status, f"{refusal.says}\n", "text/plain")
        elif method == "POST":
            await self._log_in(receive, send)
        elif path == LOGIN and role is Role.OPERATE:
            await _answer(send, HTTPStatus.SEE_OTHER, "", "text/plain", [("location", "/")])
        else:
            # Programs that look at an address before it is opened ask with HEAD.
            query = scope.get("query_string", b"") if method == "GET" else b""
            await self._welcome(send, path, query.decode("latin-1"))

    async def _welcome(self, send: Send, path: str, query: str) -> None:
        """Sign a browser in by its invitation, or ask for the token."""
        shown = parse_qs(query).get(ONCE, [""])[0] if path == LOGIN else ""
        if shown and (found := self._policy.invited(shown)) is not None:
            proof, name = found
            # A page, not a redirection: after one that a file has begun, browsers hold strict cookies back.
            cookies = [
                ("set-cookie", f"{self._policy.cookie}={proof}; HttpOnly; {_KEPT}"),
                ("set-cookie", f"{urlencode({NAME_COOKIE: name})}; {_KEPT}"),
            ]
            await _answer(send, HTTPStatus.OK, redirecting("/"), "text/html", cookies)
            return
        says = (
            "This address was used before, or is of another console. Sign in with the token." if shown else ""
        )
        status = HTTPStatus.OK if path in (LOGIN, "/") and not shown else HTTPStatus.UNAUTHORIZED
        await _answer(send, status, _PAGE.format(says=html.escape(says)), "text/html")

    async def _log_in(self, receive: Receive, send: Send) -> None:
        form = parse_qs((await _body(receive)).decode("utf-8", "replace"))
        proof = self._policy.login(form.get("token", [""])[0])
        if proof is None:
            page = _PAGE.format(says=html.escape("This token is not valid."))
            await _answer(send, HTTPStatus.UNAUTHORIZED, page, "text/html")
            return
        await self._enter(send, proof)

    async def _enter(self, send: Send, proof: str) -> None:
        cookie = f"{self._policy.cookie}={proof}; HttpOnly; {_KEPT}"
        headers = [("location", "/"), ("set-cookie", cookie)]
        await _answer(send, HTTPStatus.SEE_OTHER, "", "text/plain", headers)


def redirecting(address: str) -> str:
    """Return a page that takes a browser to an address."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ilemtrack</title>'
        f'<meta http-equiv="refresh" content="0;url={html.escape(address)}"></head><body></body></html>'
    )


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_encoded(HEADERS.items())]}
        await send(message)

    return sending


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= _LARGEST_FORM:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
    return b""


async def _answer(
    send: Send, status: int, text: str, media_type: str, headers: list[tuple[str, str]] | None = None
) -> None:
    all_headers = [
        *HEADERS.items(),
        ("content-type", f"{media_type}; charset=utf-8"),
        ("cache-control", "no-store"),
    ]
    await send(
        {
            "type": "http.response.start",
            "status": int(status),
            "headers": _encoded(all_headers + (headers or [])),
        }
    )
    await send({"type": "http.response.body", "body": text.encode()})


def _encoded(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
